import { randomBytes } from 'node:crypto'
import { CocoonError, DEVNET_GLOBAL_ID, toHex } from '@cocoon-net/protocol'
import { Address } from '@ton/core'
import { Inbox } from './inbox.ts'
import { Ledger } from './ledger.ts'
import { mintOf, routes } from './routes.ts'
import { serve } from './serve.ts'
import { ChainStore } from './store.ts'
import type { Faults } from './inbox.ts'
import type { DevnetControl } from './routes.ts'
import type { Snapshot } from './store.ts'
import type { StateInit } from '@ton/core'

export type { Faults } from './inbox.ts'
export type { Snapshot } from './store.ts'

/** An account that is there from the first block on. */
export interface GenesisAccount {
  /** In any notation. */
  readonly address: string
  readonly amountNano: bigint
  /** Code and data, when the address commits to them. */
  readonly init?: StateInit
}

export interface DevnetInit {
  /** State folder; made when missing. */
  readonly home: string
  /** 0, the default, takes a free one. */
  readonly port?: number
  readonly host?: '127.0.0.1'
  /** 0, the default: a block per accepted message. Otherwise messages wait for the next block, and empty blocks are made. */
  readonly blockIntervalMs?: number
  /** 32 bytes; kept from the first start on. */
  readonly genesis?: Uint8Array
  /**
   * What the chain says it is in configuration parameter 19, and what wallets v5 sign; the same at each start. Default: the
   * devnet's own. Mainnet's (−239) and testnet's (−3) are for rehearsals: what is signed there is good on the real one too.
   */
  readonly globalId?: number
  /** How long an accepted message waits before it is executed; default 0. */
  readonly messageDelayMs?: number
  /** Share of accepted messages that are never executed, 0 to 1; default 0. */
  readonly lossRate?: number
  /** Decides which messages are lost; default: the genesis. */
  readonly seed?: string
  /** What the chain begins with: each is given once, to an account that nothing has touched. */
  readonly begin?: readonly GenesisAccount[]
  readonly signal?: AbortSignal
  now? (): number
  /** Told of failures that no caller waits for. */
  onError? (error: unknown): void
}

/** A running devnet chain. It proves nothing to anyone: coins are free. */
export interface Devnet {
  /** toncenter v2 JSON-RPC, for TonClient. */
  readonly endpoint: string
  /** Base of all routes, for TonClient4. */
  readonly url: string
  readonly genesis: Uint8Array
  /** Also configuration parameter 19: the address of a wallet v5 depends on it. */
  readonly globalId: number
  /** Resolves when what the chain begins with is there. */
  readonly begun: Promise<void>
  /**
   * New coins.
   *
   * @throws {CocoonError} bad_request
   */
  faucet (address: string, amountNano: bigint): Promise<void>
  snapshot (): Snapshot
  /**
   * Takes back every block after the snapshot's, and every message that waits.
   *
   * @throws {CocoonError} bad_request
   */
  restore (snapshot: Pick<Snapshot, 'seqno'>): Promise<void>
  setFaults (faults: Faults): void
  stop (): Promise<void>
}

async function begin (ledger: Ledger, accounts: readonly GenesisAccount[], now: () => number): Promise<void> {
  for (const { address, amountNano, init } of accounts) {
    if (!await ledger.knows(Address.parse(address))) {
      await ledger.apply({ ...mintOf(address, amountNano), init }, { atMs: now() })
    }
  }
}

/**
 * Starts the chain on loopback and serves toncenter's API v2, the v4 API and the devnet's own routes. A message that was
 * acknowledged is on disk.
 *
 * @throws {CocoonError} port_taken, home_locked, file_unusable
 */
export async function startDevnet (init: DevnetInit): Promise<Devnet> {
  init.signal?.throwIfAborted()
  const now = init.now ?? Date.now
  const store = await ChainStore.open({ home: init.home, genesis: init.genesis, newGenesis: () => randomBytes(32) })
  const closing: Array<() => Promise<void>> = [async () => store.close()]
  let stopping: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    stopping ??= (async () => {
      for (let end = closing.pop(); end != null; end = closing.pop()) {
        await end()
      }
    })()
    await stopping
  }
  try {
    const ledger = await Ledger.open(store, { nowMs: now(), globalId: init.globalId ?? DEVNET_GLOBAL_ID })
    closing.push(async () => ledger.idle())
    const inbox = new Inbox({
      ledger,
      store,
      now,
      blockIntervalMs: init.blockIntervalMs ?? 0,
      messageDelayMs: init.messageDelayMs ?? 0,
      lossRate: init.lossRate ?? 0,
      seed: init.seed ?? toHex(store.genesis),
      onError: init.onError ?? (() => {})
    })
    await inbox.start()
    closing.push(async () => inbox.stop())
    const control: DevnetControl = {
      ledger,
      now,
      genesis: store.genesis,
      get faults () { return inbox.faults },
      send: async (boc) => inbox.send(boc),
      faucet: async (address, amountNano) => ledger.apply(mintOf(address, amountNano), { atMs: now() }),
      snapshot: () => ({ seqno: ledger.last.seqno, lt: ledger.last.endLt, rootHash: ledger.last.rootHash }),
      restore: async ({ seqno }) => {
        if (await ledger.block(seqno) == null) {
          throw new CocoonError('bad_request', 'no such block')
        }
        // First: what is being delivered would land on the restored chain.
        inbox.clear()
        await ledger.rewind(seqno)
      },
      setFaults: (faults) => { inbox.setFaults(faults) }
    }
    // Beside the start of the server: the first execution takes longer than all others.
    const begun = begin(ledger, init.begin ?? [], now)
    begun.catch((error: unknown) => init.onError?.(error))
    closing.push(async () => { await begun.catch(() => { /* told above */ }) })
    const server = await serve(routes(control), { host: init.host ?? '127.0.0.1', port: init.port ?? 0 })
    closing.push(async () => server.stop())
    const onAbort = (): void => { stop().catch(error => init.onError?.(error)) }
    init.signal?.addEventListener('abort', onAbort, { once: true })
    closing.push(async () => { init.signal?.removeEventListener('abort', onAbort) })
    return {
      endpoint: `${server.url}/api/v2/jsonRPC`,
      url: server.url,
      genesis: store.genesis,
      globalId: ledger.globalId,
      begun,
      faucet: control.faucet,
      snapshot: control.snapshot,
      restore: control.restore,
      setFaults: control.setFaults,
      stop
    }
  } catch (error) {
    await stop()
    throw error
  }
}
