import {
  CocoonError, TOKEN_CLASSES, answerCommitment, chargeNano, decodeChunk, equalBytes, parseReceipt, receiptHash, requestCommitment, runningHashNext,
  runningHashStart, vestedNano
} from '@cocoon-net/protocol'
import { findContradiction } from '@cocoon-net/settlement'
import type { Chunk, Quote, Receipt, RequestHeader, TokenCounts } from '@cocoon-net/protocol'
import type { Contradiction, SignedReceipt } from '@cocoon-net/settlement'

export interface AnswerCheckInit {
  readonly jobId: Uint8Array
  readonly header: RequestHeader
  readonly quote: Quote
  readonly quoteHash: Uint8Array
  /** The receipt key's, over `quoteHash`. */
  readonly quoteSignature: Uint8Array
  readonly bindingHash: Uint8Array
  readonly payee: Uint8Array
  readonly receiptKey: Uint8Array
  readonly networkId: Uint8Array
  readonly payload: Uint8Array
  readonly reqSalt: Uint8Array
  readonly ansSalt: Uint8Array
  verify (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** Told of what the provider signed against itself, before it is refused. */
  onContradiction (contradiction: Contradiction): void
}

/** The client's own account of an answer: it counts ids itself and believes nothing that does not add up. */
export interface AnswerCheck {
  readonly tokens: TokenCounts
  /** @throws {CocoonError} answer_inconsistent, frame_malformed */
  chunk(plaintext: Uint8Array): Chunk
  /**
   * Checks a checkpoint or, when `final`, the receipt.
   *
   * @throws {CocoonError} bad_signature, provider_contradicts, answer_inconsistent
   */
  receipt(cell: Uint8Array, signature: Uint8Array, final: boolean): { receipt: Receipt, hash: Uint8Array }
  vestedNano(): bigint
}

/** Statements of one job that later ones are held against; the oldest makes room. */
const MAX_HELD = 64

const CONTRADICTIONS: Readonly<Record<Contradiction['kind'], string>> = Object.freeze({
  E1: 'it signed two receipts of one step that differ in tokens, charge or answer',
  E2: 'it signed a charge above the quote that its receipt names'
})

function inconsistent (what: string): CocoonError {
  return new CocoonError('answer_inconsistent', what)
}

export function createAnswerCheck (init: AnswerCheckInit): AnswerCheck {
  let hash = runningHashStart(init.jobId)
  let tokens: TokenCounts = { prompt: 0, cached: 0, completion: 0, reasoning: 0 }
  let nextIndex = 0
  let first = true
  let nextSeq = 0
  const held: SignedReceipt[] = []
  const reqCommit = requestCommitment(init.reqSalt, init.payload)

  /** Holds a statement against the earlier ones and the quote. */
  const hold = (next: SignedReceipt): void => {
    const found = findContradiction(next, held, { quote: init.quote, signature: init.quoteSignature })
    if (found != null) {
      init.onContradiction(found)
      throw new CocoonError('provider_contradicts', CONTRADICTIONS[found.kind], { details: { kind: found.kind } })
    }
    held.push(next)
    if (held.length > MAX_HELD) {
      held.shift()
    }
  }

  return {
    get tokens () { return tokens },
    vestedNano: () => vestedNano(tokens, init.quote.prices, init.header.maxTokens),
    chunk: (plaintext) => {
      const chunk = decodeChunk(plaintext)
      if (chunk.firstIndex !== nextIndex) {
        throw inconsistent('a chunk starts at the wrong index')
      }
      if (first !== (chunk.counts != null)) {
        throw inconsistent('the first chunk, and no other, has the prompt\'s counts')
      }
      if (chunk.counts != null) {
        tokens = { ...tokens, prompt: chunk.counts[0], cached: chunk.counts[1] }
        first = false
      }
      let { completion, reasoning } = tokens
      for (let i = 0; i < chunk.ids.length; i++) {
        hash = runningHashNext(hash, chunk.ids[i])
        if (chunk.classes[i] === TOKEN_CLASSES.reasoning) {
          reasoning++
        } else {
          completion++
        }
      }
      tokens = { ...tokens, completion, reasoning }
      nextIndex += chunk.ids.length
      if (!equalBytes(chunk.hash, hash)) {
        throw inconsistent('the running hash does not follow from the tokens')
      }
      if (completion + reasoning > init.header.maxTokens) {
        throw inconsistent('more tokens than were asked for')
      }
      return chunk
    },
    receipt: (cell, signature, final) => {
      const receipt = parseReceipt(cell)
      const digest = receiptHash(receipt)
      if (!init.verify(init.receiptKey, digest, signature)) {
        throw new CocoonError('bad_signature', 'the receipt is not signed by the bound receipt key')
      }
      hold({ receipt, signature })
      const expected: ReadonlyArray<readonly [Uint8Array, Uint8Array, string]> = [
        [receipt.networkId, init.networkId, 'network'],
        [receipt.stake, init.quote.stake, 'stake'],
        [receipt.vault, init.header.vault, 'vault'],
        [receipt.payee, init.payee, 'payee'],
        [receipt.jobId, init.jobId, 'job'],
        [receipt.bindingHash, init.bindingHash, 'binding'],
        [receipt.quoteHash, init.quoteHash, 'quote'],
        [receipt.reqCommit, reqCommit, 'request'],
        [receipt.ansCommit, answerCommitment(init.ansSalt, hash), 'answer']
      ]
      for (const [got, wanted, what] of expected) {
        if (!equalBytes(got, wanted)) {
          throw inconsistent(`the receipt is for another ${what}`)
        }
      }
      if (receipt.laneEpoch !== init.header.laneEpoch || receipt.seq !== nextSeq) {
        throw inconsistent('the receipt is out of order')
      }
      nextSeq++
      for (const name of ['prompt', 'cached', 'completion', 'reasoning'] as const) {
        if (receipt.tokens[name] !== tokens[name]) {
          throw inconsistent(`the receipt counts other ${name} tokens than were delivered`)
        }
      }
      const most = final ? chargeNano(tokens, init.quote.prices) : vestedNano(tokens, init.quote.prices, init.header.maxTokens)
      if (receipt.chargeNano > most || receipt.chargeNano > init.header.maxCharge) {
        throw inconsistent('the charge is above the quote')
      }
      return { receipt, hash: digest }
    }
  }
}
