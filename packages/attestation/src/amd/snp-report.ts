import { CocoonError } from '@cocoon-net/protocol'
import { Reader } from '../reader.ts'
import { looksLikeCertificateTable } from './certificate-table.ts'
import type { AmdProduct } from '../roots.ts'

export const SNP_REPORT_BYTES = 0x4a0
const SIGNED_BYTES = 0x2a0
const MIN_VERSION = 2
const MAX_VERSION = 5
/** "ECDSA P-384 with SHA-384" */
const SIGNATURE_ALGORITHM = 1
/** r and s stand little-endian in fields of 72 bytes. */
const SCALAR_FIELD_BYTES = 72
const SCALAR_BYTES = 48

/** Security patch levels of one TCB_VERSION. Which byte holds which depends on the product. */
export interface SnpTcb {
  /** Turin only, otherwise 0. */
  readonly fmc: number
  readonly bootLoader: number
  readonly tee: number
  readonly snp: number
  readonly microcode: number
}

/** An attestation report (SEV-SNP Firmware ABI, table "ATTESTATION_REPORT"), versions 2 to 5. Parsed, not verified. */
export interface SnpReport {
  readonly version: number
  readonly guestSvn: number
  readonly policy: bigint
  readonly familyId: Uint8Array
  readonly imageId: Uint8Array
  readonly vmpl: number
  readonly signingKey: 'vcek' | 'vlek' | 'unknown'
  readonly reportData: Uint8Array
  readonly measurement: Uint8Array
  readonly hostData: Uint8Array
  readonly idKeyDigest: Uint8Array
  readonly authorKeyDigest: Uint8Array
  readonly reportId: Uint8Array
  readonly reportIdMa: Uint8Array
  readonly reportedTcb: Uint8Array
  /** Null in version 2, which does not say. */
  readonly product: AmdProduct | 'unknown' | null
  readonly chipId: Uint8Array
  readonly committedTcb: Uint8Array
  readonly signed: Uint8Array
  /** r ‖ s, big-endian, 48 bytes each. */
  readonly signature: Uint8Array
}

/** Whether the bytes have the size and version of a report, or of an extended one: with the host's certificates after it. */
export function looksLikeSnpReport (data: Uint8Array): boolean {
  const isWhole = data.byteLength === SNP_REPORT_BYTES || looksLikeCertificateTable(data.subarray(SNP_REPORT_BYTES))
  return isWhole && data[0] >= MIN_VERSION && data[0] <= MAX_VERSION && data[1] === 0 && data[2] === 0 && data[3] === 0
}

/** @throws {CocoonError} evidence_malformed */
export function parseSnpReport (data: Uint8Array): SnpReport {
  if (!looksLikeSnpReport(data)) {
    throw new CocoonError('evidence_malformed', 'not an SEV-SNP report of version 2 to 5')
  }
  const reader = new Reader(data)
  const version = reader.u32()
  const guestSvn = reader.u32()
  const policy = reader.u64()
  const familyId = reader.take(16)
  const imageId = reader.take(16)
  const vmpl = reader.u32()
  const algorithm = reader.u32()
  reader.take(16) // current TCB, platform info
  const keyInfo = reader.u32()
  reader.u32()
  const reportData = reader.take(64)
  const measurement = reader.take(48)
  const hostData = reader.take(32)
  const idKeyDigest = reader.take(48)
  const authorKeyDigest = reader.take(48)
  const reportId = reader.take(32)
  const reportIdMa = reader.take(32)
  const reportedTcb = reader.take(8)
  const family = reader.u8()
  const model = reader.u8()
  reader.take(0x1a0 - reader.offset)
  const chipId = reader.take(64)
  const committedTcb = reader.take(8)
  reader.take(SIGNED_BYTES - reader.offset)
  const r = reader.take(SCALAR_FIELD_BYTES)
  const s = reader.take(SCALAR_FIELD_BYTES)
  return {
    version,
    guestSvn,
    policy,
    familyId,
    imageId,
    vmpl,
    signingKey: signingKeyOf((keyInfo >>> 2) & 7),
    reportData,
    measurement,
    hostData,
    idKeyDigest,
    authorKeyDigest,
    reportId,
    reportIdMa,
    reportedTcb,
    product: version >= 3 ? productOf(family, model) : null,
    chipId,
    committedTcb,
    signed: data.subarray(0, SIGNED_BYTES),
    // All zeros verify under no key.
    signature: algorithm === SIGNATURE_ALGORITHM ? bigEndianPair(r, s) : new Uint8Array(2 * SCALAR_BYTES)
  }
}

function signingKeyOf (code: number): SnpReport['signingKey'] {
  if (code === 0) {
    return 'vcek'
  }
  return code === 1 ? 'vlek' : 'unknown'
}

/** CPUID family and model (AMD processor programming references). Bergamo and Siena use Genoa's keys. */
function productOf (family: number, model: number): AmdProduct | 'unknown' {
  if (family === 0x19 && model <= 0x0f) {
    return 'Milan'
  }
  if (family === 0x19 && ((model >= 0x10 && model <= 0x1f) || (model >= 0xa0 && model <= 0xaf))) {
    return 'Genoa'
  }
  return family === 0x1a && model <= 0x11 ? 'Turin' : 'unknown'
}

/** The upper 24 bytes of each field must be zero, or the number is not one of P-384. */
function bigEndianPair (r: Uint8Array, s: Uint8Array): Uint8Array {
  const out = new Uint8Array(2 * SCALAR_BYTES)
  for (const [i, field] of [r, s].entries()) {
    if (field.subarray(SCALAR_BYTES).some(byte => byte !== 0)) {
      return new Uint8Array(2 * SCALAR_BYTES)
    }
    out.set(field.slice(0, SCALAR_BYTES).reverse(), i * SCALAR_BYTES)
  }
  return out
}

/** TCB_VERSION (SEV-SNP Firmware ABI, §2.2): Turin has its own layout. */
export function decodeTcb (bytes: Uint8Array, product: AmdProduct): SnpTcb {
  return product === 'Turin'
    ? { fmc: bytes[0], bootLoader: bytes[1], tee: bytes[2], snp: bytes[3], microcode: bytes[7] }
    : { fmc: 0, bootLoader: bytes[0], tee: bytes[1], snp: bytes[6], microcode: bytes[7] }
}
