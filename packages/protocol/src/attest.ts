import { concat, utf8 } from './bytes.ts'
import { encodeWith } from './cbor.ts'
import { bytes, fixedBytes, nullable, record, union } from './codec.ts'
import { refusalCodec } from './refusal.ts'
import type { ValueOf } from './codec.ts'

/** attest/1: client to provider. */
export const challengeCodec = union({
  challenge: record({ networkId: fixedBytes(32), nonce: fixedBytes(32) })
})

/** attest/1: provider to client. Delegation is a bag of cells; collateral is stapled when there is some. */
export const evidenceCodec = union({
  evidence: record({
    binding: bytes(16 * 1_024),
    evidence: bytes(32 * 1_024),
    gpu: nullable(bytes(48 * 1_024)),
    collateral: nullable(bytes(64 * 1_024)),
    delegation: nullable(record({ cell: bytes(512), signature: fixedBytes(64) })),
    answer: fixedBytes(64)
  }),
  refusal: refusalCodec
})

export type ChallengeFrame = ValueOf<typeof challengeCodec>
export type EvidenceFrame = ValueOf<typeof evidenceCodec>
export type EvidenceAnswer = Extract<EvidenceFrame, { t: 'evidence' }>

const challengeAnswerCodec = record({
  networkId: fixedBytes(32),
  nonce: fixedBytes(32),
  bindingHash: fixedBytes(32),
  /** Peer ids as multihash bytes. */
  client: bytes(64),
  provider: bytes(64)
})

export type ChallengeAnswer = ValueOf<typeof challengeAnswerCodec>

/** What the receipt key signs to answer a challenge: "cocoon/challenge/v1\0" ‖ CBOR {networkId, nonce, bindingHash, client, provider}. */
export function challengeAnswerBytes (answer: ChallengeAnswer): Uint8Array {
  return concat(utf8('cocoon/challenge/v1\0'), encodeWith(challengeAnswerCodec, answer))
}

/** Gossiped announcement of a new binding: at most 512 bytes, in a signed envelope of its own domain. */
export const bindingAnnouncementCodec = record({ networkId: fixedBytes(32), bindingHash: fixedBytes(32), evidenceHash: fixedBytes(32) })
