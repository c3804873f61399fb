import { createGpuTestPlatform, createSnpTestPlatform, createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { CocoonError, concat, fromHex, utf8 } from '@cocoon-net/protocol'
import { readCertificateTable } from '../../src/amd/certificate-table.ts'
import { parseSnpReport } from '../../src/amd/snp-report.ts'
import { judgeGpu } from '../../src/gpu-evidence.ts'
import { decodeEvidence, encodeGpuEvidence, gpuDigestOf, parsePolicy, productionPolicy } from '../../src/index.ts'
import { parseQuote } from '../../src/intel/quote.ts'
import { readMaterial } from '../../src/material/read-material.ts'
import { parseRim } from '../../src/nvidia/rim.ts'
import { parseSpdm } from '../../src/nvidia/spdm.ts'
import { verifyEvidenceUnder } from '../../src/testing.ts'
import { parseCertificate } from '../../src/x509/certificate.ts'
import { parseCrl } from '../../src/x509/crl.ts'
import { parseOcsp } from '../../src/x509/ocsp.ts'
import { parsePemOrDer } from '../../src/x509/pem.ts'
import { bindingOf } from './samples.ts'
import type { TrustedRoots } from '../../src/testing.ts'

/** One parser with inputs that it takes. It may throw the package's own error with one of these codes, and nothing else. */
export interface FuzzTarget {
  readonly name: string
  readonly seeds: readonly Uint8Array[]
  readonly codes: readonly string[]
  run(data: Uint8Array): unknown
}

export interface Find {
  readonly target: string
  readonly data: Uint8Array
  readonly error: unknown
}

type Random = (below: number) => number

/** Mulberry32: the same sequence for the same seed. */
export function randomOf (seed: number): Random {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const AT_MS = Date.UTC(2026, 5, 1)

function derOf (pem: string): Uint8Array[] {
  return [...pem.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END/g)].map(match => new Uint8Array(Buffer.from(match[1], 'base64')))
}

function base64Of (bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** What a host gives with a report: endorsement key, its CA, the root, in this order. */
function certificateTable (ders: readonly Uint8Array[]): Uint8Array {
  const guids = ['63da758de6644564adc5f4b93be8accd', '4ab7b379bbac4fe4a02f05aef327c782', 'c0b406a4a803495297433fb6014cd0ae']
  let end = (ders.length + 1) * 24
  const heads = ders.map((der, i) => {
    end += der.byteLength
    return concat(fromHex(guids[i]), little(end - der.byteLength, 4), little(der.byteLength, 4))
  })
  return concat(...heads, new Uint8Array(24), ...ders)
}

/** A transcript of one measurement, unsigned: request, response, nonce, opaque data, signature. */
function transcript (): Uint8Array {
  const block = concat(Uint8Array.of(1, 1, 51, 0), Uint8Array.of(1, 48, 0), new Uint8Array(48).fill(7))
  const opaque = concat(Uint8Array.of(3, 0, 4, 0), utf8('550\0'), Uint8Array.of(6, 0, 2, 0, 9, 9))
  return concat(
    Uint8Array.of(0x11, 0xe0, 1, 0xff), new Uint8Array(33),
    Uint8Array.of(0x11, 0x60, 0, 0, 1, block.byteLength, 0, 0), block, new Uint8Array(32), Uint8Array.of(opaque.byteLength, 0), opaque, new Uint8Array(96).fill(1)
  )
}

/** Every parser that reads what a stranger sends, with seeds made under a private root. */
export function fuzzTargets (): FuzzTarget[] {
  const tdx = createTdxTestPlatform({ seed: new Uint8Array(32).fill(1), atMs: AT_MS })
  const snp = createSnpTestPlatform({ seed: new Uint8Array(32).fill(1), atMs: AT_MS })
  const gpu = createGpuTestPlatform({ seed: new Uint8Array(32).fill(1), atMs: AT_MS })
  const roots: TrustedRoots = {
    intel: [tdx.rootSpkiHash],
    amd: { Milan: [snp.rootSpkiHash], Genoa: [], Turin: [] },
    nvidia: [gpu.rootSpkiHash],
    nvidiaManifests: [gpu.manifestRootSpkiHash]
  }
  const reportData = new Uint8Array(64).fill(7)
  const quotes = [
    ...([4, 5] as const).map(version => tdx.quote(reportData, { version })),
    tdx.quote(reportData, { version: 5, td: { extension: new Uint8Array(237).fill(5) } })
  ]
  const report = snp.report(reportData)
  const collateral = tdx.collateral()
  const snpChain = snp.chain()
  const bundle = JSON.parse(new TextDecoder().decode(collateral)) as Record<string, string>
  const crls = [bundle.root_ca_crl, bundle.pck_crl].map(fromHex)
  const certificates = derOf(new TextDecoder('latin1').decode(quotes[0])).concat(derOf(new TextDecoder().decode(snpChain)))
  const service = utf8(`{"tcbInfo":${bundle.tcb_info},"signature":"${bundle.tcb_info_signature}"}`)
  const answers = utf8(JSON.stringify({ ...bundle, tcb_info: new TextDecoder().decode(service), tcb_info_signature: undefined, root_ca_crl: base64Of(crls[0]), pck_certificate_chain: bundle.pck_crl_issuer_chain }))
  const header = utf8(encodeURIComponent(bundle.tcb_info_issuer_chain))
  const table = certificateTable(derOf(new TextDecoder().decode(snpChain)))
  const spdm = gpu.transcript(new Uint8Array(32))
  const gpuFiles = [gpu.manifest('driver'), gpu.manifest('vbios'), ...gpu.ocsp()]
  const gpuBundle = gpu.collateral()
  const malformed = ['evidence_malformed']
  const verify = (evidence: Uint8Array, files: { collateral?: Uint8Array, chain?: Uint8Array[] }): unknown =>
    verifyEvidenceUnder(roots, { evidence, ...files, atMs: AT_MS, policy: productionPolicy })
  return [
    { name: 'quote', seeds: quotes, codes: malformed, run: parseQuote },
    { name: 'report', seeds: [report], codes: malformed, run: parseSnpReport },
    { name: 'spdm', seeds: [transcript(), spdm], codes: malformed, run: parseSpdm },
    { name: 'certificate', seeds: certificates, codes: malformed, run: parseCertificate },
    { name: 'crl', seeds: crls, codes: malformed, run: parseCrl },
    { name: 'ocsp', seeds: gpuFiles.slice(2), codes: malformed, run: parseOcsp },
    { name: 'manifest', seeds: gpuFiles.slice(0, 2), codes: malformed, run: parseRim },
    { name: 'pem', seeds: [snpChain, utf8(bundle.pck_crl_issuer_chain), header], codes: malformed, run: parsePemOrDer },
    { name: 'material', seeds: [collateral, answers, service, header, table, snpChain, utf8(bundle.pck_crl), ...crls, gpuBundle, ...gpuFiles], codes: [], run: data => readMaterial({ collateral: [data], chain: [data] }) },
    { name: 'text', seeds: [utf8(bundle.pck_crl), utf8(btoa(String.fromCharCode(...quotes[0])))], codes: malformed, run: decodeEvidence },
    { name: 'policy', seeds: [utf8(JSON.stringify(productionPolicy))], codes: ['policy_invalid'], run: data => parsePolicy(jsonOr(data)) },
    { name: 'gpu evidence', seeds: [encodeGpuEvidence({ v: 1, transcript: transcript(), chain: certificates.slice(0, 1) })], codes: [], run: data => judgeGpu({ ...bindingOf(), gpuDigest: gpuDigestOf(data) }, data, { policy: productionPolicy, atMs: AT_MS, roots }) },
    { name: 'verify TDX', seeds: quotes, codes: malformed, run: data => verify(data, { collateral }) },
    { name: 'certificate table', seeds: [table], codes: [], run: readCertificateTable },
    { name: 'verify TDX, its collateral', seeds: [collateral, answers, service], codes: [], run: data => verify(quotes[0], { collateral: data }) },
    { name: 'verify SNP', seeds: [report, concat(report, table)], codes: malformed, run: data => verify(data, { chain: [snpChain] }) },
    { name: 'verify SNP, its chain', seeds: [snpChain, table], codes: [], run: data => verify(report, { chain: [data] }) },
    { name: 'verify NVIDIA', seeds: [spdm], codes: malformed, run: data => verify(data, { chain: [...gpu.chain], collateral: gpuBundle }) },
    { name: 'verify NVIDIA, its collateral', seeds: [gpuBundle, ...gpuFiles], codes: [], run: data => verify(spdm, { chain: [...gpu.chain], collateral: data }) }
  ]
}

function jsonOr (data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(data))
  } catch {
    return null
  }
}

