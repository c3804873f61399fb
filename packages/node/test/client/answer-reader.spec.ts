import { setImmediate } from 'node:timers/promises'
import { CocoonError, LIMITS, toHex, utf8 } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { createChunkReader, readAnswer } from '../../src/client/answer-reader.ts'
import type { AnswerCheck } from '../../src/client/answer-check.ts'
import type { AnswerToken, AttemptResult, ChunkReader, InferFrames, ReadAnswerInit } from '../../src/client/answer-reader.ts'
import type { Chunk, InferResponseFrame, Receipt } from '@cocoon-net/protocol'

const PRICES = { prompt: 1n, cached: 1n, completion: 1n, reasoning: 1n }
const TOKENS = { prompt: 3, cached: 1, completion: 2, reasoning: 1 }
const HASH = new Uint8Array(32).fill(8)
const VESTED_NANO = 70n
const CHARGE_NANO = 90n
const sealed = (byte: number): InferResponseFrame => ({ t: 'chunk', sealed: Uint8Array.of(byte) })
const checkpoint: InferResponseFrame = { t: 'checkpoint', cell: Uint8Array.of(7), signature: Uint8Array.of(9) }
const refusal: InferResponseFrame = { t: 'refusal', code: 'no_room', retryAfterMs: 500 }
const accept: InferResponseFrame = { t: 'accept', providerNonce: HASH }

function chunk (change: Partial<Chunk> = {}): Chunk {
  return { firstIndex: 0, ids: [], utf8: [], classes: new Uint8Array(0), hash: HASH, counts: null, final: false, flush: false, finish: null, extra: null, pad: HASH, ...change }
}

/** An account of an answer that takes what it is given, and notes it. */
function checkOf (notes: unknown[], tier: Receipt['tier'] = 'silver'): AnswerCheck {
  return {
    tokens: TOKENS,
    vestedNano: () => VESTED_NANO,
    chunk: plaintext => chunk({ firstIndex: plaintext[0] }),
    receipt: (cell, signature, final) => {
      notes.push(['receipt', cell[0], signature[0], final])
      return { receipt: { tier, tokens: TOKENS, chargeNano: CHARGE_NANO, seq: 5 } as unknown as Receipt, hash: HASH }
    }
  }
}

async function codeOf (work: () => Promise<unknown>): Promise<string> {
  return work().then(() => 'none', (error: unknown) => (error as CocoonError).code)
}

describe('reading the frames of an answer', () => {
  const readerOf = (frames: ReadonlyArray<InferResponseFrame | null>, notes: unknown[] = []): ChunkReader => {
    const left = [...frames]
    const next = async (): Promise<InferResponseFrame | null> => left.shift() ?? null
    return createChunkReader({
      frames: { read: next, next } as unknown as InferFrames,
      check: checkOf(notes),
      opener: { open: bytes => Uint8Array.of(bytes[0] + 1), finished: false }
    })
  }

  it('opens and checks chunks, and holds each checkpoint before them to what had vested', async () => {
    const notes: unknown[] = []
    const reader = readerOf([checkpoint, checkpoint, sealed(20), sealed(30)], notes)
    expect((await reader.next()).firstIndex).to.equal(21)
    expect(notes).to.deep.equal([['receipt', 7, 9, false], ['receipt', 7, 9, false]])
    expect((await reader.next()).firstIndex).to.equal(31)
  })

  it('tells a refusal in place of a chunk, and takes nothing else for one', async () => {
    expect(await codeOf(async () => readerOf([refusal]).next())).to.equal('no_room')
    expect(await codeOf(async () => readerOf([accept]).next())).to.equal('frame_malformed')
  })

  it('wants the receipt where it belongs', async () => {
    expect(await readerOf([checkpoint]).receipt()).to.equal(checkpoint)
    expect(await codeOf(async () => readerOf([sealed(1)]).receipt())).to.equal('frame_malformed')
    expect(await codeOf(async () => readerOf([refusal]).receipt())).to.equal('no_room')
  })

  it('says why an answer failed, as far as the provider does', async () => {
    expect((await readerOf([refusal]).failure()).code).to.equal('no_room')
    expect((await readerOf([accept]).failure()).code).to.equal('engine_failed')
    expect((await readerOf([]).failure()).code).to.equal('engine_failed')
  })
})

