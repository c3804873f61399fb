import { CocoonError, toHex } from '@cocoon-net/protocol'
import * as asn1js from 'asn1js'
import type { Certificate } from '../x509/certificate.ts'

/** Intel SGX PCK Certificate and CRL Profile, §1.3.5. */
const SGX_EXTENSION = '1.2.840.113741.1.13.1'
const OID = Object.freeze({ ppid: `${SGX_EXTENSION}.1`, tcb: `${SGX_EXTENSION}.2`, pceId: `${SGX_EXTENSION}.3`, fmspc: `${SGX_EXTENSION}.4` })
const TCB_COMPONENTS = 16

/** What a PCK certificate says about its platform. */
export interface PckPlatform {
  /** Hex: names the processor. */
  readonly ppid: string
  /** Upper-case hex, as TCB info writes them. */
  readonly fmspc: string
  readonly pceId: string
  readonly cpuSvns: readonly number[]
  readonly pceSvn: number
}

function malformed (cause?: unknown): CocoonError {
  return new CocoonError('evidence_malformed', 'the PCK certificate\'s SGX extension cannot be parsed', { cause })
}

/** The pairs [object identifier, value] of a sequence of pairs. */
function pairs (block: unknown): Map<string, unknown> {
  if (!(block instanceof asn1js.Sequence)) {
    throw malformed()
  }
  const out = new Map<string, unknown>()
  for (const item of block.valueBlock.value) {
    if (!(item instanceof asn1js.Sequence)) {
      throw malformed()
    }
    const [id, value] = item.valueBlock.value
    if (!(id instanceof asn1js.ObjectIdentifier) || out.has(id.valueBlock.toString())) {
      throw malformed()
    }
    out.set(id.valueBlock.toString(), value)
  }
  return out
}

function octets (value: unknown): string {
  if (!(value instanceof asn1js.OctetString)) {
    throw malformed()
  }
  return toHex(value.valueBlock.valueHexView).toUpperCase()
}

function integer (value: unknown): number {
  if (!(value instanceof asn1js.Integer)) {
    throw malformed()
  }
  return value.valueBlock.valueDec
}

const platforms = new WeakMap<Certificate, PckPlatform>()

/** @throws {CocoonError} evidence_malformed */
export function pckPlatformOf (certificate: Certificate): PckPlatform {
  let platform = platforms.get(certificate)
  if (platform == null) {
    platform = parsePlatform(certificate)
    platforms.set(certificate, platform)
  }
  return platform
}

function parsePlatform (certificate: Certificate): PckPlatform {
  const extension = certificate.extensions.get(SGX_EXTENSION)
  if (extension == null) {
    throw malformed()
  }
  try {
    const top = pairs(asn1js.fromBER(extension).result)
    const tcb = pairs(top.get(OID.tcb))
    return {
      ppid: octets(top.get(OID.ppid)),
      fmspc: octets(top.get(OID.fmspc)),
      pceId: octets(top.get(OID.pceId)),
      cpuSvns: Array.from({ length: TCB_COMPONENTS }, (_, i) => integer(tcb.get(`${OID.tcb}.${i + 1}`))),
      pceSvn: integer(tcb.get(`${OID.tcb}.${TCB_COMPONENTS + 1}`))
    }
  } catch (error) {
    throw malformed(error)
  }
}
