import { CocoonError, concat } from '@cocoon-net/protocol'
import { Reader } from '../reader.ts'

/** Cloud quotes come padded to 8,000 bytes; the header, body and chain need some 5,000. */
export const MAX_QUOTE_BYTES = 16_384

const HEADER_BYTES = 48
const QE_REPORT_BYTES = 384
const TD10_BYTES = 584
const TD15_BYTES = 648
const TD15EX_BYTES = 885
const ECDSA_P256 = 2
const CERT_TYPE_PCK_CHAIN = 5
const CERT_TYPE_QE_REPORT = 6
const TEE = Object.freeze({ sgx: 0, tdx: 0x81 })

/** An SGX enclave report: of the quoting enclave, or of the enclave that an SGX quote is about. */
export interface EnclaveReport {
  readonly cpuSvn: Uint8Array
  readonly miscSelect: Uint8Array
  readonly attributes: Uint8Array
  readonly mrEnclave: Uint8Array
  readonly mrSigner: Uint8Array
  readonly isvProdId: number
  readonly isvSvn: number
  readonly reportData: Uint8Array
}

/** A TD report body: TDX 1.0 (584 bytes), 1.5 (648 bytes), or 1.5 extended (885 bytes). */
export interface TdReport {
  readonly teeTcbSvn: Uint8Array
  readonly mrSeam: Uint8Array
  readonly mrSignerSeam: Uint8Array
  readonly seamAttributes: Uint8Array
  readonly tdAttributes: Uint8Array
  readonly xfam: Uint8Array
  readonly mrTd: Uint8Array
  readonly mrConfigId: Uint8Array
  readonly mrOwner: Uint8Array
  readonly mrOwnerConfig: Uint8Array
  readonly rtmrs: readonly Uint8Array[]
  readonly reportData: Uint8Array
  /** As `teeTcbSvn`, of the module that runs now: modules are updated under running TDs. Null in TDX 1.0. */
  readonly teeTcbSvn2: Uint8Array | null
  /** Null in TDX 1.0. */
  readonly mrServiceTd: Uint8Array | null
  /** What the extended body says besides; null in the others. */
  readonly extension: TdExtension | null
}

/** Which TD of a partitioned one reported, and what the TD was born with. */
export interface TdExtension {
  readonly vmId: number
  readonly tdId: Uint8Array
  /** Digest of the devices that the TD took in. */
  readonly deviceInfo: Uint8Array
  /** As MRSERVICETD: when the TD was built, and now. */
  readonly initialServiceTd: Uint8Array
  readonly currentServiceTd: Uint8Array
}

/** A DCAP quote of version 3 (SGX), 4 or 5 (TDX). Parsed, not verified. */
export interface Quote {
  readonly version: number
  readonly tee: 'sgx' | 'tdx'
  readonly qeVendorId: Uint8Array
  readonly td: TdReport | null
  readonly enclave: EnclaveReport | null
  /** Header and body: what the attestation key signs. */
  readonly signed: Uint8Array
  readonly signature: Uint8Array
  /** P-256 point without its leading 4. */
  readonly attestationKey: Uint8Array
  readonly qeReport: EnclaveReport
  readonly qeReportBytes: Uint8Array
  readonly qeReportSignature: Uint8Array
  readonly qeAuthData: Uint8Array
  /** PEM text: PCK certificate, its CA, the root. Empty when the quote carries certification data of another type. */
  readonly pckChain: Uint8Array
}

function malformed (message: string): CocoonError {
  return new CocoonError('evidence_malformed', message)
}

/** Whether the first bytes look like a quote of a known version and kind. */
export function looksLikeQuote (data: Uint8Array): 'sgx' | 'tdx' | null {
  if (data.byteLength < HEADER_BYTES) {
    return null
  }
  const reader = new Reader(data)
  const version = reader.u16()
  const keyType = reader.u16()
  const tee = reader.u32()
  if (keyType !== ECDSA_P256) {
    return null
  }
  if (version === 3 && tee === TEE.sgx) {
    return 'sgx'
  }
  return (version === 4 || version === 5) && tee === TEE.tdx ? 'tdx' : null
}

/**
 * Parses a quote (Intel TDX DCAP Quoting Library API, appendix A; SGX DCAP ECDSA Quote Library API, appendix A.4).
 * Bytes after the signature data are ignored, as clouds pad.
 *
 * @throws {CocoonError} evidence_malformed
 */
