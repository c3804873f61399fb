import { CocoonError, accountToText, asCocoonError, tierAtLeast, toHex } from '@cocoon-net/protocol'
import { LRUCache } from 'lru-cache'
import { ANSWER_TIMEOUT_MS } from '../constants.ts'
import { createStakeBook } from '../stakes/stake-book.ts'
import { startAttempt } from './attempt.ts'
import { choose } from './choose.ts'
import { createLaneCloser } from './close-lane.ts'
import { createContradictions } from './contradictions.ts'
import { createExplanations, stakeNote } from './explanations.ts'
import { createExplorer } from './explorer.ts'
import { FINAL_CODES, LINK_STAYS_CODES, NO_FAULT_CODES, allFailed, noCandidate } from './failures.ts'
import { listModels, peerText, resolveModel } from './models.ts'
import { createPeerMemory } from './peer-memory.ts'
import { limitsFor, promptBounds } from './prompt-bounds.ts'
import { createProviderLinks } from './provider-links.ts'
import { runningJob } from './running-job.ts'
import { verifiedTierNote } from './tiers.ts'
import type { InferenceJob, InferenceRequest, JobRecord, JobSummary, ModelListing } from './api.ts'
import type { Attempt } from './attempt.ts'
import type { Candidate, Choice, ChooseInput } from './choose.ts'
import type { LaneCloser } from './close-lane.ts'
import type { EvidenceStore } from './contradictions.ts'
import type { Explanation, OpenExplanation } from './explanations.ts'
import type { OfferSource } from './offer-source.ts'
import type { PromptBounds } from './prompt-bounds.ts'
import type { ProviderLinks, ProviderLinksInit } from './provider-links.ts'
import type { Counters } from '../counters.ts'
import type { ReadStake } from '../stakes/stake-book.ts'
import type { Offer, Tier } from '@cocoon-net/protocol'

export interface ClientInit extends Omit<ProviderLinksInit, 'onPayRefusal'> {
  readonly offers: OfferSource
  readonly counters: Counters
  /** The least private tier used when a request names none. */
  readonly minTier: Tier
  /** Least stake of a provider when a request names none, nanoTON; default 0. */
  readonly minStakeNano?: bigint
  /** Reads a stake from the chain; without it none counts. */
  readonly readStake?: ReadStake
  /** Where evidence against stakes is kept. */
  readonly evidence?: EvidenceStore
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

export interface Client extends LaneCloser {
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
export function createClient (init: ClientInit): Client {
  const peers = createPeerMemory(init.now)
  const explanations = createExplanations()
  const stakes = createStakeBook(init)
  const leastStakeNano = init.minStakeNano ?? 0n
  const contradictions = createContradictions({ ...init, stakes })
  const explorer = createExplorer({ isKnown: peer => peers.get(peer) != null, randomBytes: init.randomBytes })
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

  const chooseNow = (offers: readonly Offer[], wanted: Pick<ChooseInput, 'endpoint' | 'limits' | 'promptTokens' | 'maxTokens'>): Choice =>
    choose(offers, { ...wanted, nowMs: init.now(), record: peers.get, stake: stakes.of, isBarred: contradictions.isBarred })

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
    const limits = { ...request.limits, minTier, minStakeNano: request.limits.minStakeNano ?? leastStakeNano }
    const chooseFrom = async (offers: readonly Offer[]): Promise<Choice> => {
      if (limits.minStakeNano > 0n) {
        // Read ahead as a rule: only the first request of a client that has just started waits for the chain.
        await stakes.learn(offers, signal)
      }
      return chooseNow(offers, { endpoint: request.endpoint, limits, promptTokens: prompt.typicalTokens, maxTokens: request.maxTokens })
    }
    let choice = await chooseFrom(init.offers.known(model.digest))
    if (choice.candidates.length === 0) {
      choice = await chooseFrom(await gather(model.digest, signal))
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
    for (const candidate of explorer.order(choice.candidates).slice(0, MAX_ATTEMPTS)) {
      const provider = peerText(candidate.offer)
      try {
        const job = await attemptJob({ candidate, provider, request, minTier, prompt, modelId: model.id, startedMs, attempts, explanation, cancel, signal })
        explanation.add({ peer: provider, outcome: 'taken', tier: job.tier, why: [job.tierNote, stakeNote(candidate.stake.bondedNano)].join(' ').trimEnd() })
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
    readonly explanation: OpenExplanation
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
      ...limitsFor(candidate, prompt, request, init.maxCostNano),
      onContradiction: (contradiction) => { contradictions.found(contradiction, candidate.offer, provider) },
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
      onFailed: ({ code, message }) => {
        peers.failed(candidate.peer)
        attempts.push({ provider, outcome: code })
        if (code === 'provider_contradicts') {
          run.explanation.add({ peer: provider, outcome: code, tier, why: message })
          void links.drop(candidate.offer)
        }
      }
    })
  }

  const makeReady = async (): Promise<void> => {
    if (init.rules?.refusal() != null) {
      return
    }
    const offers = init.offers.known(null)
    const reading = stakes.refresh(offers)
    if (leastStakeNano > 0n) {
      await reading
    }
    const { candidates } = chooseNow(offers, { endpoint: 'chat', limits: { minTier: init.minTier, minStakeNano: leastStakeNano }, promptTokens: WARM_PROMPT_TOKENS })
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
    await Promise.all([reading, ...candidates.slice(0, init.warmProviders ?? DEFAULT_WARM_PROVIDERS).map(async ({ offer }) => {
      try {
        const link = await links.get(offer, signal)
        link.requests.refill()
      } catch (error) {
        // The request that needs this provider tries for itself, and tells its caller why it failed.
        init.counters.increment('cocoon_warm_failed_total', { code: asCocoonError(error, 'stream_closed').code })
      }
    })])
  }

  return {
    ready: () => init.offers.known(null).length > 0,
    // Anybody may announce a binding: what is under way serves all who ask meanwhile.
    warm: async () => {
      warming ??= makeReady().finally(() => { warming = undefined })
      await warming
    },
    search: async (signal) => { await init.offers.gather({ model: null, minOffers: 1, signal }) },
    models: async () => listModels(init.offers.known(null), init.minTier, stakes, init.rules),
    infer,
    explain: () => explanations.list,
    job: (jobId) => jobs.get(jobId) ?? null,
    ...createLaneCloser({ ...init, links, searchMs: init.searchMs ?? DEFAULT_SEARCH_MS }),
    stop: async () => {
      await links.stop()
      await contradictions.stop()
    }
  }
}
