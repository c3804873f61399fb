import { CocoonError, fromHex, utf8 } from '@cocoon-net/protocol'
import { z } from 'zod'
import { verifyEcdsa } from '../crypto.ts'
import { chainFault } from '../x509/certificate.ts'
import { parseCrl } from '../x509/crl.ts'
import { parsePemOrDer } from '../x509/pem.ts'
import type { Certificate } from '../x509/certificate.ts'
import type { Crl } from '../x509/crl.ts'

/** The real ones have 19 kB. */
const MAX_COLLATERAL_BYTES = 262_144
const TCB_SIGNER = 'Intel SGX TCB Signing'

const hex = z.string().max(16_384 * 4).regex(/^([0-9a-fA-F]{2})*$/)
const pem = z.string().max(16_384)

/** Intel's collateral as one JSON object: DER as hex, the signed JSON verbatim as text. */
const bundleSchema = z.object({
  pck_crl_issuer_chain: pem,
  root_ca_crl: hex,
  pck_crl: hex,
  tcb_info_issuer_chain: pem,
  tcb_info: z.string().max(131_072),
  tcb_info_signature: hex.length(128),
  qe_identity_issuer_chain: pem,
  qe_identity: z.string().max(32_768),
  qe_identity_signature: hex.length(128)
})

const date = z.string().max(32).transform((text, context) => {
  const ms = Date.parse(text)
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) || Number.isNaN(ms)) {
    context.addIssue({ code: 'custom', message: 'not a UTC time' })
    return z.NEVER
  }
  return ms
})

export const TCB_STATUSES = Object.freeze([
  'UpToDate', 'SWHardeningNeeded', 'ConfigurationNeeded', 'ConfigurationAndSWHardeningNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded', 'Revoked'
] as const)
export type TcbStatus = typeof TCB_STATUSES[number]

const svn = z.int().min(0).max(255)
const svn16 = z.int().min(0).max(65_535)
const levelParts = { tcbDate: date, tcbStatus: z.enum(TCB_STATUSES), advisoryIDs: z.array(z.string().max(64)).max(256).default([]) }
const components = z.array(z.object({ svn })).length(16)
const isvLevels = z.array(z.object({ tcb: z.object({ isvsvn: svn16 }), ...levelParts })).max(64)
const upperHex = (bytes: number): z.ZodPipe<z.ZodString, z.ZodTransform<string, string>> => z.string().regex(new RegExp(`^[0-9a-fA-F]{${bytes * 2}}$`)).transform(text => text.toUpperCase())

/** Intel TCB info of version 3, for SGX and TDX. */
const tcbInfoSchema = z.object({
  id: z.enum(['SGX', 'TDX']),
  version: z.literal(3),
  issueDate: date,
  nextUpdate: date,
  fmspc: upperHex(6),
  pceId: upperHex(2),
  tcbType: z.literal(0),
  tcbEvaluationDataNumber: z.int().min(0),
  tdxModule: z.object({ mrsigner: upperHex(48), attributes: upperHex(8), attributesMask: upperHex(8) }).optional(),
  tdxModuleIdentities: z.array(z.object({
    id: z.string().max(16),
    mrsigner: upperHex(48),
    attributes: upperHex(8),
    attributesMask: upperHex(8),
    tcbLevels: isvLevels
  })).max(32).default([]),
  tcbLevels: z.array(z.object({
    tcb: z.object({ sgxtcbcomponents: components, pcesvn: svn16, tdxtcbcomponents: components.optional() }),
    ...levelParts
  })).max(256)
})

/** The quoting enclave's identity, version 2. */
const qeIdentitySchema = z.object({
  id: z.enum(['QE', 'TD_QE']),
  version: z.literal(2),
  issueDate: date,
  nextUpdate: date,
  tcbEvaluationDataNumber: z.int().min(0),
  miscselect: upperHex(4),
  miscselectMask: upperHex(4),
  attributes: upperHex(16),
  attributesMask: upperHex(16),
  mrsigner: upperHex(32),
  isvprodid: svn16,
  tcbLevels: isvLevels
})

export type TcbInfo = z.infer<typeof tcbInfoSchema>
export type QeIdentity = z.infer<typeof qeIdentitySchema>

interface SignedJson<T> { readonly text: string, readonly signature: Uint8Array, readonly chain: readonly Certificate[], readonly schema: z.ZodType<T> }

/** Collateral as it came: parsed on the outside, the signed JSON still unread. */
export interface Collateral {
  readonly pckCrlChain: readonly Certificate[]
  readonly rootCrl: Crl
  readonly pckCrl: Crl
  readonly tcbInfo: SignedJson<TcbInfo>
  readonly qeIdentity: SignedJson<QeIdentity>
}

function malformed (message: string, cause?: unknown): CocoonError {
  return new CocoonError('evidence_malformed', message, { cause })
}

/** @throws {CocoonError} evidence_malformed */
export function parseCollateral (data: Uint8Array): Collateral {
  if (data.byteLength > MAX_COLLATERAL_BYTES) {
    throw malformed('the collateral is too large')
  }
  let bundle: z.infer<typeof bundleSchema>
  try {
    bundle = bundleSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data)))
  } catch (error) {
    throw malformed('the collateral is not of the known shape', error)
  }
  const chain = (text: string): readonly Certificate[] => parsePemOrDer(utf8(text)).certificates
  return {
    pckCrlChain: chain(bundle.pck_crl_issuer_chain),
    rootCrl: parseCrl(fromHex(bundle.root_ca_crl)),
    pckCrl: parseCrl(fromHex(bundle.pck_crl)),
    tcbInfo: { text: bundle.tcb_info, signature: fromHex(bundle.tcb_info_signature), chain: chain(bundle.tcb_info_issuer_chain), schema: tcbInfoSchema },
    qeIdentity: { text: bundle.qe_identity, signature: fromHex(bundle.qe_identity_signature), chain: chain(bundle.qe_identity_issuer_chain), schema: qeIdentitySchema }
  }
}

/**
 * Reads signed JSON once its signer is known to be Intel's TCB signer: the signature covers the bytes as they stand, so
 * nothing is parsed before it holds.
 *
 * @throws {CocoonError} evidence_refused, evidence_malformed
 */
export function openSignedJson<T extends { readonly issueDate: number, readonly nextUpdate: number }> (signed: SignedJson<T>, what: string, rootSpkiHashes: readonly string[], atMs: number): T {
  const fault = chainFault(signed.chain, rootSpkiHashes, atMs)
  if (fault != null) {
    throw new CocoonError('evidence_refused', `${what}: ${fault}`)
  }
  const [signer] = signed.chain
  // The role, not only the chain: a PCK certificate leads to the same root.
  if (signed.chain.length !== 2 || signer.isCa || signer.commonName !== TCB_SIGNER) {
    throw new CocoonError('evidence_refused', `${what} is not signed by Intel's TCB signer`)
  }
  if (!verifyEcdsa(signer.publicKey, utf8(signed.text), signed.signature, 'raw')) {
    throw new CocoonError('bad_signature', `the signature of ${what} does not verify`)
  }
  let value: T
  try {
    value = signed.schema.parse(JSON.parse(signed.text))
  } catch (error) {
    throw malformed(`${what} is not of the known shape`, error)
  }
  if (atMs < value.issueDate || atMs > value.nextUpdate) {
    throw new CocoonError('collateral_missing', `${what} is out of date`)
  }
  return value
}
