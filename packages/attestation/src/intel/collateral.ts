import { CocoonError, asCocoonError, toHex, utf8 } from '@cocoon-net/protocol'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import { verifyEcdsa } from '../crypto.ts'
import { deepFreeze } from '../deep-freeze.ts'
import { chainFrom, leavesOf } from '../x509/build-chain.ts'
import { chainFault } from '../x509/certificate.ts'
import type { Material, SignedText } from '../material/collector.ts'
import type { Certificate } from '../x509/certificate.ts'

const TCB_SIGNER = 'Intel SGX TCB Signing'

const date = z.string().max(32).transform((text, context) => {
  const ms = Date.parse(text)
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) || Number.isNaN(ms)) {
    context.addIssue({ code: 'custom', message: 'not a UTC time' })
    return z.NEVER
  }
  return ms
})

/** Intel's, from the best to the worst. */
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

/** Signed JSON whose signer is Intel's, with the certificates that say so. */
export interface Opened<T> {
  readonly value: T
  readonly chain: readonly Certificate[]
  /** When another one that came along begins to hold, unix milliseconds; Infinity when none does. */
  readonly nextMs: number
}

interface Dated { readonly issueDate: number, readonly nextUpdate: number, readonly tcbEvaluationDataNumber: number }

export interface OpenInit<T extends Dated> {
  readonly material: Material
  readonly rootSpkiHashes: readonly string[]
  readonly atMs: number
  /** Why this one is not for the evidence at hand, or null. */
  misfit (value: T): string | null
}

/** @throws {CocoonError} evidence_refused, evidence_malformed, bad_signature, collateral_missing */
export function openTcbInfo (init: OpenInit<TcbInfo>): Opened<TcbInfo> {
  return openNewest('TCB info', init.material.tcbInfos, tcbInfoSchema, init)
}

/** @throws {CocoonError} evidence_refused, evidence_malformed, bad_signature, collateral_missing */
export function openQeIdentity (init: OpenInit<QeIdentity>): Opened<QeIdentity> {
  return openNewest('QE identity', init.material.qeIdentities, qeIdentitySchema, init)
}

/** The newest that is authentic and fits, so that nobody rolls back by adding an older one; it must be in date. */
function openNewest<T extends Dated> (what: string, candidates: readonly SignedText[], schema: z.ZodType<T>, init: OpenInit<T>): Opened<T> {
  let fault: CocoonError | null = null
  let newest: Omit<Opened<T>, 'nextMs'> | null = null
  let nextMs = Infinity
  for (const candidate of candidates) {
    try {
      const opened = open(what, candidate, schema, init)
      const misfit = init.misfit(opened.value)
      if (misfit != null) {
        throw new CocoonError('evidence_refused', misfit)
      }
      if (opened.value.issueDate > init.atMs) {
        nextMs = Math.min(nextMs, opened.value.issueDate)
      }
      if (newest == null || isNewer(opened.value, newest.value, init.atMs)) {
        newest = opened
      }
    } catch (error) {
      fault ??= asCocoonError(error, 'evidence_malformed')
    }
  }
  if (newest == null) {
    throw fault ?? new CocoonError('collateral_missing', `no ${what}`)
  }
  if (init.atMs < newest.value.issueDate || init.atMs > newest.value.nextUpdate) {
    throw new CocoonError('collateral_missing', `${what} is out of date`)
  }
  return { ...newest, nextMs }
}

function isNewer (a: Dated, b: Dated, atMs: number): boolean {
  // One of the future is no newer one: at `atMs` it was not there yet.
  const [begunA, begunB] = [a.issueDate <= atMs, b.issueDate <= atMs]
  if (begunA !== begunB) {
    return begunA
  }
  return a.tcbEvaluationDataNumber === b.tcbEvaluationDataNumber
    ? a.issueDate > b.issueDate
    : a.tcbEvaluationDataNumber > b.tcbEvaluationDataNumber
}

/**
 * Reads signed JSON once its signer is known to be Intel's TCB signer: the signature covers the bytes as they stand, so
 * nothing is parsed before it holds.
 */
function open<T extends Dated> (what: string, signed: SignedText, schema: z.ZodType<T>, init: OpenInit<T>): Omit<Opened<T>, 'nextMs'> {
  const chain = signerChain(signed, init.material.certificates)
  if (chain.length === 0) {
    throw new CocoonError('collateral_missing', `the certificate of the signer of ${what} is missing`)
  }
  const fault = chainFault(chain, init.rootSpkiHashes, init.atMs)
  if (fault != null) {
    throw new CocoonError('evidence_refused', `${what}: ${fault}`)
  }
  const [signer] = chain
  // The role, not only the chain: a PCK certificate leads to the same root.
  if (chain.length !== 2 || signer.isCa || signer.commonName !== TCB_SIGNER) {
    throw new CocoonError('evidence_refused', `${what} is not signed by Intel's TCB signer`)
  }
  return { value: readSigned(what, signed, signer, schema), chain }
}

// The same for all machines of one kind, and each a hundred times the size of what is particular to one. What is cached
// is what the text says and that this key signed it, which never changes; whether it holds now is judged each time.
const opened = new LRUCache<string, object>({ max: 64, maxSize: 4 * 1_024 * 1_024, sizeCalculation: (_value, key) => key.length })

/** @throws {CocoonError} bad_signature, evidence_malformed */
function readSigned<T> (what: string, { text, signature }: SignedText, signer: Certificate, schema: z.ZodType<T>): T {
  const key = `${what} ${signer.spkiHash} ${toHex(signature)} ${text}`
  const known = opened.get(key) as T | undefined
  if (known !== undefined) {
    return known
  }
  if (!verifyEcdsa(signer.publicKey, utf8(text), signature, 'raw')) {
    throw new CocoonError('bad_signature', `the signature of ${what} does not verify`)
  }
  try {
    const value = deepFreeze(schema.parse(JSON.parse(text)))
    opened.set(key, value as object)
    return value
  } catch (error) {
    throw new CocoonError('evidence_malformed', `${what} is not of the known shape`, { cause: error })
  }
}

/** What came with the text, or else what lies beside it. */
function signerChain (signed: SignedText, pool: readonly Certificate[]): readonly Certificate[] {
  return signed.issuers.length > 0
    ? chainFrom(leavesOf(signed.issuers)[0], signed.issuers)
    : chainFrom(pool.find(certificate => certificate.commonName === TCB_SIGNER), pool)
}
