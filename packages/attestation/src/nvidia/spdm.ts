import { CocoonError, toHex } from '@cocoon-net/protocol'
import { Reader } from '../reader.ts'

/** A Hopper transcript has 4,117 bytes. */
export const MAX_TRANSCRIPT_BYTES = 16_384
/** DSP0274 1.1, GET_MEASUREMENTS with a signature: header of 4 bytes, nonce, slot. */
const REQUEST_BYTES = 37
const SPDM_1_1 = 0x11
const GET_MEASUREMENTS = 0xe0
const MEASUREMENTS = 0x60
const SIGNATURE_REQUESTED = 0x01
const ALL_MEASUREMENTS = 0xff
const DMTF = 0x01
/** ECDSA P-384: r ‖ s. */
const SIGNATURE_BYTES = 96

/** NVIDIA's own fields in the opaque data that this verifier reads. */
const OPAQUE = Object.freeze({ driverVersion: 3, vbiosVersion: 6, nvdec0Status: 11, chipSku: 15, project: 17, projectSku: 18, firmwareId: 20 })
const VBIOS_BYTES = 8
/** The video decoder's firmware is measured only where it is in use. */
const NVDEC0_DISABLED = 0x55

/** A GET_MEASUREMENTS transcript of a Hopper GPU. Parsed, not verified. */
export interface SpdmTranscript {
  readonly nonce: Uint8Array
  /** By index, hex of each measurement's value. */
  readonly measurements: ReadonlyMap<number, string>
  readonly driverVersion: string
  /** Such as `96.00.9F.00.01`; empty when the device gives none. */
  readonly vbiosVersion: string
  /** Of the board: parts of the name of its VBIOS' manifest. */
  readonly board: { readonly project: string, readonly projectSku: string, readonly chipSku: string }
  /** Of the firmware that signs, as its certificate has it; null when the device gives none. */
  readonly firmwareId: Uint8Array | null
  readonly isNvdecDisabled: boolean
  /** Request and response without the signature. */
  readonly signed: Uint8Array
  readonly signature: Uint8Array
}

function malformed (message: string): CocoonError {
  return new CocoonError('evidence_malformed', message)
}

/** Whether the bytes begin with a signed request for all measurements and its response. */
export function looksLikeSpdm (data: Uint8Array): boolean {
  return data.byteLength > REQUEST_BYTES + 8 + SIGNATURE_BYTES && data[0] === SPDM_1_1 && data[1] === GET_MEASUREMENTS &&
    data[REQUEST_BYTES] === SPDM_1_1 && data[REQUEST_BYTES + 1] === MEASUREMENTS
}

/**
 * DSP0274 1.1.0 §10.11.
 *
 * @throws {CocoonError} evidence_malformed
 */
export function parseSpdm (data: Uint8Array): SpdmTranscript {
  if (data.byteLength > MAX_TRANSCRIPT_BYTES || !looksLikeSpdm(data)) {
    throw malformed('not an SPDM 1.1 measurement transcript')
  }
  if (data[2] !== SIGNATURE_REQUESTED || data[3] !== ALL_MEASUREMENTS) {
    throw malformed('the request is not for all measurements, signed')
  }
  const reader = new Reader(data)
  reader.take(4)
  const nonce = reader.take(32)
  reader.take(1 + 4) // slot, response header
  const blocks = reader.u8()
  const recordBytes = reader.u16() | (reader.u8() << 16)
  const measurements = parseBlocks(new Reader(reader.take(recordBytes)), blocks)
  reader.take(32) // the responder's nonce
  const opaque = parseOpaque(new Reader(reader.take(reader.u16())))
  const signed = data.subarray(0, reader.offset)
  const signature = reader.take(SIGNATURE_BYTES)
  if (reader.left !== 0) {
    throw malformed('bytes after the signature')
  }
  const text = (type: number): string => new TextDecoder().decode(opaque.get(type) ?? new Uint8Array()).replace(/\0+$/, '')
  return {
    nonce,
    measurements,
    driverVersion: text(OPAQUE.driverVersion),
    vbiosVersion: vbiosVersionOf(opaque.get(OPAQUE.vbiosVersion)),
    board: { project: text(OPAQUE.project), projectSku: text(OPAQUE.projectSku), chipSku: text(OPAQUE.chipSku) },
    firmwareId: opaque.get(OPAQUE.firmwareId) ?? null,
    isNvdecDisabled: opaque.get(OPAQUE.nvdec0Status)?.[0] === NVDEC0_DISABLED,
    signed,
    signature
  }
}

/** Two little-endian words: of the first all four bytes, of the second the lowest, as manifests write versions. */
function vbiosVersionOf (bytes: Uint8Array | undefined): string {
  if (bytes?.byteLength !== VBIOS_BYTES) {
    return ''
  }
  return [bytes[3], bytes[2], bytes[1], bytes[0], bytes[4]].map(byte => byte.toString(16).padStart(2, '0').toUpperCase()).join('.')
}

function parseBlocks (reader: Reader, count: number): Map<number, string> {
  const out = new Map<number, string>()
  for (let i = 0; i < count; i++) {
    const index = reader.u8()
    if (reader.u8() !== DMTF || out.has(index)) {
      throw malformed('a measurement block is of an unknown kind or stands twice')
    }
    const block = new Reader(reader.take(reader.u16()))
    block.u8() // type: digest or raw, of which component
    out.set(index, toHex(block.take(block.u16())))
  }
  if (reader.left !== 0) {
    throw malformed('bytes after the measurements')
  }
  return out
}

function parseOpaque (reader: Reader): Map<number, Uint8Array> {
  const out = new Map<number, Uint8Array>()
  while (reader.left > 0) {
    const type = reader.u16()
    const value = reader.take(reader.u16())
    if (out.has(type)) {
      throw malformed('a field of the opaque data stands twice')
    }
    out.set(type, value)
  }
  return out
}
