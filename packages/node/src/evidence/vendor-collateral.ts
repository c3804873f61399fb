import { intelCollateral, manifestOcspRequests, nvidiaCollateral } from '@cocoon-net/attestation'
import { asCocoonError, CocoonError, utf8 } from '@cocoon-net/protocol'
import { MAX_COLLATERAL_BYTES, VENDOR_TIMEOUT_MS } from './constants.ts'
import { toPem } from './pem.ts'
import type { AmdNeeds, CollateralNeeds, IntelNeeds, NvidiaNeeds } from '@cocoon-net/attestation'

/** Where the vendors publish; a cache of one's own speaks the same. */
export interface VendorUrls {
  /** Intel's provisioning certification service, API v4. */
  readonly intel: string
  /** Intel's root revocation list. */
  readonly intelRootCrl: string
  /** AMD's key distribution service. */
  readonly amd: string
  /** NVIDIA's service of manifests, API v1. */
  readonly nvidiaManifests: string
  /** NVIDIA's OCSP responder. */
  readonly nvidiaOcsp: string
}

export const VENDOR_URLS: VendorUrls = Object.freeze({
  intel: 'https://api.trustedservices.intel.com',
  intelRootCrl: 'https://certificates.trustedservices.intel.com/IntelSGXRootCA.der',
  amd: 'https://kdsintf.amd.com',
  nvidiaManifests: 'https://rim.attestation.nvidia.com',
  nvidiaOcsp: 'https://ocsp.ndis.nvidia.com'
})

export interface VendorInit {
  readonly urls?: Partial<VendorUrls>
  readonly fetch?: typeof globalThis.fetch
  readonly timeoutMs?: number
}

interface Answer { readonly body: Uint8Array, readonly headers: Headers }

function missing (message: string, cause?: unknown): CocoonError {
  return new CocoonError('collateral_missing', message, { cause })
}

/** Reads at most as much as collateral may have. */
async function readBounded (response: Response, url: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.byteLength
    if (bytes > MAX_COLLATERAL_BYTES) {
      throw missing(`${url} answers with too much`)
    }
    parts.push(part)
  }
  return Uint8Array.from(Buffer.concat(parts))
}

/** Asks for a page, or for the answer to a question of a type. */
type Ask = (url: string, question?: { readonly type: string, readonly body: Uint8Array }) => Promise<Answer>

/** @throws {CocoonError} collateral_missing */
async function fetchOne (url: string, question: Parameters<Ask>[1], init: VendorInit, signal: AbortSignal): Promise<Answer> {
  try {
    const asking = question == null ? {} : { method: 'POST', body: Uint8Array.from(question.body), headers: { accept: '*/*', 'content-type': question.type } }
    const response = await (init.fetch ?? globalThis.fetch)(url, { signal, redirect: 'error', headers: { accept: '*/*' }, ...asking })
    if (!response.ok) {
      await response.body?.cancel()
      throw missing(`${url} answers ${response.status}`)
    }
    return { body: await readBounded(response, url), headers: response.headers }
  } catch (error) {
    throw error instanceof CocoonError ? error : missing(`${url}: ${asCocoonError(error).message}`, error)
  }
}

/** Chains come in a header, as percent-encoded PEM. */
function chainOf ({ headers }: Answer, ...names: string[]): string {
  for (const name of names) {
    const value = headers.get(name)
    if (value != null) {
      try {
        return decodeURIComponent(value)
      } catch (error) {
        throw missing(`${name} is not percent-encoded`, error)
      }
    }
  }
  throw missing(`no ${names[0]}`)
}

const text = ({ body }: Answer): string => new TextDecoder().decode(body)

/** Intel SGX and TDX Provisioning Certification Service, API v4. */
async function fetchIntel ({ tee, fmspc, ca }: IntelNeeds, urls: VendorUrls, ask: Ask): Promise<Uint8Array> {
  const [tcb, identity, pckCrl, rootCrl] = await Promise.all([
    ask(`${urls.intel}/${tee}/certification/v4/tcb?fmspc=${fmspc}`),
    ask(`${urls.intel}/${tee}/certification/v4/qe/identity`),
    ask(`${urls.intel}/sgx/certification/v4/pckcrl?ca=${ca}&encoding=der`),
    ask(urls.intelRootCrl)
  ])
  const collateral = intelCollateral({
    tcbInfo: text(tcb),
    tcbInfoChain: chainOf(tcb, 'TCB-Info-Issuer-Chain', 'SGX-TCB-Info-Issuer-Chain'),
    qeIdentity: text(identity),
    qeIdentityChain: chainOf(identity, 'SGX-Enclave-Identity-Issuer-Chain'),
    pckCrl: pckCrl.body,
    pckCrlChain: chainOf(pckCrl, 'SGX-PCK-CRL-Issuer-Chain'),
    rootCrl: rootCrl.body
  })
  if (collateral == null) {
    throw missing('the answers of Intel\'s service are of an unknown shape')
  }
  return collateral
}