const EXTREMES = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff]
const TOKENS = ['<', '>', '/>', '</', '<!DOCTYPE a>', '<![CDATA[', 'xmlns:a="b"', '&#0;', '{', '}', '[', ']', '"', ',', ':', '\\', 'null', '-1', '1e999', '__proto__', '\u0000', '-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----', '-----BEGIN X509 CRL-----', '"svn":256', 'UpToDate', '9999-12-31T23:59:59Z']
/** DER tags worth trying in the place of another. */
const TAGS = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x17, 0x18, 0x30, 0x31, 0xa0, 0xa3, 0x24, 0x1f, 0xff]

/** Places in the data that look like DER tag and length, so that a change there keeps the rest readable. */
function derPlaces (data: Uint8Array): number[] {
  const places: number[] = []
  for (let i = 0; i + 2 < data.byteLength && places.length < 512; i++) {
    if (TAGS.includes(data[i]) && (data[i + 1] < 0x80 || data[i + 1] === 0x81 || data[i + 1] === 0x82)) {
      places.push(i)
    }
  }
  return places
}

function splice (data: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  return concat(data.subarray(0, at), insert, data.subarray(Math.min(at + remove, data.byteLength)))
}

function little (value: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (value / 2 ** (8 * i)) & 0xff)
}