export function parseQuote (data: Uint8Array): Quote {
  if (data.byteLength > MAX_QUOTE_BYTES) {
    throw malformed('a quote is too large')
  }
  const tee = looksLikeQuote(data)
  if (tee == null) {
    throw malformed('not a quote of version 3, 4 or 5')
  }
  const reader = new Reader(data)
  const version = reader.u16()
  reader.take(10)
  const qeVendorId = reader.take(16)
  reader.take(HEADER_BYTES - reader.offset)
  const fixedBytes = tee === 'sgx' ? QE_REPORT_BYTES : TD10_BYTES
  const body = reader.take(version === 5 ? bodyBytesOf(reader) : fixedBytes)
  const signed = data.subarray(0, reader.offset)

  const signatureData = new Reader(reader.take(reader.u32()))
  const signature = signatureData.take(64)
  const attestationKey = signatureData.take(64)
  // Versions 4 and 5 wrap the QE's part as certification data of its own.
  let qe = signatureData
  if (version !== 3) {
    if (signatureData.u16() !== CERT_TYPE_QE_REPORT) {
      throw malformed('certification data of an unknown type')
    }
    qe = new Reader(signatureData.take(signatureData.u32()))
  }
  const qeReportBytes = qe.take(QE_REPORT_BYTES)
  const qeReportSignature = qe.take(64)
  const qeAuthData = qe.take(qe.u16())
  const certificationType = qe.u16()
  const certification = qe.take(qe.u32())
  return {
    version,
    tee,
    qeVendorId,
    td: tee === 'tdx' ? parseTdReport(body) : null,
    enclave: tee === 'sgx' ? parseEnclaveReport(body) : null,
    signed,
    signature,
    attestationKey,
    qeReport: parseEnclaveReport(qeReportBytes),
    qeReportBytes,
    qeReportSignature,
    qeAuthData,
    pckChain: certificationType === CERT_TYPE_PCK_CHAIN ? certification : new Uint8Array()
  }
}

/** By the type that version 5 states: TDX 1.0, TDX 1.5, TDX 1.5 extended. */
const BODY_BYTES: Readonly<Record<number, number>> = Object.freeze({ 2: TD10_BYTES, 3: TD15_BYTES, 4: TD15EX_BYTES })

/** Version 5 states its body's type and size. */
function bodyBytesOf (reader: Reader): number {
  const expected = BODY_BYTES[reader.u16()]
  if (reader.u32() !== expected) {
    throw malformed('a quote body of an unknown type')
  }
  return expected
}

function parseTdReport (body: Uint8Array): TdReport {
  const reader = new Reader(body)
  return {
    teeTcbSvn: reader.take(16),
    mrSeam: reader.take(48),
    mrSignerSeam: reader.take(48),
    seamAttributes: reader.take(8),
    tdAttributes: reader.take(8),
    xfam: reader.take(8),
    mrTd: reader.take(48),
    mrConfigId: reader.take(48),
    mrOwner: reader.take(48),
    mrOwnerConfig: reader.take(48),
    rtmrs: [reader.take(48), reader.take(48), reader.take(48), reader.take(48)],
    reportData: reader.take(64),
    teeTcbSvn2: reader.left === 0 ? null : reader.take(16),
    mrServiceTd: reader.left === 0 ? null : reader.take(48),
    extension: reader.left === 0 ? null : parseExtension(reader)
  }
}

function parseExtension (reader: Reader): TdExtension {
  const vmId = reader.u8()
  const tdId = reader.take(32)
  const deviceInfo = reader.take(48)
  const initialServiceTd = reader.take(48)
  reader.take(8 + 16 + 16 + 12) // attributes of that service TD, CPU SVN, TEE TCB SVN and model at the TD's launch
  return { vmId, tdId, deviceInfo, initialServiceTd, currentServiceTd: reader.take(48) }
}

function parseEnclaveReport (body: Uint8Array): EnclaveReport {
  const reader = new Reader(body)
  const cpuSvn = reader.take(16)
  const miscSelect = reader.take(4)
  reader.take(28)
  const attributes = reader.take(16)
  const mrEnclave = reader.take(32)
  reader.take(32)
  const mrSigner = reader.take(32)
  reader.take(96)
  const isvProdId = reader.u16()
  const isvSvn = reader.u16()
  reader.take(60)
  return { cpuSvn, miscSelect, attributes, mrEnclave, mrSigner, isvProdId, isvSvn, reportData: reader.take(64) }
}

/** What the QE's report data must begin with the hash of: attestation key ‖ authentication data. */
export function qeBound (quote: Quote): Uint8Array {
  return concat(quote.attestationKey, quote.qeAuthData)
}
