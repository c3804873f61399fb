import { CocoonError } from '@cocoon-net/protocol'
import { z } from 'zod'
import { EXIT_DONE } from '../exit-codes.ts'
import { callLocal, gatewayHeaders, readJson } from '../local-api.ts'
import { printResult, printable, tableText, tonText } from '../output.ts'
import { withProgress } from '../progress.ts'
import { gatewayUrlOf } from '../running-node.ts'
import type { Invocation } from '../invocation.ts'

const nano = z.union([z.number(), z.string()])

const modelsSchema = z.object({
  data: z.array(z.object({
    id: z.string(),
    cocoon: z.object({
      /** Whether the network's registry lists it; absent where it lists none. */
      listed: z.boolean().optional(),
      providers: z.array(z.object({
        peer_id: z.string(),
        tier: z.string(),
        tier_note: z.string(),
        private: z.boolean(),
        prices_nano_per_million: z.object({ prompt: nano, cached: nano, completion: nano, reasoning: nano }),
        room: z.object({ total: z.number(), free: z.number() }),
        context_length: z.number(),
        endpoints: z.array(z.string()),
        stake_nano: nano,
        stake_fault: z.string().optional()
      }))
    })
  }))
})

export type ModelsAnswer = z.infer<typeof modelsSchema>

/** @throws {CocoonError} not_running, no_provider, internal when something else listens on the port */
export async function fetchModels (invocation: Invocation): Promise<ModelsAnswer> {
  const { context, home, config } = invocation
  const gateway = await gatewayUrlOf(home, config)
  const response = await callLocal(context, `${gateway}/v1/models`, { headers: gatewayHeaders(config) })
  const parsed = modelsSchema.safeParse(await readJson(response))
  if (!parsed.success) {
    throw new CocoonError('not_running', `What answers at ${gateway} is not a Cocoon gateway`)
  }
  return parsed.data
}

function price (value: number | string): string {
  return tonText(BigInt(value))
}

/** One line for each tier that is there: what it promises, and what not. */
function notesText (models: ModelsAnswer['data']): string {
  const notes = new Map(models.flatMap(model => model.cocoon.providers.map(({ tier, tier_note: note }): [string, string] => [tier, note])))
  return [...notes].map(([tier, note]) => printable(`${tier}: ${note}`)).join('\n')
}

/** Lists what can be bought now, as the running gateway sees it. */
export async function offers (invocation: Invocation): Promise<number> {
  const wanted = invocation.args[0]
  const answer = await withProgress(invocation.context, 'Asking the gateway', async () => fetchModels(invocation))
  const models = answer.data.filter(model => wanted === undefined || model.id === wanted || model.id.split('@')[0] === wanted || model.id.startsWith(wanted))
  if (wanted !== undefined && models.length === 0) {
    throw new CocoonError('model_unknown')
  }
  printResult(invocation.context, invocation.json, { models }, () => tableText(
    ['model', 'provider', 'tier', 'prompt', 'cached', 'completion', 'reasoning', 'room', 'context', 'stake'],
    models.flatMap(model => model.cocoon.providers.map(provider => {
      const prices = provider.prices_nano_per_million
      return [
        `${model.id.replace(/@([0-9a-f]{12})[0-9a-f]+$/, '@$1')}${model.cocoon.listed === false ? ' (unlisted)' : ''}`, provider.peer_id, provider.tier,
        price(prices.prompt), price(prices.cached), price(prices.completion), price(prices.reasoning),
        `${provider.room.free}/${provider.room.total}`, String(provider.context_length),
        provider.stake_fault ?? price(provider.stake_nano)
      ]
    }))
  ) + `\nPrices in TON per million tokens, stakes in TON.\n${notesText(models)}`)
  return EXIT_DONE
}
