import { CocoonError, asCocoonError, fromHex, modelId, modelRefMatches, parseModelRef, parseQuote, toHex, worstChargeNano, accountToText } from '@cocoon-net/protocol'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import * as Digest from 'multiformats/hashes/digest'
import { ANSWER_TIMEOUT_MS } from '../constants.ts'
import { TIER_NOTES } from './api.ts'
import { startAttempt } from './attempt.ts'
import { choose, tierAtLeast } from './choose.ts'
import { NEW_PEER, recordFailure, recordSuccess } from './peer-record.ts'
import { createProviderLinks } from './provider-links.ts'
import type { InferenceEvent, InferenceJob, InferenceRequest, JobSummary, ModelListing } from './api.ts'
import type { AttemptResult } from './answer-reader.ts'
import type { Attempt } from './attempt.ts'
import type { Candidate } from './choose.ts'
import type { PeerRecord } from './peer-record.ts'
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
  /** Providers with which a lane and a verified connection are kept ready, 0 for none; default 2. */
  readonly warmProviders?: number
}

/** What a decision looked like, for `cocoon explain`. */
export interface Explanation {
  readonly atMs: number
  readonly model: string
  readonly taken: string | null
  readonly considered: ReadonlyArray<{ readonly peer: string, readonly outcome: string }>
}

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
const MAX_RECORDS = 1_024
const MAX_EXPLANATIONS = 64
const MAX_JOBS_KEPT = 256
/** Bytes of text per token at the least, for an upper estimate of the prompt: one byte can be one token. */
const MAX_BYTES_SURE = 1

function peerText (offer: Pick<Offer, 'peerId'>): string {
  return peerIdFromMultihash(Digest.decode(offer.peerId)).toString()
}

function peerTextOf (hex: string): string {
  return peerText({ peerId: fromHex(hex) })
}

/** Errors that say nothing about the provider: another one would answer the same. */
const FINAL_CODES = new Set(['job_cancelled', 'spending_limit', 'bad_request', 'unsupported_parameter', 'context_too_long', 'insufficient_funds', 'lane_exhausted', 'max_charge_too_low'])

