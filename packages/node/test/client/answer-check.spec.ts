import {
  answerCommitment, buildReceiptCell, cellToBytes, chargeNano, encodeChunk, quoteHash, receiptHash, requestCommitment, runningHashNext, runningHashStart, utf8, vestedNano
} from '@cocoon-net/protocol'
import { ed25519Signer, verifyEd25519 } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { createAnswerCheck } from '../../src/client/answer-check.ts'
import type { AnswerCheck } from '../../src/client/answer-check.ts'
import type { Chunk, Quote, Receipt, RequestHeader } from '@cocoon-net/protocol'
import type { Contradiction } from '@cocoon-net/settlement'

const id = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const signer = ed25519Signer(id(1))
const prices = { prompt: 3_000_000n, cached: 1_000_000n, completion: 5_000_000n, reasoning: 7_000_000n }
const quote: Quote = {
  networkId: id(10), stake: id(11), model: id(12), prices, maxTokens: 100, windowNano: 10n, hedgeFeeNano: 0n, slaClass: 0, orderHash: id(0), validUntilMs: 1n, feeBps: 0
}
const QUOTE_HASH = quoteHash(quote)
const contradictions: Contradiction[] = []
const header: RequestHeader = { v: 1, vault: id(20), vaultOwner: id(21), laneEpoch: 5n, quoteHash: QUOTE_HASH, maxTokens: 4, maxCharge: 1_000n, clientNonce: id(23) }
const jobId = id(30)
const payload = utf8('a padded request')
const START = runningHashStart(jobId)

function check (change: Partial<RequestHeader> = {}): AnswerCheck {
  return createAnswerCheck({
    jobId, header: { ...header, ...change }, quote, quoteHash: QUOTE_HASH, quoteSignature: signer.sign(QUOTE_HASH), bindingHash: id(31), payee: id(32), receiptKey: signer.publicKey, networkId: id(10), payload, reqSalt: id(33), ansSalt: id(34), verify: verifyEd25519, onContradiction: (found) => { contradictions.push(found) }
  })
}

const hashOf = (...ids: number[]): Uint8Array => ids.reduce(runningHashNext, START)

function chunk (change: Partial<Chunk> & { ids: number[] }): Uint8Array {
  return encodeChunk({
    firstIndex: 0,
    utf8: change.ids.map(() => utf8('x')),
    classes: Uint8Array.from(change.ids, () => 2),
    hash: hashOf(...change.ids),
    counts: [10, 4],
    final: false,
    flush: false,
    finish: null,
    extra: null,
    ...change
  })
}

/** What the provider would sign after tokens 1, 2 and 3, the last of them reasoning. */
const tokens = { prompt: 10, cached: 4, completion: 2, reasoning: 1 }
const honest: Receipt = {
  networkId: id(10),
  stake: id(11),
  vault: id(20),
  payee: id(32),
  laneEpoch: 5n,
  jobId,
  seq: 0,
  bindingHash: id(31),
  tier: 'silver',
  tokens,
  chargeNano: chargeNano(tokens, prices),
  quoteHash: QUOTE_HASH,
  mcSeqno: 1,
  reqCommit: requestCommitment(id(33), payload),
  ansCommit: answerCommitment(id(34), hashOf(1, 2, 3)),
  auditRoot: id(0)
}
const three = (): AnswerCheck => {
  const made = check()
  made.chunk(chunk({ ids: [1, 2, 3], classes: Uint8Array.of(2, 2, 3) }))
  return made
}

function code (work: () => unknown): string {
  try {
    work()
    return 'none'
  } catch (error) {
    return (error as { code: string }).code
  }
}

function receipt (to: AnswerCheck, change: Partial<Receipt> = {}, { final = true, by = signer } = {}): { receipt: Receipt, hash: Uint8Array } {
  const signed = { ...honest, ...change }
  return to.receipt(cellToBytes(buildReceiptCell(signed)), by.sign(receiptHash(signed)), final)
}