/** Versioned Chip Endorsement Key Certificate and KDS Interface Specification (AMD 57230), §4. */
async function fetchAmd ({ product, key, chipId, tcb }: AmdNeeds, urls: VendorUrls, ask: Ask): Promise<Uint8Array> {
  const base = `${urls.amd}/${key}/v1/${product}`
  const levels = new URLSearchParams({
    ...(product === 'Turin' ? { fmcSPL: levelText(tcb.fmc) } : {}),
    blSPL: levelText(tcb.bootLoader),
    teeSPL: levelText(tcb.tee),
    snpSPL: levelText(tcb.snp),
    ucodeSPL: levelText(tcb.microcode)
  })
  const [chain, crl, own] = await Promise.all([
    ask(`${base}/cert_chain`),
    ask(`${base}/crl`),
    // A VLEK belongs to a cloud, which gives it to its guests itself.
    key === 'vcek' ? ask(`${base}/${chipId}?${levels.toString()}`) : null
  ])
  return utf8(`${own == null ? '' : toPem('CERTIFICATE', own.body)}${text(chain).trim()}\n${toPem('X509 CRL', crl.body)}`)
}

function levelText (level: number): string {
  return String(level).padStart(2, '0')
}

/** NVIDIA's manifests come as base64 in JSON: docs.nvidia.com/attestation, "RIM Guide". */
function manifestOf (answer: Answer): Uint8Array {
  try {
    const { rim } = JSON.parse(text(answer)) as { rim?: unknown }
    if (typeof rim === 'string' && rim.length > 0) {
      return Uint8Array.from(Buffer.from(rim, 'base64'))
    }
  } catch (error) {
    throw missing('NVIDIA\'s service does not answer with JSON', error)
  }
  throw missing('NVIDIA\'s service names no manifest')
}

/** Both manifests, and what the responder says of each certificate of the device and of the manifests (RFC 6960, appendix A). */
async function fetchNvidia ({ manifestIds, ocspRequests }: NvidiaNeeds, urls: VendorUrls, ask: Ask): Promise<Uint8Array> {
  const manifests = await Promise.all(manifestIds.map(async id => manifestOf(await ask(`${urls.nvidiaManifests}/v1/rim/${id}`))))
  const all = [...ocspRequests, ...manifests.flatMap(manifestRequests)]
  // Manifests have most of their issuers in common.
  const requests = new Map(all.map(body => [Buffer.from(body).toString('hex'), body]))
  const responses = await Promise.all([...requests.values()].map(async body => (await ask(urls.nvidiaOcsp, { type: 'application/ocsp-request', body })).body))
  return nvidiaCollateral(manifests, responses)
}

function manifestRequests (manifest: Uint8Array): Uint8Array[] {
  try {
    return manifestOcspRequests(manifest)
  } catch (error) {
    throw missing('NVIDIA\'s service answers with something that is no manifest', error)
  }
}

async function fetchNeeds (needs: CollateralNeeds, urls: VendorUrls, ask: Ask): Promise<Uint8Array> {
  switch (needs.vendor) {
    case 'intel':
      return fetchIntel(needs, urls, ask)
    case 'amd':
      return fetchAmd(needs, urls, ask)
    default:
      return fetchNvidia(needs, urls, ask)
  }
}

/**
 * What the vendor publishes now for this need, at most 64 KiB. Nothing of it is verified: whoever uses it verifies
 * evidence with it.
 *
 * @throws {CocoonError} collateral_missing
 */
export async function fetchCollateral (needs: CollateralNeeds, init: VendorInit, signal?: AbortSignal): Promise<Uint8Array> {
  const urls = { ...VENDOR_URLS, ...init.urls }
  const deadline = AbortSignal.timeout(init.timeoutMs ?? VENDOR_TIMEOUT_MS)
  const both = signal == null ? deadline : AbortSignal.any([deadline, signal])
  const ask: Ask = async (url, question) => fetchOne(url, question, init, both)
  const collateral = await fetchNeeds(needs, urls, ask)
  if (collateral.byteLength > MAX_COLLATERAL_BYTES) {
    throw missing('the collateral is larger than a frame holds')
  }
  return collateral
}