export function createClient (init: ClientInit): Client {
  const records = new Map<string, PeerRecord>()
  const explanations: Explanation[] = []
  const jobs = new Map<string, JobRecord>()
  const links: ProviderLinks = createProviderLinks({
    ...init,
    onPayRefusal: (_peer, error) => { init.counters.increment('cocoon_pay_failures_total', { code: error.code }) }
  })

  const note = (peer: string, update: (record: PeerRecord) => PeerRecord): void => {
    const next = update(records.get(peer) ?? NEW_PEER)
    records.delete(peer)
    records.set(peer, next)
    const oldest = records.keys().next().value
    if (records.size > MAX_RECORDS && oldest != null) {
      records.delete(oldest)
    }
  }

  const resolveModel = async (text: string, signal: AbortSignal): Promise<{ digest: Uint8Array, name: string }> => {
    const ref = parseModelRef(text)
    const search = (offers: readonly Offer[]): Map<string, Offer> => {
      const found = new Map<string, Offer>()
      for (const offer of offers) {
        if (modelRefMatches(ref, offer.model)) {
          found.set(toHex(offer.model.digest), offer)
        }
      }
      return found
    }
    let found = search(init.offers.known(null))
    if (found.size === 0) {
      const offers = await init.offers.gather({ model: null, minOffers: 1, signal: AbortSignal.any([signal, AbortSignal.timeout(init.searchMs ?? DEFAULT_SEARCH_MS)]) })
      if (offers.length === 0) {
        throw new CocoonError('no_provider', 'no provider has been found yet')
      }
      found = search(offers)
    }
    if (found.size > 1) {
      throw new CocoonError('model_ambiguous', undefined, { details: { models: [...found.values()].map(o => modelId(o.model.name, o.model.digest)) } })
    }
    const [offer] = found.values()
    if (offer == null) {
      throw new CocoonError('model_unknown')
    }
    return { digest: offer.model.digest, name: offer.model.name }
  }

  const noCandidate = (rejected: ReadonlyArray<{ peer: string, reason: string }>): CocoonError => {
    const reasons = new Set(rejected.map(r => r.reason))
    const details = { rejected: rejected.map(r => ({ peer: peerTextOf(r.peer), reason: r.reason })) }
    if (reasons.has('price_too_high') || reasons.has('cost_too_high')) {
      return new CocoonError('no_provider_within_price', undefined, { details })
    }
    if (reasons.has('tier_too_low')) {
      return new CocoonError('tier_too_low', undefined, { details })
    }
    return new CocoonError('no_provider', undefined, { details })
  }

  const limitsFor = (candidate: Candidate, promptTokens: number, request: InferenceRequest): { maxTokens: number, maxChargeNano: bigint } => {
    const { prices } = candidate.quote
    const room = Math.max(1, candidate.offer.contextLength)
    const wanted = Math.min(request.maxTokens ?? room, candidate.quote.maxTokens)
    // The estimate of the prompt is an upper bound, cut to what the context can hold.
    const worst = worstChargeNano(Math.min(promptTokens, room), wanted, prices)
    const cap = request.limits.maxCostNano ?? init.maxCostNano
    return { maxTokens: wanted, maxChargeNano: worst < cap ? worst : cap }
  }

  const infer = async (request: InferenceRequest, options: { signal: AbortSignal }): Promise<InferenceJob> => {
    const startedMs = init.now()
    const cancel = new AbortController()
    const signal = AbortSignal.any([options.signal, cancel.signal])
    const model = await resolveModel(request.model, signal)
    const id = modelId(model.name, model.digest)
    const body = JSON.stringify(request.body)
    const promptTokens = Math.ceil(new TextEncoder().encode(body).byteLength / MAX_BYTES_SURE) + 64
    const minTier = request.limits.minTier ?? init.minTier
    const input = {
      endpoint: request.endpoint,
      limits: { ...request.limits, minTier },
      promptTokens,
      maxTokens: request.maxTokens,
      nowMs: init.now(),
      record: (peer: string) => records.get(peer)
    }
    let choice = choose(init.offers.known(model.digest), input)
    if (choice.candidates.length === 0) {
      const offers = await init.offers.gather({ model: model.digest, minOffers: 1, signal: AbortSignal.any([signal, AbortSignal.timeout(init.searchMs ?? DEFAULT_SEARCH_MS)]) })
      choice = choose(offers, { ...input, nowMs: init.now() })
    }
    const considered = choice.rejected.map(({ peer, reason }) => ({ peer: peerTextOf(peer), outcome: reason as string }))
    const attempts: Array<{ provider: string, outcome: string }> = []
    const explain = (taken: string | null): void => {
      explanations.push({ atMs: startedMs, model: id, taken, considered })
      if (explanations.length > MAX_EXPLANATIONS) {
        explanations.shift()
      }
    }
    if (choice.candidates.length === 0) {
      explain(null)
      throw noCandidate(choice.rejected)
    }
    let lastError: CocoonError | undefined
    for (const candidate of choice.candidates.slice(0, MAX_ATTEMPTS)) {
      const provider = peerText(candidate.offer)
      try {
        const link = await links.get(candidate.offer, signal)
        // The offer's tier is a claim; the verified one counts, and falling below the floor is an error.
        if (!tierAtLeast(link.provider.verdict.tier, minTier)) {
          throw new CocoonError('tier_too_low', `verified tier is ${link.provider.verdict.tier}`)
        }
        const attempt = await startAttempt({
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
          ...limitsFor(candidate, promptTokens, request),
          randomBytes: init.randomBytes,
          now: init.now,
          signal
        })
        considered.push({ peer: provider, outcome: 'taken' })
        explain(provider)
        return toJob({ attempt, candidate, provider, id, tier: link.provider.verdict.tier, attempts, startedMs, cancel, signal })
      } catch (error) {
        lastError = asCocoonError(error, 'stream_closed')
        attempts.push({ provider, outcome: lastError.code })
        considered.push({ peer: provider, outcome: lastError.code })
        init.counters.increment('cocoon_attempts_failed_total', { code: lastError.code })
        if (options.signal.aborted || FINAL_CODES.has(lastError.code)) {
          explain(null)
          throw options.signal.aborted ? new CocoonError('job_cancelled') : lastError
        }
        note(candidate.peer, (record) => recordFailure(record, init.now()))
        await links.drop(candidate.offer)
      }
    }
    explain(null)
    throw attempts.length === 1 && lastError != null
      ? lastError
      : new CocoonError('all_providers_failed', attempts.map(a => `${a.provider}: ${a.outcome}`).join(', '), { details: { attempts }, cause: lastError })
  }

  const toJob = (run: { attempt: Attempt, candidate: Candidate, provider: string, id: string, tier: Tier, attempts: Array<{ provider: string, outcome: string }>, startedMs: number, cancel: AbortController, signal: AbortSignal }): InferenceJob => {
    const summary = Promise.withResolvers<JobSummary>()
    // A caller that only reads the events must not meet an unhandled rejection.
    summary.promise.catch(() => {})
    const firstMs = init.now()
    const ttftMs = firstMs - run.startedMs
    let index = 0
    const complete = (value: AttemptResult): void => {
      const seconds = (init.now() - firstMs) / 1_000
      const tokensPerSecond = seconds > 0 ? Math.max(0, (index - 1) / seconds) : 0
      note(run.candidate.peer, (record) => recordSuccess(record, { ttftMs, tokensPerSecond }))
      run.attempts.push({ provider: run.provider, outcome: value.finish === 'cancelled' ? 'cancelled' : 'done' })
      const result: JobSummary = {
        tokens: value.tokens,
        prices: value.prices,
        chargeNano: value.chargeNano,
        paidNano: value.paidNano,
        receipt: value.receipt,
        attempts: run.attempts,
        ttftMs,
        tokensPerSecond,
        vault: accountToText(init.payments.vault.account),
        payee: accountToText(run.candidate.offer.payee)
      }
      const jobId = toHex(run.attempt.jobId)
      jobs.set(jobId, { jobId, provider: run.provider, tier: run.tier, model: run.id, ...result })
      const oldest = jobs.keys().next().value
      if (jobs.size > MAX_JOBS_KEPT && oldest != null) {
        jobs.delete(oldest)
      }
      summary.resolve(result)
    }
    const fail = (error: unknown): CocoonError => {
      const failure = asCocoonError(error, 'stream_closed')
      note(run.candidate.peer, (record) => recordFailure(record, init.now()))
      run.attempts.push({ provider: run.provider, outcome: failure.code })
      summary.reject(failure)
      return failure
    }
    let over = false
    /** Reads a cancelled job to its receipt, so that the last voucher is exact. */
    const settle = async (): Promise<void> => {
      while (!over) {
        try {
          const next = await run.attempt.tokens.next()
          if (next.done === true && !over) {
            over = true
            complete(next.value)
          } else if (next.done !== true) {
            index += next.value.length
          }
        } catch (error) {
          if (!over) {
            over = true
            fail(error)
          }
        }
      }
    }
    // A caller that cancels may never read on: the job is read to its receipt all the same, or it would leave a debt.
    const onAbort = (): void => { void settle() }
    run.signal.addEventListener('abort', onAbort, { once: true })
    void summary.promise.catch(() => {}).finally(() => { run.signal.removeEventListener('abort', onAbort) })
    if (run.signal.aborted) {
      onAbort()
    }
    const events = (async function * (): AsyncGenerator<InferenceEvent, void, void> {
      const decoder = new TextDecoder('utf-8')
      try {
        for (;;) {
          const next = await run.attempt.tokens.next()
          if (over) {
            yield { type: 'end', reason: 'cancelled' }
            return
          }
          if (next.done === true) {
            over = true
            complete(next.value)
            const rest = decoder.decode()
            if (rest !== '') {
              yield { type: 'tokens', tokens: [{ text: rest, class: 'completion', index }] }
            }
            yield { type: 'end', reason: next.value.finish }
            return
          }
          yield { type: 'tokens', tokens: next.value.map(token => ({ text: decoder.decode(token.bytes, { stream: true }), class: token.class, index: index++ })) }
        }
      } catch (error) {
        if (over) {
          throw error
        }
        over = true
        throw fail(error)
      } finally {
        // The reader left early: that is a cancel, and the bill stops with what was delivered.
        run.cancel.abort(new CocoonError('job_cancelled'))
        await settle()
      }
    })()
    return {
      jobId: toHex(run.attempt.jobId),
      provider: run.provider,
      tier: run.tier,
      model: run.id,
      events,
      summary: summary.promise,
      cancel: () => { run.cancel.abort(new CocoonError('job_cancelled')) }
    }
  }

  const warm = async (): Promise<void> => {
    const { candidates } = choose(init.offers.known(null), {
      endpoint: 'chat',
      limits: { minTier: init.minTier },
      promptTokens: WARM_PROMPT_TOKENS,
      nowMs: init.now(),
      record: (peer) => records.get(peer)
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
    warm,
    search: async (signal) => { await init.offers.gather({ model: null, minOffers: 1, signal }) },
    models: async () => listModels(init.offers.known(null), init.minTier),
    infer,
    explain: () => explanations,
    job: (jobId) => jobs.get(jobId) ?? null,
    stop: async () => { await links.stop() }
  }
}

/** Groups offers by model. */
function listModels (offers: readonly Offer[], minTier: Tier): ModelListing[] {
  const byModel = new Map<string, ModelListing>()
  for (const offer of offers) {
    if (!tierAtLeast(offer.tier, minTier)) {
      continue
    }
    const id = modelId(offer.model.name, offer.model.digest)
    const listing = byModel.get(id) ?? { id, name: offer.model.name, digest: toHex(offer.model.digest), providers: [] }
    byModel.set(id, {
      ...listing,
      providers: [...listing.providers, {
        peerId: peerText(offer),
        tier: offer.tier,
        tierNote: TIER_NOTES[offer.tier],
        prices: parseQuote(offer.quote).prices,
        room: offer.room,
        contextLength: offer.contextLength,
        endpoints: offer.endpoints
      }]
    })
  }
  return [...byModel.values()].sort((a, b) => a.id < b.id ? -1 : 1)
}
