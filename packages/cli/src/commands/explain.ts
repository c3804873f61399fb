import { EXIT_DONE } from '../exit-codes.ts'
import { adminRead } from '../local-api.ts'
import { fieldsText, printResult } from '../output.ts'
import { withProgress } from '../progress.ts'
import type { Command, Invocation } from '../invocation.ts'

async function show (invocation: Invocation, path: string): Promise<number> {
  const value = await withProgress(invocation.context, 'Asking the node', async () => adminRead(invocation.context, invocation.config, path))
  printResult(invocation.context, invocation.json, value, fieldsText)
  return EXIT_DONE
}

/** Why each candidate of the last requests was or was not taken; of one model when it is named. */
export const explain: Command = async invocation => {
  const model = invocation.args[0]
  return show(invocation, model === undefined ? 'explain' : `explain?model=${encodeURIComponent(model)}`)
}
