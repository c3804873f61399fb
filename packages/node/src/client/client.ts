import { CocoonError, accountToText, asCocoonError, tierAtLeast, toHex, worstChargeNano } from '@cocoon-net/protocol'
import { LRUCache } from 'lru-cache'
import { ANSWER_TIMEOUT_MS } from '../constants.ts'
import { startAttempt } from './attempt.ts'
import { choose } from './choose.ts'
import { createExplanations } from './explanations.ts'
import { FINAL_CODES, LINK_STAYS_CODES, NO_FAULT_CODES, allFailed, noCandidate } from './failures.ts'
import { listModels, peerText, resolveModel } from './models.ts'
import { createPeerMemory } from './peer-memory.ts'
import { createProviderLinks } from './provider-links.ts'
import { runningJob } from './running-job.ts'
import { verifiedTierNote } from './tiers.ts'
import type { InferenceJob, InferenceRequest, JobSummary, ModelListing } from './api.ts'
import type { Attempt } from './attempt.ts'
import type { Candidate, Choice } from './choose.ts'
import type { Explanation } from './explanations.ts'
import type { ProviderLinks, ProviderLinksInit } from './provider-links.ts'
import type { Counters } from '../counters.ts'
import type { Offer, Tier } from '@cocoon-net/protocol'

/** Where offers come from: gossip, and the DHT with questions to the providers found. */
export interface OfferSource {
  /** Offers that are valid now, already known; for `null` of all models. */
  known(model: Uint8Array | null): readonly Offer[]
  /** Finds more; resolves when there are `minOffers` or the signal ends the search. */
  gather(options: { model: Uint8Array | null, minOffers: number, signal: AbortSignal }): Promise<readonly Offer[]>
}

export interface ClientInit extends Omit<ProviderLinksInit, 'onPayRefusal'> {
  readonly offers: OfferSource
  readonly counters: Counters
  /** The least private tier used when a request names none. */
  readonly minTier: Tier
  /** How long a request searches when nothing is known. */
  readonly searchMs?: number
  /** Most that one request may cost when it sets no bound, nanoTON. */
  readonly maxCostNano: bigint
  /** Refuses models that the network's rules do not list, where they list any. */
  readonly onlyListedModels?: boolean
  /** Providers with which a lane and a verified connection are kept ready, 0 for none; default 2. */
  readonly warmProviders?: number
}

export type { Explanation }

/** What is kept of a finished job: no content. */
export interface JobRecord extends JobSummary {
  readonly jobId: string
  readonly provider: string
  readonly tier: Tier
  readonly model: string
}

export interface Client {
  ready(): boolean
  /** Verifies the best providers known and opens lanes with them, ahead of the first request; never throws. */
  warm(): Promise<void>
  /** Looks for offers until one is known or the signal ends it. */
  search(signal: AbortSignal): Promise<void>
  models(): Promise<ModelListing[]>
  infer(request: InferenceRequest, options: { signal: AbortSignal }): Promise<InferenceJob>
  explain(): readonly Explanation[]
  /** A finished job of the last ones, by id. */
  job(jobId: string): JobRecord | null
  stop(): Promise<void>
}

const DEFAULT_SEARCH_MS = 5_000
/** "Verify evidence only for the top two": the second is there when the first fails. */
const DEFAULT_WARM_PROVIDERS = 2
/** An answer of this many tokens decides the ranking ahead of a request. */
const WARM_PROMPT_TOKENS = 256
const MAX_ATTEMPTS = 5
const MAX_JOBS_KEPT = 256
/** One byte of text can be one token, and a chat template adds some: the upper bound of a prompt. */
const TEMPLATE_TOKENS = 64
/** Bytes of text in a token, usually: for the expected cost. */
const TYPICAL_TOKEN_BYTES = 4

interface PromptBounds { readonly typicalTokens: number, readonly maxTokens: number }

function promptBounds (body: Record<string, unknown>): PromptBounds {
  const { byteLength } = new TextEncoder().encode(JSON.stringify(body))
  return { typicalTokens: Math.ceil(byteLength / TYPICAL_TOKEN_BYTES), maxTokens: byteLength + TEMPLATE_TOKENS }
}

