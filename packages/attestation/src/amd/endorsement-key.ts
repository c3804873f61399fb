import { CocoonError } from '@cocoon-net/protocol'
import * as asn1js from 'asn1js'
import type { SnpTcb } from './snp-report.ts'
import type { AmdProduct } from '../roots.ts'
import type { Certificate } from '../x509/certificate.ts'

/** Versioned Chip Endorsement Key Certificate and KDS Interface Specification (AMD 57230), table 8. */
const AMD = '1.3.6.1.4.1.3704.1'
const OID = Object.freeze({
  productName: `${AMD}.2`,
  bootLoader: `${AMD}.3.1`,
  tee: `${AMD}.3.2`,
  snp: `${AMD}.3.3`,
  microcode: `${AMD}.3.8`,
  fmc: `${AMD}.3.9`,
  hardwareId: `${AMD}.4`,
  cspId: `${AMD}.5`
})

/** What a VCEK or VLEK certificate says. */
export interface EndorsementKey {
  readonly productName: string
  readonly tcb: SnpTcb
  /** Of a VCEK: the chip. Null in a VLEK. */
  readonly hardwareId: Uint8Array | null
  /** Of a VLEK: the cloud. Null in a VCEK. */
  readonly cspId: string | null
}

function malformed (cause?: unknown): CocoonError {
  return new CocoonError('evidence_malformed', 'the endorsement key\'s extensions cannot be parsed', { cause })
}

function level (certificate: Certificate, id: string, required: boolean): number {
  const extension = certificate.extensions.get(id)
  if (extension == null) {
    if (required) {
      throw malformed()
    }
    return 0
  }
  const { result } = asn1js.fromBER(extension)
  if (!(result instanceof asn1js.Integer) || result.valueBlock.valueDec < 0 || result.valueBlock.valueDec > 255) {
    throw malformed()
  }
  return result.valueBlock.valueDec
}

function ia5 (certificate: Certificate, id: string): string | null {
  const extension = certificate.extensions.get(id)
  if (extension == null) {
    return null
  }
  const { result } = asn1js.fromBER(extension)
  if (!(result instanceof asn1js.IA5String)) {
    throw malformed()
  }
  return result.valueBlock.value
}

const OCTET_STRING = 0x04

/** The chip: 64 bytes, eight on Turin; bare, or as an octet string. */
function hardwareId (certificate: Certificate, product: AmdProduct): Uint8Array | null {
  const extension = certificate.extensions.get(OID.hardwareId)
  if (extension == null) {
    return null
  }
  const size = product === 'Turin' ? 8 : 64
  const wrapped = extension.byteLength === size + 2 && extension[0] === OCTET_STRING && extension[1] === size
  const id = wrapped ? extension.subarray(2) : extension
  if (id.byteLength !== size) {
    throw malformed()
  }
  return id
}

/** @throws {CocoonError} evidence_malformed */
export function endorsementKeyOf (certificate: Certificate, product: AmdProduct): EndorsementKey {
  try {
    return {
      productName: ia5(certificate, OID.productName) ?? '',
      tcb: {
        fmc: level(certificate, OID.fmc, product === 'Turin'),
        bootLoader: level(certificate, OID.bootLoader, true),
        tee: level(certificate, OID.tee, true),
        snp: level(certificate, OID.snp, true),
        microcode: level(certificate, OID.microcode, true)
      },
      hardwareId: hardwareId(certificate, product),
      cspId: ia5(certificate, OID.cspId)
    }
  } catch (error) {
    throw malformed(error)
  }
}
