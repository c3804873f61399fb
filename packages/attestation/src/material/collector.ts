import { asCocoonError } from '@cocoon-net/protocol'
import type { Certificate } from '../x509/certificate.ts'
import type { Crl } from '../x509/crl.ts'
import type { OcspResponse } from '../x509/ocsp.ts'
import type { PemContents } from '../x509/pem.ts'

/** Certificates and lists together: room for all of AMD's and Intel's issuers and the keys of many machines. */
const MAX_PARSED = 96

/** JSON that Intel signed: the text exactly as it was signed, still unread. */
export interface SignedText {
  readonly text: string
  readonly signature: Uint8Array
  /** The certificates that came with it; empty when they lie in files of their own. */
  readonly issuers: readonly Certificate[]
}

/** A revocation list, with what the place where it stood says of it. */
export interface PlacedCrl {
  readonly crl: Crl
  /** Whose list it was given as; null where nothing was said. */
  readonly role: 'root' | 'pckCa' | null
  /** The issuer's chain, where one came with it. */
  readonly issuers: readonly Certificate[] | null
}

/** A manifest of known-good digests as it came, still unread. */
export interface ManifestFile {
  /** What it says that it is of: a hint, as long as it is not verified. */
  readonly version: string
  readonly data: Uint8Array
}

/** What cannot be used, and the check that it leaves without a base. */
export interface MaterialFault { readonly part: 'chain' | 'revocation' | 'tcb', readonly message: string }

/** Certificates, lists and collateral from everywhere, parsed on the outside, nothing of it trusted yet. */
export interface Material {
  readonly certificates: readonly Certificate[]
  readonly crls: readonly PlacedCrl[]
  readonly tcbInfos: readonly SignedText[]
  readonly qeIdentities: readonly SignedText[]
  readonly manifests: readonly ManifestFile[]
  readonly ocspResponses: readonly OcspResponse[]
  readonly faults: readonly MaterialFault[]
  /** Whether any file came at all. */
  readonly given: boolean
}

/** Gathers what files hold, and the faults found on the way. */
export class Collector {
  readonly certificates: Certificate[] = []
  readonly crls: PlacedCrl[] = []
  readonly tcbInfos: SignedText[] = []
  readonly qeIdentities: SignedText[] = []
  readonly manifests: ManifestFile[] = []
  readonly ocspResponses: OcspResponse[] = []
  readonly faults: MaterialFault[] = []

  fault (part: MaterialFault['part'], message: string): void {
    this.faults.push({ part, message })
  }

  /** Runs a step whose failure is a fault of one part. */
  part (part: MaterialFault['part'], what: string, step: () => void): void {
    try {
      step()
    } catch (error) {
      this.fault(part, `${what}: ${asCocoonError(error, 'evidence_malformed').message}`)
    }
  }

  /** @throws {RangeError} when that is too much */
  add (contents: PemContents): void {
    const { certificates, crls } = contents
    if (this.certificates.length + this.crls.length + certificates.length + crls.length > MAX_PARSED) {
      throw new RangeError('too many certificates and lists')
    }
    this.certificates.push(...certificates)
    this.crls.push(...crls.map(crl => ({ crl, role: null, issuers: null })))
  }
}
