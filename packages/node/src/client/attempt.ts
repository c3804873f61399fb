import {
  CocoonError, LIMITS, asCocoonError, encodeRequestHeader, encodeRequestPayload, fromRefusal, inferRequestCodec, inferResponseCodec, jobIdOf, protocolId,
  quoteHash, toHex
} from '@cocoon-net/protocol'
import { sealRequest } from '@cocoon-net/sealing'
import { verifyEd25519 } from '@cocoon-net/settlement'
import { STREAM_IDLE_MS } from '../constants.ts'
import { framedStream } from '../streams/framed-stream.ts'
import { createAnswerCheck } from './answer-check.ts'
import { vouchTarget } from './vouching.ts'
import type { VerifiedProvider } from './attest-peer.ts'
import type { Candidate } from './choose.ts'
import type { PayChannel } from './pay-channel.ts'
import type { Chunk, Endpoint, FinishReason, NetworkPreset, Prices, RequestHeader, Tier, TokenCounts } from '@cocoon-net/protocol'
import type { ClientLane } from '@cocoon-net/settlement'
import type { Connection } from '@libp2p/interface'

export interface AttemptInit {
  readonly network: NetworkPreset
  readonly connection: Connection
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
  /** The caller's: abort means cancel, which ends the job normally. */
  readonly signal: AbortSignal
}

export interface AttemptToken { readonly id: number, readonly bytes: Uint8Array, readonly class: 'completion' | 'reasoning' }

export interface AttemptResult {
  readonly finish: FinishReason
  readonly tokens: TokenCounts
  readonly prices: Prices
  readonly chargeNano: bigint
  readonly paidNano: bigint
  readonly receipt: { readonly jobId: string, readonly seq: number, readonly hash: string, readonly signature: string }
  readonly tier: Tier
}

/** A job that one provider has begun to answer. */
export interface Attempt {
  readonly jobId: Uint8Array
  /** Tokens as they come; ends after the receipt is checked and paid. Throws when the provider fails. */
  readonly tokens: AsyncGenerator<AttemptToken, AttemptResult, void>
}

/**
 * Seals and sends one request to one verified provider. Resolves when the first chunk has been opened and checked;
 * before that any failure leaves the caller free to try the next provider.
 */