export function createClient (init: ClientInit): Client {
  const peers = createPeerMemory(init.now)
  const explanations = createExplanations()
  const jobs = new LRUCache<string, JobRecord>({ max: MAX_JOBS_KEPT })
  let warming: Promise<void> | undefined
  const links: ProviderLinks = createProviderLinks({
    ...init,
    onPayRefusal: (_peer, error) => { init.counters.increment('cocoon_pay_failures_total', { code: error.code }) }
  })

  const gather = async (model: Uint8Array | null, signal: AbortSignal): Promise<readonly Offer[]> =>
    init.offers.gather({ model, minOffers: 1, signal: AbortSignal.any([signal, AbortSignal.timeout(init.searchMs ?? DEFAULT_SEARCH_MS)]) })

  /** Offers of the model asked for: those known, or those that a search finds. */
  const findModel = async (text: string, signal: AbortSignal): Promise<ReturnType<typeof resolveModel>> => {
    try {
      return resolveModel(text, init.offers.known(null))
    } catch (error) {
      if (init.offers.known(null).length > 0) {
        throw error
      }
    }
    const offers = await gather(null, signal)
    if (offers.length === 0) {
      throw new CocoonError('no_provider', 'no provider has been found yet')
    }
    return resolveModel(text, offers)
  }

  const limitsFor = ({ offer, quote }: Candidate, prompt: PromptBounds, request: InferenceRequest): { maxTokens: number, maxChargeNano: bigint } => {
    const room = Math.max(1, offer.contextLength)
    const maxTokens = Math.min(request.maxTokens ?? room, quote.maxTokens)
    // The bound of the prompt is cut to what the context can hold.
    const worst = worstChargeNano(Math.min(prompt.maxTokens, room), maxTokens, quote.prices)
    const cap = request.limits.maxCostNano ?? init.maxCostNano
    return { maxTokens, maxChargeNano: worst < cap ? worst : cap }
  }

  const infer = async (request: InferenceRequest, options: { signal: AbortSignal }): Promise<InferenceJob> => {
    const startedMs = init.now()
    const cancel = new AbortController()
    const signal = AbortSignal.any([options.signal, cancel.signal])
    const model = await findModel(request.model, signal)
    if (init.onlyListedModels === true && init.rules?.isListed(toHex(model.digest)) === false) {
      throw new CocoonError('model_unlisted', `The network's registry does not list ${model.id}`)
    }
    const prompt = promptBounds(request.body)
    const minTier = request.limits.minTier ?? init.minTier
    const chooseFrom = (offers: readonly Offer[]): Choice => choose(offers, {
      endpoint: request.endpoint,
      limits: { ...request.limits, minTier },
      promptTokens: prompt.typicalTokens,
      maxTokens: request.maxTokens,
      nowMs: init.now(),
      record: peers.get
    })
    let choice = chooseFrom(init.offers.known(model.digest))
    if (choice.candidates.length === 0) {
      choice = chooseFrom(await gather(model.digest, signal))
    }
    const attempts: Array<{ provider: string, outcome: string }> = []
    const explanation = explanations.open({ atMs: startedMs, model: model.id, minTier, rejected: choice.rejected })
    let lastError = noCandidate(choice.rejected, minTier)
    const refusal = init.rules?.refusal()
    if (refusal != null) {
      for (const { offer } of choice.candidates) {
        explanation.add({ peer: peerText(offer), outcome: refusal.code, tier: offer.tier, why: refusal.message })
      }
      explanation.close(null)
      throw refusal
    }
    for (const candidate of choice.candidates.slice(0, MAX_ATTEMPTS)) {
      const provider = peerText(candidate.offer)
      try {
        const job = await attemptJob({ candidate, provider, request, minTier, prompt, modelId: model.id, startedMs, attempts, cancel, signal })
        explanation.add({ peer: provider, outcome: 'taken', tier: job.tier, why: job.tierNote })
        explanation.close(provider)
        return job
      } catch (error) {
        lastError = asCocoonError(error, 'stream_closed')
        attempts.push({ provider, outcome: lastError.code })
        explanation.add({ peer: provider, outcome: lastError.code, tier: candidate.offer.tier, why: lastError.message })
        init.counters.increment('cocoon_attempts_failed_total', { code: lastError.code })
        if (options.signal.aborted || FINAL_CODES.has(lastError.code)) {
          explanation.close(null)
          throw options.signal.aborted ? new CocoonError('job_cancelled') : lastError
        }
        if (NO_FAULT_CODES.has(lastError.code)) {
          peers.busy(candidate.peer)
        } else {
          peers.failed(candidate.peer)
        }
        if (!LINK_STAYS_CODES.has(lastError.code)) {
          await links.drop(candidate.offer)
        }
      }
    }
    explanation.close(null)
    throw attempts.length === 0 ? lastError : allFailed(attempts, lastError)
  }

  interface AttemptJobInit {
    readonly candidate: Candidate
    readonly provider: string
    readonly request: InferenceRequest
    readonly minTier: Tier
    readonly prompt: PromptBounds
    readonly modelId: string
    readonly startedMs: number
    readonly attempts: Array<{ provider: string, outcome: string }>
    readonly cancel: AbortController
    readonly signal: AbortSignal
  }

  /** Resolves with the first token of one provider's answer. */
  const attemptJob = async ({ candidate, provider, request, minTier, prompt, attempts, ...run }: AttemptJobInit): Promise<InferenceJob> => {
    const link = await links.get(candidate.offer, run.signal)
    const { tier, report } = link.provider.verdict
    // The offer's tier is a claim; the verified one counts, and falling below the floor is an error.
    if (!tierAtLeast(tier, minTier)) {
      throw new CocoonError('tier_too_low', `The tier verified is ${tier}, and ${minTier} is asked for`)
    }
    const start = async (): Promise<Attempt> => startAttempt({
      network: init.network,
      requests: link.requests,
      candidate,
      provider: link.provider,
      lane: link.lane,
      pay: link.pay,
      vault: init.payments.vault,
      endpoint: request.endpoint,
      body: request.body,
      prefix: [],
      ...limitsFor(candidate, prompt, request),
      randomBytes: init.randomBytes,
      now: init.now,
      signal: run.signal
    })
    const attempt = await start().catch(async (error: unknown) => {
      if (asCocoonError(error).code !== 'vault_in_debt') {
        throw error
      }
      // Another job lost its stream a moment ago: its debt is paid, and this one asks again.
      await links.payDebts(candidate.offer)
      return start()
    })
    const jobId = toHex(attempt.jobId)
    const ttftMs = init.now() - run.startedMs
    return runningJob({
      attempt,
      jobId,
      provider,
      tier,
      tierNote: verifiedTierNote(tier, report),
      model: run.modelId,
      cancel: run.cancel,
      signal: run.signal,
      now: init.now,
      onDone: ({ finish, tier: _, ...bill }, tokensPerSecond) => {
        peers.succeeded(candidate.peer, { ttftMs, tokensPerSecond })
        attempts.push({ provider, outcome: finish === 'cancelled' ? 'cancelled' : 'done' })
        const summary: JobSummary = {
          ...bill, attempts, ttftMs, tokensPerSecond, vault: accountToText(init.payments.vault.account), payee: accountToText(candidate.offer.payee)
        }
        jobs.set(jobId, { jobId, provider, tier, model: run.modelId, ...summary })
        return summary
      },
      onFailed: ({ code }) => {
        peers.failed(candidate.peer)
        attempts.push({ provider, outcome: code })
      }
    })
  }

  const makeReady = async (): Promise<void> => {
    if (init.rules?.refusal() != null) {
      return
    }
    const { candidates } = choose(init.offers.known(null), {
      endpoint: 'chat',
      limits: { minTier: init.minTier },
      promptTokens: WARM_PROMPT_TOKENS,
      nowMs: init.now(),
      record: peers.get
    })
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
    await Promise.all(candidates.slice(0, init.warmProviders ?? DEFAULT_WARM_PROVIDERS).map(async ({ offer }) => {
      try {
        const link = await links.get(offer, signal)
        link.requests.refill()
      } catch (error) {
        // The request that needs this provider tries for itself, and tells its caller why it failed.
        init.counters.increment('cocoon_warm_failed_total', { code: asCocoonError(error, 'stream_closed').code })
      }
    }))
  }

  return {
    ready: () => init.offers.known(null).length > 0,
    // Anybody may announce a binding: what is under way serves all who ask meanwhile.
    warm: async () => {
      warming ??= makeReady().finally(() => { warming = undefined })
      await warming
    },
    search: async (signal) => { await init.offers.gather({ model: null, minOffers: 1, signal }) },
    models: async () => listModels(init.offers.known(null), init.minTier, init.rules),
    infer,
    explain: () => explanations.list,
    job: (jobId) => jobs.get(jobId) ?? null,
    stop: async () => { await links.stop() }
  }
}
