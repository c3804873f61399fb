import { concat, sha256, sha512, utf8 } from './bytes.ts'
import { decodeWith, encodeCbor, encodeWith } from './cbor.ts'
import { bytes, fixedBytes, list, nullable, oneOf, record, text, uint, version } from './codec.ts'
import { LIMITS } from './limits.ts'
import type { ValueOf } from './codec.ts'

export const EVIDENCE_KINDS = Object.freeze(['tdx', 'snp', 'simulated', 'none'] as const)
export type EvidenceKind = typeof EVIDENCE_KINDS[number]

/** HPKE KEM identifiers (RFC 9180 registry): X-Wing and DHKEM(X25519, HKDF-SHA256). */
export const KEMS = Object.freeze({ xWing: 0x647a, x25519: 0x0020 })

/** The map of a provider's keys that its evidence commits to. */
export const bindingCodec = record({
  v: version(1),
  networkId: fixedBytes(32),
  role: oneOf('provider'),
  /** libp2p public key, protobuf. */
  peerKey: bytes(128),
  hpkeKeys: list(record({ kem: uint(0xffff), key: bytes(2_048) }), LIMITS.maxHpkeKeysPerBinding, 1),
  receiptKey: fixedBytes(32),
  stake: fixedBytes(32),
  payee: fixedBytes(32),
  models: list(fixedBytes(32), LIMITS.maxModelsPerBinding, 1),
  /** SHA-256 of engine, version, arguments, egress rules, logging: see runtimeConfigDigest. */
  runtimeConfigDigest: fixedBytes(32),
  beacon: record({ seqno: uint(0xffffffff), rootHash: fixedBytes(32), atMs: uint() }),
  notAfterMs: uint(),
  evidenceKind: oneOf(...EVIDENCE_KINDS),
  gpuDigest: nullable(fixedBytes(32))
})

export type Binding = ValueOf<typeof bindingCodec>

const MAX_BINDING_BYTES = 16 * 1_024

export function encodeBinding (binding: Binding): Uint8Array {
  return encodeWith(bindingCodec, binding)
}

/** @throws {CocoonError} frame_too_large, frame_malformed, version_unsupported */
export function decodeBinding (data: Uint8Array): Binding {
  return decodeWith(bindingCodec, data, MAX_BINDING_BYTES, 'binding')
}

/** bindingHash = SHA-256(binding). */
export function bindingHashOf (binding: Uint8Array): Uint8Array {
  return sha256(binding)
}

/** report_data = SHA-512("cocoon/attest/v1\0" ‖ binding), 64 bytes. */
export function reportDataOf (binding: Uint8Array): Uint8Array {
  return sha512(concat(utf8('cocoon/attest/v1\0'), binding))
}

/** GPU nonce = SHA-256("cocoon/gpu-nonce/v1\0" ‖ binding without the GPU digest), 32 bytes. */
export function gpuNonceOf (binding: Binding): Uint8Array {
  const map = bindingCodec.encode(binding) as Map<string, unknown>
  map.delete('gpuDigest')
  return sha256(concat(utf8('cocoon/gpu-nonce/v1\0'), encodeCbor(map)))
}

const runtimeConfigCodec = record({
  engine: text(64),
  version: text(64),
  args: list(text(512), 64),
  egress: list(text(256), 64),
  logging: oneOf('off', 'metadata')
})

export type RuntimeConfig = ValueOf<typeof runtimeConfigCodec>

/** SHA-256 of the deterministic CBOR of what runs beside the model. */
export function runtimeConfigDigest (config: RuntimeConfig): Uint8Array {
  return sha256(encodeWith(runtimeConfigCodec, config))
}