describe('checking the chunks of an answer', () => {
  it('counts each class by itself, from what is delivered', () => {
    const made = three()
    expect(made.tokens).to.deep.equal(tokens)
    expect(made.vestedNano()).to.equal(vestedNano(tokens, prices, 4))
    made.chunk(chunk({ ids: [4], firstIndex: 3, counts: null, hash: hashOf(1, 2, 3, 4), final: true, finish: 'stop' }))
    expect(made.tokens).to.deep.equal({ ...tokens, completion: 3 })
  })

  it('refuses a chunk that starts elsewhere: a gap, a repetition', () => {
    for (const firstIndex of [2, 4, 0]) {
      expect(code(() => three().chunk(chunk({ ids: [4], firstIndex, counts: null, hash: hashOf(1, 2, 3, 4) })))).to.equal('answer_inconsistent')
    }
    expect(code(() => check().chunk(chunk({ ids: [1], firstIndex: 1 })))).to.equal('answer_inconsistent')
  })

  it('refuses a running hash that does not follow from the tokens', () => {
    expect(code(() => check().chunk(chunk({ ids: [1, 2], hash: hashOf(2, 1) })))).to.equal('answer_inconsistent')
    expect(code(() => three().chunk(chunk({ ids: [4], firstIndex: 3, counts: null, hash: hashOf(4) })))).to.equal('answer_inconsistent')
    expect(code(() => check().chunk(chunk({ ids: [], hash: id(0) })))).to.equal('answer_inconsistent')
  })

  it('takes the prompt\'s counts from the first chunk, and from no other', () => {
    expect(code(() => check().chunk(chunk({ ids: [1], counts: null })))).to.equal('answer_inconsistent')
    expect(code(() => three().chunk(chunk({ ids: [4], firstIndex: 3, counts: [10, 4], hash: hashOf(1, 2, 3, 4) })))).to.equal('answer_inconsistent')
  })

  it('takes as many tokens as were asked for, of both classes together, and not one more', () => {
    expect(code(() => check().chunk(chunk({ ids: [1, 2, 3, 4], classes: Uint8Array.of(2, 3, 2, 3) })))).to.equal('none')
    expect(code(() => check().chunk(chunk({ ids: [1, 2, 3, 4, 5] })))).to.equal('answer_inconsistent')
    expect(code(() => check().chunk(chunk({ ids: [1, 2, 3, 4, 5], classes: Uint8Array.of(2, 3, 2, 3, 3) })))).to.equal('answer_inconsistent')
  })

  it('refuses what is no chunk', () => {
    expect(code(() => check().chunk(Uint8Array.of(1, 2, 3)))).to.equal('frame_malformed')
  })
})

