import { CocoonError, asCocoonError, equalBytes } from '@cocoon-net/protocol'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'
import type { PeerId, PrivateKey } from '@libp2p/interface'

/** One kind of statement that a libp2p identity signs and gossip carries. */
export interface EnvelopeKind {
  readonly domain: string
  readonly payloadType: Uint8Array
  /** Of the envelope as it travels. */
  readonly maxBytes: number
  /** Names the statement in errors, with its article. */
  readonly what: string
}

/** An envelope in its one encoding, whose signature has not been checked yet. */
export interface OpenedEnvelope {
  readonly payload: Uint8Array
  /** Who is said to have signed it. */
  readonly peerId: PeerId
  /**
   * Apart, since it costs the most.
   *
   * @throws {CocoonError} bad_signature
   */
  verify(): Promise<void>
}

/** @throws {CocoonError} frame_too_large */
export async function sealEnvelope (kind: EnvelopeKind, payload: Uint8Array, privateKey: PrivateKey): Promise<Uint8Array> {
  const envelope = await RecordEnvelope.seal({
    domain: kind.domain,
    codec: kind.payloadType,
    marshal: () => payload,
    equals: (other) => other != null && equalBytes(other.marshal().slice(), payload)
  }, privateKey)
  const bytes = envelope.marshal()
  if (bytes.byteLength > kind.maxBytes) {
    throw new CocoonError('frame_too_large', `${kind.what} has ${bytes.byteLength} bytes, at most ${kind.maxBytes} are allowed`)
  }
  return bytes
}

/** @throws {CocoonError} frame_too_large, frame_malformed */
export function openEnvelope (kind: EnvelopeKind, bytes: Uint8Array): OpenedEnvelope {
  if (bytes.byteLength > kind.maxBytes) {
    throw new CocoonError('frame_too_large')
  }
  let envelope: RecordEnvelope
  try {
    envelope = RecordEnvelope.createFromProtobuf(bytes)
  } catch (error) {
    throw new CocoonError('frame_malformed', 'not a signed envelope', { cause: error })
  }
  // Protobuf has many encodings of one envelope; only ours passes, or gossip would carry one statement under many names.
  if (!equalBytes(new RecordEnvelope(envelope).marshal(), bytes)) {
    throw new CocoonError('frame_malformed', 'the envelope is not in its one encoding')
  }
  if (!equalBytes(envelope.payloadType, kind.payloadType)) {
    throw new CocoonError('frame_malformed', `the envelope does not hold ${kind.what}`)
  }
  return {
    payload: envelope.payload,
    peerId: peerIdFromPublicKey(envelope.publicKey),
    verify: async () => verified(async () => envelope.validate(kind.domain))
  }
}

/** @throws {CocoonError} bad_signature when the check says no, or throws */
export async function verified (check: () => Promise<boolean>): Promise<void> {
  let good: boolean
  try {
    good = await check()
  } catch (error) {
    throw new CocoonError('bad_signature', asCocoonError(error).message, { cause: error })
  }
  if (!good) {
    throw new CocoonError('bad_signature')
  }
}