/** One to four changes: bits, lengths in both byte orders, DER heads, ranges repeated, cut, moved and taken from other seeds, words of the formats. */
export function mutate (seeds: readonly Uint8Array[], random: Random): Uint8Array {
  let data: Uint8Array = seeds[random(seeds.length)].slice()
  for (let left = 1 + random(4); left > 0; left--) {
    const at = random(data.byteLength + 1)
    const other = seeds[random(seeds.length)]
    const from = random(other.byteLength)
    const length = 1 + random(random(8) === 0 ? 2_000 : 24)
    const places = derPlaces(data)
    const place = places.length === 0 ? at : places[random(places.length)]
    const extreme = EXTREMES[random(EXTREMES.length)]
    const width = [1, 2, 4][random(3)]
    switch (random(9)) {
      case 0: if (data.byteLength > 0) { data[at % data.byteLength] ^= 1 << random(8) } break
      case 1: data = splice(data, at, width, little(extreme, width)); break
      case 2: data = splice(data, at, width, little(extreme, width).reverse()); break
      case 3: data = splice(data, place, 1, Uint8Array.of(TAGS[random(TAGS.length)])); break
      case 4: data = splice(data, place + 1, 1, Uint8Array.of(random(256))); break
      case 5: data = splice(data, at, 0, other.subarray(from, from + length)); break
      case 6: data = splice(data, at, length, other.subarray(from, from + length)); break
      case 7: data = splice(data, at, length, new Uint8Array()); break
      default: data = splice(data, at, random(8), utf8(TOKENS[random(TOKENS.length)]))
    }
  }
  return data
}

/** Runs one input; null when the parser kept to its contract. */
export function probe (target: FuzzTarget, data: Uint8Array): Find | null {
  try {
    target.run(data)
    return null
  } catch (error) {
    return error instanceof CocoonError && target.codes.includes(error.code) ? null : { target: target.name, data, error }
  }
}
