import { LIMITS, NO_ACCOUNT, runtimeConfigDigest } from '@cocoon-net/protocol'
import { ReplayGuard, generateHpkeKeyPair } from '@cocoon-net/sealing'
import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { keepAttested } from '../evidence/keep-attested.ts'
import { createOfferPublisher } from '../offers/offer-publisher.ts'
import { serveQuotes } from '../offers/quote-service.ts'
import { serveAttest } from '../services/attest-service.ts'
import { serveInfer } from '../services/infer-service.ts'
import { createLanePayers, servePay } from '../services/pay-service.ts'
import { openDelegatedStake } from '../stakes/delegated-stake.ts'
import { createProviderIdentity } from './identity.ts'
import { describeOffers } from './offer-content.ts'
import { createQuoteBook } from './quote-book.ts'
import { createReceiptLog } from './receipt-log.ts'
import type { Beacon } from './identity.ts'
import type { JobOutcome } from './job.ts'
import type { ReceiptLog, ReceiptStore } from './receipt-log.ts'
import type { Counters } from '../counters.ts'
import type { Discovery } from '../discovery/discovery.ts'
import type { BindingGossip } from '../evidence/binding-gossip.ts'
import type { CollateralSources } from '../evidence/collateral-sources.ts'
import type { Host } from '../host/create-host.ts'
import type { OfferBook } from '../offers/offer-book.ts'
import type { ProviderStake } from '../stakes/delegated-stake.ts'
import type { EvidenceCollector } from '@cocoon-net/attestation'
import type { Engine } from '@cocoon-net/engine'
import type { CocoonError, Prices, Tier } from '@cocoon-net/protocol'
import type { openRequest } from '@cocoon-net/sealing'
import type { ProviderPayments, Settlement, Signer } from '@cocoon-net/settlement'

export interface ProviderInit {
  readonly engine: Engine
  readonly payments: ProviderPayments
  readonly receiptSigner: Signer
  readonly receipts: ReceiptStore
  /** Stands between the provider and its log: for networks that show what becomes of a provider that lies. */
  receiptLog? (honest: ReceiptLog): ReceiptLog
  /** Null or left out: none. */
  readonly stake?: ProviderStake | null
  /** Account that redeems pay to, 32 bytes. */
  readonly payee: Uint8Array
  /** nanoTON per million tokens, for every model. */
  readonly prices: Prices
  readonly windowNano: bigint
  /** Null: no evidence, tier `open`. */
  readonly collector: EvidenceCollector | null
  beacon (): Promise<Beacon>
  /** Why nothing may be sold now, or null; asked for each job. */
  refusal? (): CocoonError | null
  onOutcome? (outcome: JobOutcome): void
  onError? (error: unknown): void
}

export interface ProviderModules {
  readonly host: Host
  readonly discovery: Discovery
  readonly book: OfferBook
  readonly counters: Counters
  /** Null where nothing is gossiped. */
  readonly bindings: Pick<BindingGossip, 'announce'> | null
  /** Null: what a collector gives is all that is stapled. */
  readonly collateral: CollateralSources | null
  readonly openRequest: typeof openRequest
  now (): number
  randomBytes (length: number): Uint8Array
}

/** The provider role of a node. */
export interface Provider {
  readonly tier: Tier
  /** Takes no new jobs from now on; the offers say so. */
  drain(): void
  settle(): Promise<Settlement[]>
  summary(): ReturnType<ProviderPayments['summary']> & { readonly slots: { readonly total: number, readonly busy: number } }
  stop(): Promise<void>
}

/** A quote stands for this long; it is renewed at half of it. */
const QUOTE_LIFE_MS = LIMITS.offerLifeMs

/** Starts the provider role: binding, services, offers. The engine and the payments run already. */
export async function startProvider (init: ProviderInit, modules: ProviderModules): Promise<Provider> {
  const { engine } = init
  const { host, counters, now, randomBytes } = modules
  const { network } = host
  const models = engine.models().map(model => model.digest)
  // An engine where attestation cannot see it makes the tier `open`, whatever the shell around it proves.
  const collector = engine.attestable ? init.collector : null
  const tier = tierOf(collector)
  const stake = init.stake == null ? null : await openDelegatedStake({ stake: init.stake, network, receiptKey: init.receiptSigner.publicKey, now, onWarning: init.onError })
  const account = stake?.account ?? NO_ACCOUNT
  const honest = createReceiptLog(init.receiptSigner, init.receipts)
  let draining = false

  const identity = createProviderIdentity({
    network,
    peerKey: publicKeyToProtobuf(host.privateKey.publicKey),
    hpkeKey: await generateHpkeKeyPair(),
    receiptKey: init.receiptSigner.publicKey,
    stake: account,
    payee: init.payee,
    running: () => ({
      models: engine.models().map(model => model.digest),
      runtimeConfigDigest: runtimeConfigDigest({ engine: engine.name, version: engine.version, args: engine.args, egress: [], logging: 'off' })
    }),
    collector,
    collateral: modules.collateral,
    beacon: init.beacon,
    now
  })
  await identity.refresh()
  const quotes = createQuoteBook({
    network,
    stake: account,
    signer: init.receiptSigner,
    terms: engine.models().map(model => ({ model: model.digest, prices: init.prices, maxTokens: model.contextLength, windowNano: init.windowNano })),
    lifeMs: QUOTE_LIFE_MS,
    now
  })
  const publisher = createOfferPublisher({
    host,
    counters,
    now,
    describe: async () => describeOffers({ engine, identity, quotes, tier, stake, draining: () => draining || init.refusal?.() != null })
  })
  const payers = createLanePayers()
  const stops = [
    await serveAttest({ libp2p: host.libp2p, network, identity, receiptSigner: init.receiptSigner, stake, counters }),
    await servePay({ libp2p: host.libp2p, network, payments: init.payments, counters, payers }),
    await serveInfer({
      libp2p: host.libp2p,
      network,
      engine,
      receipts: init.receiptLog?.(honest) ?? honest,
      tier,
      randomBytes,
      voucherWaitMs: LIMITS.voucherWaitMs,
      identity,
      quotes,
      payments: init.payments,
      replays: new ReplayGuard({ now }),
      openRequest: modules.openRequest,
      counters,
      draining: () => draining,
      tradeRefusal: () => init.refusal?.() ?? null,
      payers,
      onOutcome: (outcome) => {
        counters.increment('cocoon_jobs_total', { finish: outcome.finish })
        init.onOutcome?.(outcome)
      }
    }),
    await serveQuotes({ host, publisher, book: modules.book, counters, now })
  ]
  await publisher.start()
  modules.discovery.announce(models)
  const announce = (): void => {
    publisher.changed()
    modules.bindings?.announce(identity.current()).catch((error: unknown) => { init.onError?.(error) })
  }
  announce()
  const stopAttesting = keepAttested({ identity, onRenewed: announce, onError: init.onError, now })

  return {
    tier,
    drain: () => {
      draining = true
      modules.discovery.announce([])
      publisher.changed()
    },
    settle: async () => init.payments.settle(),
    summary: () => ({ ...init.payments.summary(), slots: engine.slots() }),
    stop: async () => {
      stopAttesting()
      await publisher.stop()
      for (const stop of stops.reverse()) {
        await stop()
      }
    }
  }
}

function tierOf (collector: EvidenceCollector | null): Tier {
  if (collector == null) {
    return 'open'
  }
  return collector.kind === 'simulated' ? 'simulated' : 'silver'
}
