import {
  CocoonError, LIMITS, asCocoonError, encodeRequestHeader, encodeRequestPayload, fromRefusal, inferRequestCodec, inferResponseCodec, jobIdOf
} from '@cocoon-net/protocol'
import { verifyEd25519 } from '@cocoon-net/settlement'
import { STREAM_IDLE_MS } from '../constants.ts'
import { framedStream } from '../streams/framed-stream.ts'
import { createAnswerCheck } from './answer-check.ts'
import { createChunkReader, readAnswer } from './answer-reader.ts'
import { createJobPayments } from './job-payments.ts'
import type { AnswerToken, AttemptResult, InferFrames } from './answer-reader.ts'
import type { VerifiedProvider } from './attest-peer.ts'
import type { Candidate } from './choose.ts'
import type { JobPayments } from './job-payments.ts'
import type { PayChannel } from './pay-channel.ts'
import type { WarmRequests } from './warm-requests.ts'
import type { Endpoint, NetworkPreset, RequestHeader } from '@cocoon-net/protocol'
import type { ClientLane, Contradiction } from '@cocoon-net/settlement'

export interface AttemptInit {
  readonly network: NetworkPreset
  readonly requests: WarmRequests
  readonly candidate: Candidate
  readonly provider: VerifiedProvider
  readonly lane: ClientLane
  readonly pay: PayChannel
  readonly vault: { readonly account: Uint8Array, readonly owner: Uint8Array }
  readonly endpoint: Endpoint
  readonly body: Record<string, unknown>
  readonly prefix: readonly number[]
  readonly maxTokens: number
  readonly maxChargeNano: bigint
  randomBytes (length: number): Uint8Array
  now (): number
  /** Told of what the provider signed against itself. */
  onContradiction (contradiction: Contradiction): void
  /** The caller's: abort means cancel, which ends the job normally. */
  readonly signal: AbortSignal
}

/** A job that one provider has begun to answer. */
export interface Attempt {
  readonly jobId: Uint8Array
  /** The tokens of one sealed chunk after the other; ends after the receipt is checked and paid. Throws when the provider fails. */
  readonly tokens: AsyncGenerator<readonly AnswerToken[], AttemptResult, void>
}

/**
 * Seals and sends one request to one verified provider. Resolves when the first chunk has been opened and checked;
 * before that any failure leaves the caller free to try the next provider.
 */
export async function startAttempt (init: AttemptInit): Promise<Attempt> {
  const { candidate, provider, lane, network } = init
  const header: RequestHeader = {
    v: 1,
    vault: init.vault.account,
    vaultOwner: init.vault.owner,
    laneEpoch: lane.epoch,
    quoteHash: candidate.quoteHash,
    maxTokens: Math.min(init.maxTokens, candidate.quote.maxTokens),
    maxCharge: init.maxChargeNano,
    clientNonce: init.randomBytes(32)
  }
  const headerBytes = encodeRequestHeader(header)
  const payload = encodeRequestPayload({ v: 1, model: candidate.offer.model.digest, endpoint: init.endpoint, body: JSON.stringify(init.body), prefix: init.prefix })
  const { seal, stream } = await init.requests.take(init.signal)
  const frames: InferFrames = framedStream(stream, {
    reads: inferResponseCodec, writes: inferRequestCodec, maxReadBytes: LIMITS.responseFrameBytes, idleMs: STREAM_IDLE_MS, what: 'infer'
  })
  let payments: JobPayments | undefined
  let started = false
  const onAbort = (): void => {
    if (started) {
      frames.write({ t: 'cancel' }).catch(() => { /* the stream has ended already: so has the bill */ })
    } else {
      frames.abort(new CocoonError('job_cancelled'))
    }
  }
  init.signal.addEventListener('abort', onAbort)
  const forget = (): void => { init.signal.removeEventListener('abort', onAbort) }

  try {
    const pays = createJobPayments({ header, lane, pay: init.pay, windowNano: candidate.quote.windowNano })
    payments = pays
    const [sealed] = await Promise.all([seal.seal({ header: headerBytes, payload }), pays.recorded()])
    const [, accept] = await Promise.all([
      (async () => {
        await frames.write({ t: 'request', kem: provider.binding.hpkeKeys[0].kem, bindingHash: provider.bindingHash, header: headerBytes, ciphertext: sealed.ciphertext })
        await pays.vouch(0n, false)
      })(),
      frames.read()
    ])
    if (accept.t !== 'accept') {
      throw accept.t === 'refusal' ? fromRefusal(accept) : new CocoonError('frame_malformed', 'an accept frame was expected')
    }
    const jobId = jobIdOf({ bindingHash: provider.bindingHash, ciphertext: sealed.ciphertext, providerNonce: accept.providerNonce })
    const check = createAnswerCheck({
      jobId,
      header,
      quote: candidate.quote,
      quoteHash: header.quoteHash,
      quoteSignature: candidate.offer.quoteSignature,
      bindingHash: provider.bindingHash,
      payee: provider.binding.payee,
      receiptKey: provider.binding.receiptKey,
      networkId: network.networkId,
      payload,
      reqSalt: sealed.reqSalt(),
      ansSalt: sealed.ansSalt(),
      verify: verifyEd25519,
      onContradiction: init.onContradiction
    })
    const chunks = createChunkReader({ frames, check, opener: await sealed.response(accept.providerNonce) })
    const first = await chunks.next()
    if (first.finish === 'error' && first.ids.length === 0) {
      throw new CocoonError('engine_failed', 'the provider\'s engine failed before the first token')
    }
    started = true
    if (init.signal.aborted) {
      onAbort()
    }
    const tokens = readAnswer({
      first,
      chunks,
      check,
      payments: pays,
      tier: provider.verdict.tier,
      prices: candidate.quote.prices,
      now: init.now,
      jobId,
      onEnd: async (complete) => {
        forget()
        if (!complete) {
          frames.abort(new CocoonError('stream_closed'))
        }
        sealed.wipe()
        await frames.close()
        init.requests.refill()
      }
    })
    return { jobId, tokens }
  } catch (error) {
    forget()
    frames.abort(asCocoonError(error, 'stream_closed'))
    await payments?.abandon(0n)
    seal.wipe()
    throw error
  }
}
