import { CocoonError } from '@cocoon-net/protocol'
import { z } from 'zod'
import { EXIT_DONE } from '../exit-codes.ts'
import { adminRead } from '../local-api.ts'
import { printResult, printable, tableText } from '../output.ts'
import { withProgress } from '../progress.ts'
import type { Command } from '../invocation.ts'

const requestsSchema = z.object({
  requests: z.array(z.object({
    atMs: z.number(),
    model: z.string(),
    taken: z.string().nullable(),
    considered: z.array(z.object({ peer: z.string(), outcome: z.string(), tier: z.string(), why: z.string() }))
  }))
})

type ExplainedRequest = z.infer<typeof requestsSchema>['requests'][number]

function requestText ({ atMs, model, taken, considered }: ExplainedRequest): string {
  const head = `${new Date(atMs).toISOString()}  ${model.replace(/@([0-9a-f]{12})[0-9a-f]+$/, '@$1')}  ${taken === null ? 'nobody was taken' : `taken: ${taken}`}`
  return considered.length === 0
    ? printable(head)
    : `${printable(head)}\n${tableText(['  provider', 'tier', 'outcome', 'why'], considered.map(one => [`  ${one.peer}`, one.tier, one.outcome, one.why.replaceAll('\n', ' ')]))}`
}

/** Why each candidate of the last requests was or was not taken; of one model when it is named. */
export const explain: Command = async invocation => {
  const model = invocation.args[0]
  const answer = await withProgress(invocation.context, 'Asking the node', async () =>
    adminRead(invocation, model === undefined ? 'explain' : `explain?model=${encodeURIComponent(model)}`))
  const parsed = requestsSchema.safeParse(answer)
  if (!parsed.success) {
    throw new CocoonError('not_running', 'What answers is not a node of this version')
  }
  printResult(invocation.context, invocation.json, parsed.data, ({ requests }) =>
    requests.length === 0 ? 'No request has been made yet.' : requests.map(requestText).join('\n\n'))
  return EXIT_DONE
}