export async function startAttempt (init: AttemptInit): Promise<Attempt> {
  const { candidate, provider, lane } = init
  const key = provider.binding.hpkeKeys[0]
  const header: RequestHeader = {
    v: 1,
    vault: init.vault.account,
    vaultOwner: init.vault.owner,
    laneEpoch: lane.epoch,
    quoteHash: quoteHash(candidate.quote),
    maxTokens: Math.min(init.maxTokens, candidate.quote.maxTokens),
    maxCharge: init.maxChargeNano,
    clientNonce: init.randomBytes(32)
  }
  const headerBytes = encodeRequestHeader(header)
  const payload = encodeRequestPayload({ v: 1, model: candidate.offer.model.digest, endpoint: init.endpoint, body: JSON.stringify(init.body), prefix: init.prefix })
  const sealed = await sealRequest({ kem: key.kem, publicKey: key.key, bindingHash: provider.bindingHash, header: headerBytes, payload })
  const job = lane.beginJob({ clientNonce: header.clientNonce, maxChargeNano: header.maxCharge })
  const windowNano = candidate.quote.windowNano
  const allowanceNano = lane.allowanceNano

  const vouch = async (vestedNano: bigint, due: boolean): Promise<void> => {
    const target = vouchTarget({ vestedNano, paidNano: job.paidNano, allowanceNano, windowNano, maxChargeNano: header.maxCharge, due })
    const frame = target == null ? null : await job.voucherUpTo(target)
    if (frame != null) {
      await init.pay.send(frame)
    }
  }

  const stream = await init.connection.newStream(protocolId(init.network, 'infer'), { signal: init.signal })
  const frames = framedStream(stream, {
    reads: inferResponseCodec, writes: inferRequestCodec, maxReadBytes: LIMITS.responseFrameBytes, idleMs: STREAM_IDLE_MS, what: 'infer'
  })
  let started = false
  const onAbort = (): void => {
    if (started) {
      frames.write({ t: 'cancel' }).catch(() => { /* the stream has ended already: so has the bill */ })
    } else {
      frames.abort(new CocoonError('job_cancelled'))
    }
  }
  init.signal.addEventListener('abort', onAbort)

  try {
    const [, accept] = await Promise.all([
      (async () => {
        await frames.write({ t: 'request', kem: key.kem, bindingHash: provider.bindingHash, header: headerBytes, ciphertext: sealed.ciphertext })
        await vouch(0n, false)
      })(),
      frames.read()
    ])
    if (accept.t !== 'accept') {
      throw accept.t === 'refusal' ? fromRefusal(accept) : new CocoonError('frame_malformed', 'an accept frame was expected')
    }
    const jobId = jobIdOf({ bindingHash: provider.bindingHash, ciphertext: sealed.ciphertext, providerNonce: accept.providerNonce })
    const opener = await sealed.response(accept.providerNonce)
    const check = createAnswerCheck({
      jobId,
      header,
      quote: candidate.quote,
      quoteHash: header.quoteHash,
      bindingHash: provider.bindingHash,
      payee: provider.binding.payee,
      receiptKey: provider.binding.receiptKey,
      networkId: init.network.networkId,
      payload,
      reqSalt: sealed.reqSalt(),
      ansSalt: sealed.ansSalt(),
      verify: verifyEd25519
    })

    /** Reads up to the next chunk; checkpoints on the way are checked. */
    const nextChunk = async (): Promise<Chunk> => {
      for (;;) {
        const frame = await frames.read()
        if (frame.t === 'chunk') {
          return check.chunk(opener.open(frame.sealed))
        }
        if (frame.t === 'checkpoint') {
          check.receipt(frame.cell, frame.signature, false)
        } else {
          throw frame.t === 'refusal' ? fromRefusal(frame) : new CocoonError('frame_malformed', 'a chunk was expected')
        }
      }
    }

    let chunk = await nextChunk()
    started = true
    if (init.signal.aborted) {
      onAbort()
    }

    const tokens = (async function * (): AsyncGenerator<AttemptToken, AttemptResult, void> {
      let vouching: Promise<void> = Promise.resolve()
      let vouchError: unknown
      let busy = false
      let lastMs = init.now()
      const pay = (): void => {
        if (busy) {
          return
        }
        const due = init.now() - lastMs >= LIMITS.voucherEveryMs
        busy = true
        vouching = vouch(check.vestedNano(), due).then(() => { lastMs = due ? init.now() : lastMs }, (error: unknown) => { vouchError ??= error }).finally(() => { busy = false })
      }
      const timer = setInterval(pay, LIMITS.voucherEveryMs)
      let finished = false
      try {
        for (;;) {
          pay()
          for (let i = 0; i < chunk.ids.length; i++) {
            yield { id: chunk.ids[i], bytes: chunk.utf8[i], class: chunk.classes[i] === 3 ? 'reasoning' : 'completion' }
          }
          if (chunk.final) {
            break
          }
          if (vouchError != null) {
            throw asCocoonError(vouchError)
          }
          chunk = await nextChunk()
        }
        const last = await frames.read()
        if (last.t !== 'checkpoint') {
          throw last.t === 'refusal' ? fromRefusal(last) : new CocoonError('frame_malformed', 'a receipt was expected')
        }
        const { receipt, hash } = check.receipt(last.cell, last.signature, chunk.finish !== 'error')
        if (receipt.tier !== provider.verdict.tier) {
          throw new CocoonError('answer_inconsistent', 'the receipt names another tier than was verified')
        }
        await vouching
        const frame = await job.finish(receipt.chargeNano)
        finished = true
        if (frame != null) {
          await init.pay.send(frame)
          await init.pay.settled(AbortSignal.timeout(LIMITS.voucherWaitMs))
        }
        if (chunk.finish === 'error') {
          throw new CocoonError('engine_failed', 'the provider\'s engine failed in the middle of the answer')
        }
        return {
          finish: chunk.finish ?? 'stop',
          tokens: receipt.tokens,
          prices: candidate.quote.prices,
          chargeNano: receipt.chargeNano,
          paidNano: job.paidNano,
          receipt: { jobId: toHex(jobId), seq: receipt.seq, hash: toHex(hash), signature: toHex(last.signature) },
          tier: receipt.tier
        }
      } finally {
        clearInterval(timer)
        init.signal.removeEventListener('abort', onAbort)
        await vouching
        if (!finished) {
          // What was promised stays promised; the job's books are closed at what has vested, never above it.
          const vested = check.vestedNano()
          await job.finish(vested < job.paidNano ? vested : job.paidNano).catch(() => { /* the first error is the one to tell */ })
          frames.abort(new CocoonError('stream_closed'))
        }
        sealed.wipe()
        await frames.close()
      }
    })()
    return { jobId, tokens }
  } catch (error) {
    init.signal.removeEventListener('abort', onAbort)
    frames.abort(asCocoonError(error, 'stream_closed'))
    await job.finish(0n).catch(() => { /* the first error is the one to tell */ })
    sealed.wipe()
    throw error
  }
}
