import { simulationRootSeed, devnetPolicy } from '@cocoon-net/attestation'
import { simulatedCollector } from '@cocoon-net/attestation-simulated'
import { createClientPayments, createProviderPayments, ed25519Signer, walletAccount } from '@cocoon-net/settlement'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { MemoryLevel } from 'memory-level'
import { startNode, startNodeUnder } from '../src/node.ts'
import { createLedgerChain } from './ledger-chain.ts'
import { recordedEngine, recordingCounters } from './recording.ts'
import type { LedgerChain } from './ledger-chain.ts'
import type { Client, InferenceJob, InferenceRequest, JobSummary } from '../src/index.ts'
import type { CocoonPeer, NodeInit, Protection } from '../src/node.ts'
import type { Provider, ProviderInit } from '../src/provider/provider.ts'
import type { NetworkPreset, Prices } from '@cocoon-net/protocol'
import type { ClientPayments, ClientPaymentsInit, KeyValue, ProviderPayments } from '@cocoon-net/settlement'

/** A completion token costs 200 nanoTON. */
export const PRICES: Prices = { prompt: 50_000_000n, cached: 5_000_000n, completion: 200_000_000n, reasoning: 300_000_000n }
/** Ten completion tokens. */
export const WINDOW_NANO = 2_000n

export interface TestProvider {
  readonly node: CocoonPeer
  readonly provider: Provider
  readonly payments: ProviderPayments
  readonly kv: KeyValue
  readonly engine: ReturnType<typeof recordedEngine>
  readonly counters: ReturnType<typeof recordingCounters>
  readonly payee: Uint8Array
  /** Receipts and checkpoints in the order in which they reached the disk. */
  readonly receipts: Array<{ key: string, value: Uint8Array }>
  readonly outcomes: Array<Parameters<NonNullable<ProviderInit['onOutcome']>>[0]>
  readonly id: string
  /** Everything in the payment store, as text. */
  stored(): Promise<string>
}

export interface TestClient {
  readonly node: CocoonPeer
  readonly client: Client
  readonly payments: ClientPayments
  readonly kv: KeyValue
  readonly counters: ReturnType<typeof recordingCounters>
  /** Opens the lane and waits until the chain shows it. */
  openLane(payee: Uint8Array): Promise<void>
  /** Waits until offers of this many providers are known. */
  knows(providers: number): Promise<void>
  ask(request?: Partial<InferenceRequest>): Promise<InferenceJob>
}

export type ProviderOptions = Partial<Omit<ProviderInit, 'engine' | 'payments' | 'payee'>> & {
  readonly seed: number
  readonly engine?: ReturnType<typeof recordedEngine>
  readonly kv?: KeyValue
  readonly node?: Partial<NodeInit>
  readonly protection?: Protection
}

export interface ClientOptions {
  readonly seed: number
  readonly kv?: KeyValue
  readonly payments?: Partial<ClientPaymentsInit>
  readonly node?: Partial<NodeInit>
  readonly role?: Partial<NonNullable<NodeInit['client']>>
  readonly protection?: Protection
}

export interface Trade {
  readonly chain: LedgerChain
  readonly network: NetworkPreset
  provider(options: ProviderOptions): Promise<TestProvider>
  client(options: ClientOptions): Promise<TestClient>
  /** Ends one node before the others. */
  end(node: CocoonPeer): Promise<void>
  stop(): Promise<void>
}

let next = 0

