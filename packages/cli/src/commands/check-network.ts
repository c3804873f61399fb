import { CocoonError } from '@cocoon-net/protocol'
import { Cell } from '@ton/core'
import { z } from 'zod'
import { chainEndpointsOf } from '../config-keys.ts'
import type { ChainAccess } from './wallet-access.ts'
import type { Invocation } from '../invocation.ts'

const DEADLINE_MS = 10_000
/** Configuration parameter that holds a chain's global id. */
const GLOBAL_ID_PARAM = 19

const answerSchema = z.object({ result: z.object({ config: z.object({ bytes: z.string().max(4_096) }) }) })

async function globalIdAt (invocation: Invocation, url: string, apiKey: string | undefined): Promise<number> {
  const { context } = invocation
  try {
    const response = await context.fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(apiKey === undefined ? {} : { 'x-api-key': apiKey }) },
      body: JSON.stringify({ id: '1', jsonrpc: '2.0', method: 'getConfigParam', params: { config_id: GLOBAL_ID_PARAM } }),
      signal: AbortSignal.any([context.signal, AbortSignal.timeout(DEADLINE_MS)])
    })
    const { result } = answerSchema.parse(await response.json())
    return Cell.fromBase64(result.config.bytes).beginParse().loadInt(32)
  } catch (cause) {
    throw new CocoonError('chain_unavailable', `The chain at ${new URL(url).origin} does not say which network it is`, { cause })
  }
}

/**
 * Whether the endpoint serves the network that the configuration names. A wallet has the same address on both public
 * networks, so that what is signed for one and sent to the other would be good on the first as well.
 *
 * @throws {CocoonError} wrong_network, chain_unavailable
 */
export async function checkNetwork (invocation: Invocation, chain: ChainAccess): Promise<void> {
  if (chain.sender === undefined) {
    // a running node's chain is that node's own
    return
  }
  const { endpoint, secondEndpoint, apiKey } = chainEndpointsOf(invocation.config)
  for (const [url, key] of [[endpoint, apiKey], [secondEndpoint, undefined]] as const) {
    const globalId = url === undefined ? chain.network.tonGlobalId : await globalIdAt(invocation, url, key)
    if (globalId !== chain.network.tonGlobalId) {
      throw new CocoonError('wrong_network', `${new URL(url ?? endpoint).origin} serves the chain ${globalId}, and ${chain.network.name} is ${chain.network.tonGlobalId}: nothing was sent`)
    }
  }
}
