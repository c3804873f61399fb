import { toHex, utf8 } from '@cocoon-net/protocol'
import { decodeTcb, looksLikeSnpReport, parseSnpReport } from './amd/snp-report.ts'
import { pckPlatformOf } from './intel/pck.ts'
import { looksLikeQuote, parseQuote } from './intel/quote.ts'
import { memberText } from './material/member-text.ts'
import { nvidiaNeeds } from './nvidia/nvidia-needs.ts'
import { chainFrom, leavesOf } from './x509/build-chain.ts'
import { parsePemOrDer } from './x509/pem.ts'
import type { SnpTcb } from './amd/snp-report.ts'
import type { NvidiaNeeds } from './nvidia/nvidia-needs.ts'
import type { AmdProduct } from './roots.ts'

/** What Intel publishes for the platform of a quote. */
export interface IntelNeeds {
  readonly vendor: 'intel'
  /** Names the collateral: equal for all machines that share it. */
  readonly subject: string
  readonly tee: 'tdx' | 'sgx'
  /** Upper-case hex, 6 bytes. */
  readonly fmspc: string
  readonly ca: 'platform' | 'processor'
}

/** What AMD publishes for the chip of a report. */
export interface AmdNeeds {
  readonly vendor: 'amd'
  readonly subject: string
  readonly product: AmdProduct
  readonly key: 'vcek' | 'vlek'
  /** Lower-case hex; 64 bytes, 8 on Turin. */
  readonly chipId: string
  readonly tcb: SnpTcb
}

export type CollateralNeeds = IntelNeeds | AmdNeeds | NvidiaNeeds

const TURIN_CHIP_BYTES = 8

/** What to ask a vendor for, by what evidence (of a GPU: as it travels beside a binding) says of itself: a hint, for nothing of it is verified. Null when it cannot be told. */
export function collateralNeeds (evidence: Uint8Array): CollateralNeeds | null {
  try {
    const tee = looksLikeQuote(evidence)
    if (tee != null) {
      return intelNeeds(tee, evidence)
    }
    return looksLikeSnpReport(evidence) ? amdNeeds(evidence) : nvidiaNeeds(evidence)
  } catch {
    return null
  }
}

function intelNeeds (tee: 'tdx' | 'sgx', evidence: Uint8Array): IntelNeeds {
  const { certificates } = parsePemOrDer(parseQuote(evidence).pckChain)
  const [leaf, issuer] = chainFrom(leavesOf(certificates)[0], certificates)
  const { fmspc } = pckPlatformOf(leaf)
  const ca = issuer.commonName.includes('Processor') ? 'processor' : 'platform'
  return { vendor: 'intel', subject: `intel/${tee}/${fmspc}/${ca}`, tee, fmspc, ca }
}

function amdNeeds (evidence: Uint8Array): AmdNeeds | null {
  const { product, signingKey: key, chipId: chip, reportedTcb } = parseSnpReport(evidence)
  // Reports of version 2 do not name their product, and hosts may hide the chip: then only the host itself can give the key.
  if (product == null || product === 'unknown' || key === 'unknown' || (key === 'vcek' && chip.every(byte => byte === 0))) {
    return null
  }
  const tcb = decodeTcb(reportedTcb, product)
  const chipId = toHex(product === 'Turin' ? chip.subarray(0, TURIN_CHIP_BYTES) : chip)
  const subject = key === 'vlek' ? `amd/vlek/${product}` : `amd/vcek/${product}/${chipId}/${toHex(reportedTcb)}`
  return { vendor: 'amd', subject, product, key, chipId, tcb }
}

/** Answers of Intel's certification service; chains as PEM, lists as DER, bodies as text. */
export interface IntelAnswers {
  readonly tcbInfo: string
  readonly tcbInfoChain: string
  readonly qeIdentity: string
  readonly qeIdentityChain: string
  readonly pckCrl: Uint8Array
  readonly pckCrlChain: string
  readonly rootCrl: Uint8Array
}

/**
 * One object of the shape that `verifyEvidence` takes, with the signed texts as they stand in the answers. Null when an
 * answer does not hold what it should.
 */
export function intelCollateral (answers: IntelAnswers): Uint8Array | null {
  const signed = (text: string, name: string): { text: string, signature: string } | null => {
    try {
      const { signature } = JSON.parse(text) as { signature?: unknown }
      const member = memberText(text, name)
      return member == null || typeof signature !== 'string' ? null : { text: member, signature }
    } catch {
      return null
    }
  }
  const tcbInfo = signed(answers.tcbInfo, 'tcbInfo')
  const qeIdentity = signed(answers.qeIdentity, 'enclaveIdentity')
  if (tcbInfo == null || qeIdentity == null) {
    return null
  }
  return utf8(JSON.stringify({
    pck_crl_issuer_chain: answers.pckCrlChain,
    root_ca_crl: toHex(answers.rootCrl),
    pck_crl: toHex(answers.pckCrl),
    tcb_info_issuer_chain: answers.tcbInfoChain,
    tcb_info: tcbInfo.text,
    tcb_info_signature: tcbInfo.signature,
    qe_identity_issuer_chain: answers.qeIdentityChain,
    qe_identity: qeIdentity.text,
    qe_identity_signature: qeIdentity.signature
  }))
}