/** Whole nodes of one network on the memory transport, on a ledger that stands for the chain. */
export function createTrade (network: NetworkPreset): Trade {
  const chain = createLedgerChain(network)
  const ends = new Map<CocoonPeer, () => Promise<void>>()
  const addresses: string[] = []

  const start = async (init: Partial<NodeInit>, protection: Protection | undefined): Promise<CocoonPeer> => {
    const whole: NodeInit = {
      network,
      privateKey: await generateKeyPair('Ed25519'),
      listen: [`/memory/trade-${process.pid}-${next++}`],
      bootstrap: [...addresses],
      transports: 'memory',
      ...init
    }
    return protection == null ? startNode(whole) : startNodeUnder(protection, whole)
  }
  const account = (seed: number): Uint8Array => new Uint8Array(32).fill(seed)

  return {
    chain,
    network,
    provider: async (options) => {
      const { seed, engine = recordedEngine({ answerTokens: 12 }), kv = new MemoryLevel<string, string>(), node: nodeInit, protection, ...rest } = options
      const counters = recordingCounters()
      const payeeSigner = ed25519Signer(account(seed))
      const payee = walletAccount(payeeSigner.publicKey, network.tonGlobalId)
      const receipts: TestProvider['receipts'] = []
      const outcomes: TestProvider['outcomes'] = []
      const payments = createProviderPayments({ network, payee, vaults: chain.vaults, port: chain.port, wallet: chain.wallet(payee), payeeSigner, kv, pollMs: 1_000_000 })
      await payments.start()
      await engine.start()
      const end = async (): Promise<void> => {
        await payments.stop()
        await engine.stop()
      }
      const node = await start({
        counters,
        provider: {
          engine,
          payments,
          receiptSigner: ed25519Signer(account(seed)),
          receipts: { put: async (key, value) => { receipts.push({ key, value }) } },
          payee,
          prices: PRICES,
          windowNano: WINDOW_NANO,
          collector: simulatedCollector({ rootSeed: simulationRootSeed(network) }),
          beacon: async () => ({ seqno: 7, rootHash: account(9), atMs: Date.now() }),
          onOutcome: (outcome) => { outcomes.push(outcome) },
          ...rest
        },
        ...nodeInit
      }, protection).catch(async (error: unknown) => {
        await end()
        throw error
      })
      addresses.push(...node.host.addresses())
      ends.set(node, async () => {
        await node.stop()
        await end()
      })
      if (node.provider == null) {
        throw new Error('no provider role')
      }
      return {
        node,
        provider: node.provider,
        payments,
        kv,
        engine,
        counters,
        payee,
        receipts,
        outcomes,
        id: node.host.peerId.toString(),
        stored: async () => JSON.stringify(await kv.iterator().all())
      }
    },
    client: async (options) => {
      const { seed, kv = new MemoryLevel<string, string>() } = options
      const counters = recordingCounters()
      const payments = createClientPayments({
        network, vaults: chain.vaults, port: chain.port, wallet: chain.wallet(account(seed)), voucherSigner: ed25519Signer(account(seed)), kv, pollMs: 1, ...options.payments
      })
      await payments.start()
      const node = await start({
        counters,
        client: { payments, policy: devnetPolicy(network), trust: {}, minTier: 'simulated', maxCostNano: 50_000_000n, ...options.role },
        ...options.node
      }, options.protection)
      ends.set(node, async () => {
        await node.stop()
        await payments.stop()
      })
      const client = node.client
      if (client == null) {
        throw new Error('no client role')
      }
      return {
        node,
        client,
        payments,
        kv,
        counters,
        openLane: async (payee) => { await (await payments.lane(payee)).ready() },
        knows: async (providers) => {
          const known = async (): Promise<number> => new Set((await client.models()).flatMap(model => model.providers.map(({ peerId }) => peerId))).size
          while (await known() < providers) {
            await client.search(AbortSignal.timeout(200))
            await new Promise(resolve => { setTimeout(resolve, 5) })
          }
        },
        ask: async (request) => client.infer({
          endpoint: 'chat',
          model: 'synthetic',
          body: { messages: [{ role: 'user', content: 'one two three' }] },
          limits: {},
          ...request
        }, { signal: new AbortController().signal })
      }
    },
    end: async (node) => {
      const stop = ends.get(node)
      ends.delete(node)
      await stop?.()
    },
    stop: async () => {
      for (const [node, stop] of [...ends].reverse()) {
        ends.delete(node)
        await stop()
      }
    }
  }
}

/** Reads a job to its end. */
export async function readAll (job: InferenceJob): Promise<{ text: string, tokens: number, reason: string, summary: JobSummary }> {
  let text = ''
  let tokens = 0
  let reason = ''
  for await (const event of job.events) {
    if (event.type === 'tokens') {
      text += event.tokens.map(token => token.text).join('')
      tokens += event.tokens.length
    } else {
      reason = event.reason
    }
  }
  return { text, tokens, reason, summary: await job.summary }
}
