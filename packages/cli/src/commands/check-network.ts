import { setTimeout } from 'node:timers/promises'
import { CocoonError, parseDevnetText, toHex } from '@cocoon-net/protocol'
import { Cell } from '@ton/core'
import { z } from 'zod'
import { chainEndpointsOf } from '../config-keys.ts'
import type { CliContext } from '../context.ts'
import type { Invocation } from '../invocation.ts'
import type { NetworkPreset } from '@cocoon-net/protocol'

const DEADLINE_MS = 10_000
/** Configuration parameter that holds a chain's global id. */
const GLOBAL_ID_PARAM = 19
const TOO_MANY_REQUESTS = 429
const RATE_TRIES = 4
/** The public endpoints grant one request a second without a key; each pause is longer than the one before. */
const RATE_PAUSE_MS = 800

const answerSchema = z.object({ result: z.object({ config: z.object({ bytes: z.string().max(4_096) }) }) })
const devnetSchema = z.object({ genesis: z.string().regex(/^[0-9a-f]{64}$/) })

/** One of the chain's endpoints, toncenter's HTTP API v2 as JSON-RPC. */
export interface ChainEndpoint {
  readonly endpoint: string
  readonly apiKey?: string
}

async function ask (context: CliContext, url: string | URL, init: RequestInit, signal: AbortSignal): Promise<Response> {
  const { origin } = new URL(url)
  try {
    for (let attempt = 1; attempt <= RATE_TRIES; attempt++) {
      const response = await context.fetch(url, { ...init, redirect: 'error', signal })
      if (response.status !== TOO_MANY_REQUESTS) {
        return response
      }
      await response.body?.cancel()
      await setTimeout(RATE_PAUSE_MS * attempt, undefined, { signal })
    }
  } catch (cause) {
    throw new CocoonError('chain_unavailable', `The chain at ${origin} cannot be reached`, { cause })
  }
  throw new CocoonError('chain_unavailable', `The chain at ${origin} asks for fewer requests: an API key raises its limit`)
}

async function globalIdAt (context: CliContext, { endpoint, apiKey }: ChainEndpoint, signal: AbortSignal): Promise<number> {
  const response = await ask(context, endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(apiKey === undefined ? {} : { 'x-api-key': apiKey }) },
    body: JSON.stringify({ id: '1', jsonrpc: '2.0', method: 'getConfigParam', params: { config_id: GLOBAL_ID_PARAM } })
  }, signal)
  try {
    const { result } = answerSchema.parse(await response.json())
    return Cell.fromBase64(result.config.bytes).beginParse().loadInt(32)
  } catch (cause) {
    throw new CocoonError('chain_unavailable', `The chain at ${new URL(endpoint).origin} does not say which network it is`, { cause })
  }
}

/** The genesis of the devnet that an endpoint serves, 64 hex digits; undefined where it is no devnet of this software. */
async function genesisAt (context: CliContext, { endpoint }: ChainEndpoint, signal: AbortSignal): Promise<string | undefined> {
  const response = await ask(context, new URL('/devnet/info', endpoint), {}, signal)
  const answer = devnetSchema.safeParse(await response.json().catch(() => undefined))
  return answer.success ? answer.data.genesis : undefined
}

/**
 * Whether an endpoint serves the network that the configuration names. A wallet has the same address on both public
 * networks, so that what is signed for one and sent to the other would be good on the first as well; coins for a vault
 * of another devnet would lie where no provider takes them; and what another chain shows is not this one's money.
 *
 * @throws {CocoonError} wrong_network, chain_unavailable
 */
export async function checkEndpoint ({ context, config }: Pick<Invocation, 'context' | 'config'>, network: NetworkPreset, endpoint: ChainEndpoint): Promise<void> {
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(DEADLINE_MS)])
  const { origin } = new URL(endpoint.endpoint)
  const globalId = await globalIdAt(context, endpoint, signal)
  if (globalId !== network.tonGlobalId) {
    throw new CocoonError('wrong_network', `${origin} serves the chain ${globalId}, and ${network.name} is ${network.tonGlobalId}: nothing was sent`)
  }
  if (config.devnetGenesis === undefined || network.kind !== 'devnet') {
    return
  }
  const asked = toHex(parseDevnetText(config.devnetGenesis).genesis)
  const served = await genesisAt(context, endpoint, signal)
  if (served !== undefined && served !== asked) {
    throw new CocoonError('wrong_network', `${origin} serves the devnet ${served.slice(0, 16)}…, and devnetGenesis names ${asked.slice(0, 16)}…: nothing was sent`)
  }
}

/**
 * Whether every endpoint that the configuration names serves its network.
 *
 * @throws {CocoonError} config_invalid, wrong_network, chain_unavailable
 */
export async function checkEndpoints (invocation: Pick<Invocation, 'context' | 'config'>, network: NetworkPreset): Promise<void> {
  const { endpoint, secondEndpoint, apiKey } = chainEndpointsOf(invocation.config)
  await checkEndpoint(invocation, network, { endpoint, apiKey })
  if (secondEndpoint !== undefined) {
    await checkEndpoint(invocation, network, { endpoint: secondEndpoint })
  }
}