describe('checking a receipt', () => {
  it('takes the one that agrees with what was delivered', () => {
    expect(receipt(three())).to.deep.include({ receipt: honest, hash: receiptHash(honest) })
  })

  it('takes only the bound receipt key\'s signature', () => {
    expect(code(() => receipt(three(), {}, { by: ed25519Signer(id(2)) }))).to.equal('bad_signature')
    const cell = cellToBytes(buildReceiptCell({ ...honest, mcSeqno: 2 }))
    expect(code(() => three().receipt(cell, signer.sign(receiptHash(honest)), true))).to.equal('bad_signature')
  })

  it('refuses one of another job in any respect', () => {
    for (const field of ['networkId', 'stake', 'vault', 'payee', 'jobId', 'bindingHash', 'quoteHash', 'reqCommit', 'ansCommit'] as const) {
      expect(code(() => receipt(three(), { [field]: id(99) })), field).to.equal('answer_inconsistent')
    }
    expect(code(() => receipt(three(), { laneEpoch: 6n }))).to.equal('answer_inconsistent')
  })

  it('refuses counts that differ by one token in any class', () => {
    for (const name of ['prompt', 'cached', 'completion', 'reasoning'] as const) {
      for (const by of [-1, 1]) {
        expect(code(() => receipt(three(), { tokens: { ...tokens, [name]: tokens[name] + by }, chargeNano: 0n })), name).to.equal('answer_inconsistent')
      }
    }
  })

  it('refuses a charge above the counts\' by one nanoTON; at a checkpoint, above what has vested', () => {
    expect(honest.chargeNano).to.equal(30n + 4n + 10n + 7n)
    expect(code(() => receipt(three(), { chargeNano: honest.chargeNano + 1n }))).to.equal('provider_contradicts')
    expect(code(() => receipt(three(), { chargeNano: honest.chargeNano - 1n }))).to.equal('none')
    const vested = vestedNano(tokens, prices, 4)
    expect(vested < honest.chargeNano).to.equal(true)
    expect(code(() => receipt(three(), { chargeNano: vested }, { final: false }))).to.equal('none')
    expect(code(() => receipt(three(), { chargeNano: vested + 1n }, { final: false }))).to.equal('answer_inconsistent')
  })

  it('refuses a charge above what the header allows', () => {
    const limited = (maxCharge: bigint): AnswerCheck => {
      const made = check({ maxCharge })
      made.chunk(chunk({ ids: [1, 2, 3], classes: Uint8Array.of(2, 2, 3) }))
      return made
    }
    expect(code(() => receipt(limited(honest.chargeNano)))).to.equal('none')
    expect(code(() => receipt(limited(honest.chargeNano - 1n)))).to.equal('answer_inconsistent')
  })

  it('takes checkpoints in order, none twice and none left out', () => {
    const made = three()
    const low = { chargeNano: 1n }
    expect(code(() => receipt(made, { ...low, seq: 1 }, { final: false }))).to.equal('answer_inconsistent')
    receipt(made, { ...low, seq: 0 }, { final: false })
    expect(code(() => receipt(made, { ...low, seq: 0 }, { final: false }))).to.equal('answer_inconsistent')
    expect(code(() => receipt(made, { ...low, seq: 1 }))).to.equal('none')
  })
})

describe('holding a provider to what it has signed', () => {
  beforeEach(() => { contradictions.length = 0 })

  const found = (): Array<[string, Array<number | bigint>]> => contradictions.map(one => one.kind === 'E1'
    ? [one.kind, [one.first.receipt.seq, one.first.receipt.chargeNano, one.second.receipt.chargeNano]]
    : [one.kind, [one.claim.receipt.chargeNano]])

  it('finds two statements of one step that differ, also behind later ones', () => {
    const made = three()
    receipt(made, { chargeNano: 1n, seq: 0 }, { final: false })
    receipt(made, { chargeNano: 2n, seq: 1 }, { final: false })
    expect(code(() => receipt(made, { chargeNano: 3n, seq: 0 }))).to.equal('provider_contradicts')
    expect(code(() => receipt(made, { chargeNano: 1n, seq: 0 }))).to.equal('answer_inconsistent')
    expect(found()).to.deep.equal([['E1', [0, 1n, 3n]]])
  })

  it('finds a charge above the quote, and has the quote with its signature ready', () => {
    expect(code(() => receipt(three(), { chargeNano: honest.chargeNano + 1n }, { final: false }))).to.equal('provider_contradicts')
    expect(found()).to.deep.equal([['E2', [honest.chargeNano + 1n]]])
    const [one] = contradictions
    expect(one.kind === 'E2' ? one.quote : null).to.deep.equal({ quote, signature: signer.sign(QUOTE_HASH) })
  })

  it('finds nothing in what another key signed', () => {
    expect(code(() => receipt(three(), { chargeNano: honest.chargeNano + 1n }, { by: ed25519Signer(id(2)) }))).to.equal('bad_signature')
    expect(found()).to.deep.equal([])
  })

  it('holds the last 64 statements, and lets go of the ones before', () => {
    const made = three()
    for (let seq = 0; seq <= 64; seq++) {
      receipt(made, { chargeNano: 1n, seq }, { final: false })
    }
    expect(code(() => receipt(made, { chargeNano: 2n, seq: 0 }, { final: false }))).to.equal('answer_inconsistent')
    expect(code(() => receipt(made, { chargeNano: 2n, seq: 2 }, { final: false }))).to.equal('provider_contradicts')
  })
})
