import { EXIT_DONE } from '../exit-codes.ts'
import { adminAction, adminRead } from '../local-api.ts'
import { fieldsText, printResult } from '../output.ts'
import { withProgress } from '../progress.ts'
import type { Command, Invocation } from '../invocation.ts'

async function show (invocation: Invocation, path: string): Promise<number> {
  const value = await withProgress(invocation.context, 'Asking the node', async () => adminRead(invocation.context, invocation.config, path))
  printResult(invocation.context, invocation.json, value, fieldsText)
  return EXIT_DONE
}

/** The vault with its lanes: what is locked, promised and paid. */
export const vault: Command = async invocation => show(invocation, 'vault')

/** The wallet's address and balance. */
export const wallet: Command = async invocation => show(invocation, 'wallet')

/** Why each candidate of the last requests was or was not taken; of one model when it is named. */
export const explain: Command = async invocation => {
  const model = invocation.args[0]
  return show(invocation, model === undefined ? 'explain' : `explain?model=${encodeURIComponent(model)}`)
}

/** Redeems what the running provider has earned. */
export const settle: Command = async invocation => {
  const value = await withProgress(invocation.context, 'Settling on the chain', async () =>
    adminAction(invocation.context, invocation.home, invocation.config, 'settle'))
  printResult(invocation.context, invocation.json, value, fieldsText)
  return EXIT_DONE
}