describe('reading an answer to its end', () => {
  const first = chunk({ ids: [4, 5], utf8: [utf8('a'), utf8('b')], classes: Uint8Array.of(2, 3) })
  const end = chunk({ final: true, finish: 'length' })

  interface Read { readonly notes: unknown[], readonly given: Array<readonly AnswerToken[]>, readonly result?: AttemptResult, readonly code?: string }

  /** Reads an answer with payments that only note what they are asked, at the times given for each look at the clock. */
  async function read (chunks: readonly Chunk[], change: Partial<ReadAnswerInit> = {}, vouch: (vestedNano: bigint, due: boolean) => Promise<void> = async () => {}): Promise<Read> {
    const notes: unknown[] = []
    const given: Array<readonly AnswerToken[]> = []
    const left = [...chunks.slice(1)]
    const answer = readAnswer({
      first: chunks[0],
      chunks: {
        next: async () => {
          notes.push('next')
          return left.shift() ?? end
        },
        receipt: async () => ({ cell: Uint8Array.of(1), signature: Uint8Array.of(2) }),
        failure: async () => new CocoonError('engine_failed')
      },
      check: checkOf(notes),
      payments: {
        paidNano: CHARGE_NANO,
        recorded: async () => {},
        vouch,
        finish: async (chargeNano) => { notes.push(['finish', chargeNano]) },
        abandon: async (vestedNano) => { notes.push(['abandon', vestedNano]) }
      },
      tier: 'silver',
      prices: PRICES,
      jobId: HASH,
      now: () => 0,
      onEnd: async (complete) => { notes.push(['end', complete]) },
      ...change
    })
    try {
      for (;;) {
        const next = await answer.next()
        if (next.done === true) {
          return { notes, given, result: next.value }
        }
        given.push(next.value)
      }
    } catch (error) {
      return { notes, given, code: (error as CocoonError).code }
    }
  }

  it('gives the tokens with their classes, checks the receipt as the last, pays it exactly, and gives the bill', async () => {
    const { notes, given, result } = await read([first, chunk(), end])
    expect(given).to.deep.equal([[{ id: 4, bytes: utf8('a'), class: 'completion' }, { id: 5, bytes: utf8('b'), class: 'reasoning' }]])
    expect(notes).to.deep.equal(['next', 'next', ['receipt', 1, 2, true], ['finish', CHARGE_NANO], ['end', true]])
    expect(result).to.deep.equal({
      finish: 'length',
      tokens: TOKENS,
      prices: PRICES,
      chargeNano: CHARGE_NANO,
      paidNano: CHARGE_NANO,
      tier: 'silver',
      receipt: { jobId: toHex(HASH), seq: 5, hash: toHex(HASH), signature: '02' }
    })
  })

  it('pays no receipt of another tier than was verified: what was promised is all', async () => {
    const { notes, code } = await read([end], { tier: 'gold' })
    expect(code).to.equal('answer_inconsistent')
    expect(notes).to.deep.equal([['receipt', 1, 2, true], ['abandon', VESTED_NANO], ['end', false]])
  })

  it('holds the receipt of an answer that failed to what had vested, pays it, and tells the failure', async () => {
    const { notes, code } = await read([chunk({ final: true, finish: 'error' })])
    expect(code).to.equal('engine_failed')
    expect(notes).to.deep.equal([['receipt', 1, 2, false], ['finish', CHARGE_NANO], ['end', true]])
  })

  it('reads no further once a voucher cannot be given', async () => {
    const { notes, given, code } = await read([first, first, end], {}, async () => { throw new CocoonError('spending_limit') })
    expect([code, given.length]).to.deep.equal(['spending_limit', 1])
    expect(notes).to.deep.equal([['abandon', VESTED_NANO], ['end', false]])
  })

  it('pays what is due at each chunk, five seconds after the last time at the latest', async () => {
    const asked: Array<readonly [bigint, boolean]> = []
    let nowMs = 1_000
    const { code } = await read([chunk(), chunk(), chunk(), chunk(), end], {
      now: () => nowMs,
      chunks: {
        next: async () => {
          // until the voucher has been given
          await setImmediate()
          nowMs += LIMITS.voucherEveryMs - 1
          return asked.length < 4 ? chunk() : end
        },
        receipt: async () => ({ cell: Uint8Array.of(1), signature: Uint8Array.of(2) }),
        failure: async () => new CocoonError('engine_failed')
      }
    }, async (vestedNano, due) => { asked.push([vestedNano, due]) })
    expect(code).to.equal(undefined)
    // One millisecond short of five seconds, then nearly ten; the count begins anew with what was paid as due.
    expect(asked).to.deep.equal([false, false, true, false, true].map(due => [VESTED_NANO, due]))
  })
})
