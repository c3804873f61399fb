import { connect } from 'node:net'
import { CocoonError } from '@cocoon-net/protocol'
import { z } from 'zod'
import { chainUrlOf } from '../config-keys.ts'
import { adminRead } from '../local-api.ts'
import { adminPlaceOf } from '../running-node.ts'
import { checkEndpoints } from './check-network.ts'
import { checkOf, failedCheck } from './doctor-check.ts'
import { fetchModels } from './offers.ts'
import { networkOfConfig } from './wallet-access.ts'
import type { Check } from './doctor-check.ts'
import type { Config } from '../config-keys.ts'
import type { Invocation } from '../invocation.ts'

/** A chain API that takes longer than this is as good as gone for a streaming payment. */
const CHAIN_DEADLINE_MS = 5_000
/** A peer that takes no connection for so long is not one to join by. */
const CONNECT_DEADLINE_MS = 3_000
/** Offers from more than 60 s ahead are refused; half of it leaves room for the network. */
const MAX_SKEW_MS = 30_000

const statusSchema = z.object({ network: z.string(), ready: z.boolean().optional(), tier: z.string().optional(), lanes: z.number().optional() })
type NodeStatus = z.infer<typeof statusSchema>

/** The running node, or undefined. */
export async function readStatus (invocation: Invocation, config: Config): Promise<NodeStatus | undefined> {
  try {
    return statusSchema.parse(await adminRead({ ...invocation, config }, 'status'))
  } catch {
    return undefined
  }
}

/** What runs, and whether it has found anyone. */
export async function checkRunning (invocation: Invocation, config: Config, status: NodeStatus): Promise<Check[]> {
  const asked = config.network ?? 'devnet'
  const running = checkOf('running', status.network === asked, `A node of ${status.network} answers at ${(await adminPlaceOf(invocation.home, config)).url}`, `The configuration names ${asked}: restart the node, or correct network.`)
  if (status.ready === undefined) {
    return [running, checkOf('tier', true, status.tier ?? 'none', '')]
  }
  try {
    const { data } = await fetchModels({ ...invocation, config })
    const providers = data.flatMap(model => model.cocoon.providers)
    const tiers = [...new Set(providers.map(({ tier, tier_note: note }) => `${tier} (${note})`))]
    return [running, checkOf('providers', true, `${providers.length} for ${data.length} ${data.length === 1 ? 'model' : 'models'}; tier ${tiers.join(', ')}`, '')]
  } catch (error) {
    return [running, failedCheck('providers', error)]
  }
}

function skewCheck (invocation: Invocation, response: Response): Check[] {
  const atMs = Date.parse(response.headers.get('date') ?? '')
  if (Number.isNaN(atMs)) {
    return []
  }
  const seconds = Math.round((invocation.context.nowMs() - atMs) / 1_000)
  const text = Math.abs(seconds) <= 1 ? 'as the chain\'s' : `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} the chain's`
  return [checkOf('clock', Math.abs(seconds) * 1_000 <= MAX_SKEW_MS, text, 'Set the clock, or let the system keep it: offers and evidence of others are refused otherwise.')]
}

/** Whether the chain is the one that the configuration names. */
async function servesCheck (invocation: Invocation, config: Config): Promise<Check[]> {
  try {
    const network = networkOfConfig({ ...invocation, config })
    await checkEndpoints({ ...invocation, config }, network)
    return [checkOf('network', true, network.name, '')]
  } catch (error) {
    return [failedCheck('network', error)]
  }
}

/** Whether the chain's API answers, and how far its clock is from ours. */
export async function checkChain (invocation: Invocation, config: Config): Promise<Check[]> {
  let url: string
  try {
    url = chainUrlOf(config)
  } catch {
    return [checkOf('chain', false, 'chainUrl is not set', 'Run cocoon init --chain-url URL, or bring up a local network with cocoon testnet up.')]
  }
  const name = `chain ${url}`
  try {
    const response = await invocation.context.fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: '1', jsonrpc: '2.0', method: 'getMasterchainInfo', params: {} }),
      signal: AbortSignal.any([invocation.context.signal, AbortSignal.timeout(CHAIN_DEADLINE_MS)])
    })
    const body = await response.json() as { result?: { last?: { seqno?: unknown } } } | null
    const seqno = body?.result?.last?.seqno
    if (!response.ok || typeof seqno !== 'number') {
      throw new CocoonError('chain_unavailable', `${url} does not answer like a toncenter API`)
    }
    return [checkOf(name, true, `at block ${seqno}`, ''), ...await servesCheck(invocation, config), ...skewCheck(invocation, response)]
  } catch (error) {
    return [failedCheck(name, error instanceof CocoonError ? error : new CocoonError('chain_unavailable', undefined, { cause: error }))]
  }
}

async function canConnect (host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port, timeout: CONNECT_DEADLINE_MS })
    const end = (ok: boolean) => (): void => {
      socket.destroy()
      resolve(ok)
    }
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false))
  })
}

/** Whether the peers to join by take a connection. */
export async function checkBootstrap (config: Config): Promise<Check[]> {
  return Promise.all((config.bootstrap ?? []).map(async address => {
    const found = /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d{1,5})(?:\/|$)/.exec(address)
    const name = `bootstrap ${address}`
    if (found == null || Number(found[2]) > 65_535) {
      return checkOf(name, false, 'not a multiaddr with a TCP port', 'Write it as /ip4/…/tcp/…/p2p/….')
    }
    const ok = await canConnect(found[1], Number(found[2]))
    return checkOf(name, ok, ok ? 'takes connections' : 'does not take a connection', 'Check the address and the network, or name another peer.')
  }))
}
