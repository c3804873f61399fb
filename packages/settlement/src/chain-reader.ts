import { agreeingPort } from './agreeing-port.ts'
import { delay, systemClock } from './clock.ts'
import { createTonPort } from './ton-port.ts'
import type { Clock } from './clock.ts'
import type { ContractOnChain, TonReader } from './ton-port.ts'
import type { CocoonError } from '@cocoon-net/protocol'

export interface ChainReaderInit {
  /** toncenter's HTTP API v2 (JSON-RPC). */
  readonly endpoint: string
  /** A second one, of somebody else: what gates money must be shown by both. */
  readonly secondEndpoint?: string
  /** Of the first endpoint. */
  readonly apiKey?: string
  readonly timeoutMs?: number
  readonly clock?: Clock
  nowMs? (): number
  /** Told when the two contradict each other. */
  onDisagree? (error: CocoonError): void
}

/** One endpoint may be some blocks behind the other: so often they are asked for the same contract before they disagree. */
const CONTRACT_TRIES = 6
const CONTRACT_PAUSE_MS = 1_000

/**
 * The chain through one endpoint, or through two that must agree.
 *
 * @throws {CocoonError} chain_unavailable, chain_rejected, chain_disagrees (from its methods); the message names the endpoint
 */
export function createChainReader (init: ChainReaderInit): TonReader {
  const { secondEndpoint, clock = systemClock } = init
  const first = createTonPort(init)
  if (secondEndpoint === undefined) {
    return first
  }
  return agreeingReader([first, createTonPort({ ...init, endpoint: secondEndpoint, apiKey: undefined })], { clock, onDisagree: init.onDisagree })
}

/** A reader over two endpoints: `agreeingPort`, and contracts that both show alike. */
export function agreeingReader (ports: readonly [TonReader, TonReader], { clock, onDisagree }: { clock: Clock, onDisagree? (error: CocoonError): void }): TonReader {
  const { disagreement, ...port } = agreeingPort(ports, onDisagree)
  const contract: TonReader['contract'] = async account => {
    for (let attempt = 1; ; attempt++) {
      const [shown, other] = await Promise.all(ports.map(async each => each.contract(account)))
      const [first, second] = [shown, other].map(textOf)
      if (first === second) {
        return shown
      }
      if (attempt === CONTRACT_TRIES) {
        throw disagreement('a contract', [first, second])
      }
      await delay(clock, CONTRACT_PAUSE_MS, new AbortController().signal)
    }
  }
  return { ...port, contract, data: async account => (await contract(account))?.data ?? null }
}

function textOf (contract: ContractOnChain | null): string {
  return contract == null ? 'none' : `code ${contract.codeHash.slice(0, 16)} with data ${contract.data.hash().toString('hex').slice(0, 16)}`
}
