import { concat, fromHex, toHex, utf8 } from '@cocoon-net/protocol'
import { sha384 } from '@noble/hashes/sha2.js'
import * as asn1js from 'asn1js'
import { spkiHashOf, testCertificate, testKey } from './test-certificates.ts'
import { testManifest } from './test-manifest.ts'
import { testOcsp } from './test-ocsp.ts'
import type { TestCertificateInit, TestIssuer, TestKey } from './test-certificates.ts'
import type { TestOcspInit } from './test-ocsp.ts'

const DAY_MS = 86_400_000
const BLOCKS = 64
/** Which measurements, counted from zero, the manifests of a Hopper claim. */
const ACTIVE = Object.freeze({
  vbios: [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12],
  driver: [7, ...Array.from({ length: 20 }, (_, i) => 21 + i)]
})
const VERSION = Object.freeze({ driver: '550.90.07', vbios: '96.00.9F.00.01' })
const FIELD = Object.freeze({ driverVersion: 3, vbiosVersion: 6, nvdec0Status: 11, chipSku: 15, project: 17, projectSku: 18, firmwareId: 20 })
const FIRMWARE_ID = '2.23.133.5.4.1'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9'

/** Issuers and their subjects, from the root on: device and manifests have one tree each. */
const DEVICE = Object.freeze(['Test Device Identity CA', 'Test GH100 Identity', 'Test GH100 Provisioner ICA 1', 'GH100 A01 GSP BROM', 'GH100 A01 GSP FMC LF'])
const MANIFEST = Object.freeze(['Test CoRIM signing Root CA', 'Test Reference Value GH100 CA', 'Test Reference Value L3 GH100 001', 'Test RIM L4 Signer'])

export type GpuManifestKind = keyof typeof ACTIVE

export interface TestTranscript {
  readonly driverVersion?: string
  /** Such as `96.00.9F.00.01`. */
  readonly vbiosVersion?: string
  /** Values by number, counted from one, in the place of those that the manifests allow; null leaves it out. */
  readonly measurements?: Readonly<Record<number, Uint8Array | null>>
  /** Null leaves it out. */
  readonly firmwareId?: Uint8Array | null
  /** Whose key signs: the firmware's, or (an attack) the device's. */
  readonly signer?: 'firmware' | 'device'
  readonly nvdecDisabled?: boolean
}

export interface TestGpuManifest {
  readonly version?: string
  readonly product?: string
  /** Numbers counted from zero; what a Hopper's manifest of the kind has unless told otherwise. */
  readonly active?: readonly number[]
  /** Digests by number counted from zero, in the place of the right ones. */
  readonly digests?: Readonly<Record<number, readonly string[]>>
  /** Of the signer's certificate. */
  readonly notAfterMs?: number
  /** Signs with another key than its certificate's. */
  readonly forged?: boolean
}

export interface TestGpuOcsp {
  /** The certificate, by its name, that it is about others: the rest is good. */
  readonly name?: string
  /** Changes what is said of it; null leaves it out. */
  readonly change?: Partial<TestOcspInit> | null
  /** Who signs that one: its issuer, a responder of it, one without the right usage, one that another issued, one out of date. */
  readonly signer?: 'issuer' | 'delegate' | 'unfit' | 'stranger' | 'old'
}

/** An H100 under a private root, in NVIDIA's formats. SIMULATED, NOT PRIVATE: its keys follow from the seed. */
export interface GpuTestPlatform {
  /** SHA-256 of the roots' keys, hex: what a test pins. */
  readonly rootSpkiHash: string
  readonly manifestRootSpkiHash: string
  transcript(nonce: Uint8Array, options?: TestTranscript): Uint8Array
  /** The device's certificates, its own first, DER. */
  readonly chain: readonly Uint8Array[]
  manifest(kind: GpuManifestKind, options?: TestGpuManifest): Uint8Array
  /** One response for each certificate that somebody answers for. */
  ocsp(options?: TestGpuOcsp): Uint8Array[]
  /** Both manifests and all responses as one JSON object. */
  collateral(options?: TestGpuOcsp): Uint8Array
}

export function createGpuTestPlatform (init: { readonly seed: Uint8Array, readonly atMs: number }): GpuTestPlatform {
  const { seed, atMs } = init
  const keys = new Map([...DEVICE, ...MANIFEST].map(name => [name, testKey(seed, `gpu/${name}`, 'P-384')]))
  const issuerOf = (name: string): TestIssuer & { readonly key: TestKey } => ({ name, key: keys.get(name) ?? testKey(seed, name, 'P-384') })
  const certify = (tree: readonly string[], i: number, change: Partial<TestCertificateInit> = {}): Uint8Array => testCertificate({
    ...issuerOf(tree[i]),
    issuer: issuerOf(tree[Math.max(i - 1, 0)]),
    serial: serialOf(tree, i),
    isCa: i < tree.length - 1,
    notBeforeMs: atMs - 30 * DAY_MS,
    notAfterMs: atMs + 300 * DAY_MS,
    ...change
  })
  const chainOf = (tree: readonly string[], leaf: Partial<TestCertificateInit>): Uint8Array[] => tree.map((_, i) => certify(tree, i, i === tree.length - 1 ? leaf : {})).reverse()
  const responses = new Map<string, Uint8Array>()
  const ocsp: GpuTestPlatform['ocsp'] = (options = {}) => [DEVICE, MANIFEST].flatMap(tree => tree.flatMap((name, i) => {
    // Nobody answers for a root, nor for what the device made itself.
    if (i === 0 || name === DEVICE.at(-1)) {
      return []
    }
    const issuer = issuerOf(tree[i - 1])
    const common: TestOcspInit = { issuer, serial: serialOf(tree, i), thisUpdateMs: atMs - DAY_MS, nextUpdateMs: atMs + DAY_MS, responder: responderOf(issuer, 'delegate', init) }
    if (options.name === name) {
      return options.change === null ? [] : [testOcsp({ ...common, responder: responderOf(issuer, options.signer ?? 'delegate', init), ...options.change })]
    }
    const response = responses.get(name) ?? testOcsp(common)
    responses.set(name, response)
    return [response]
  }))
  const manifest: GpuTestPlatform['manifest'] = (kind, options = {}) => testManifest({
    version: options.version ?? VERSION[kind],
    product: options.product ?? 'GH100',
    resources: Array.from({ length: BLOCKS }, (_, index) => {
      const active = (options.active ?? ACTIVE[kind]).includes(index)
      const none = toHex(new Uint8Array(48))
      return { index, active, digests: options.digests?.[index] ?? (active ? [none, toHex(measurementOf(index))] : [none]) }
    }),
    certificates: chainOf(MANIFEST, options.notAfterMs == null ? {} : { notAfterMs: options.notAfterMs }),
    key: options.forged === true ? testKey(seed, 'forger', 'P-384') : issuerOf(MANIFEST[3]).key
  })
  return {
    rootSpkiHash: toHex(spkiHashOf(issuerOf(DEVICE[0]).key)),
    manifestRootSpkiHash: toHex(spkiHashOf(issuerOf(MANIFEST[0]).key)),
    chain: chainOf(DEVICE, { extensions: [{ id: FIRMWARE_ID, value: concat(fromHex('303d06096086480165030402020430'), firmwareId()) }] }),
    transcript: (nonce, options = {}) => {
      const signed = transcriptBody(nonce, options)
      return concat(signed, issuerOf(DEVICE[options.signer === 'device' ? 3 : 4]).key.signRaw(signed))
    },
    manifest,
    ocsp,
    collateral: options => utf8(JSON.stringify({
      nvidia_rims: [manifest('driver'), manifest('vbios')].map(file => new TextDecoder().decode(file)),
      nvidia_ocsp: ocsp(options).map(der => btoa(String.fromCharCode(...der)))
    }))
  }
}

function serialOf (tree: readonly string[], i: number): number {
  return (tree === DEVICE ? 0x10 : 0x20) + i
}

/** A responder's certificate is its issuer's, and says what it is for. */
function responderOf (issuer: TestIssuer, signer: NonNullable<TestGpuOcsp['signer']>, { seed, atMs }: { readonly seed: Uint8Array, readonly atMs: number }): TestOcspInit['responder'] {
  if (signer === 'issuer') {
    return undefined
  }
  const name = `${issuer.name} OCSP`
  const key = testKey(seed, name, 'P-384')
  const usage = new asn1js.Sequence({ value: [new asn1js.ObjectIdentifier({ value: signer === 'unfit' ? '1.3.6.1.5.5.7.3.1' : OCSP_SIGNING })] })
  const certificate = testCertificate({
    name,
    key,
    issuer: signer === 'stranger' ? { name: issuer.name, key: testKey(seed, 'stranger', 'P-384') } : issuer,
    serial: 0x40,
    isCa: false,
    notBeforeMs: atMs - 30 * DAY_MS,
    notAfterMs: signer === 'old' ? atMs - 1 : atMs + 30 * DAY_MS,
    extensions: [{ id: EXTENDED_KEY_USAGE, value: new Uint8Array(usage.toBER()), critical: true }]
  })
  return { name, key, certificate }
}

function firmwareId (): Uint8Array {
  return sha384(utf8('firmware'))
}

/** What the block of this number, counted from zero, holds. */
function measurementOf (index: number): Uint8Array {
  return sha384(utf8(`measurement ${index}`))
}

function little (value: number, lengthBytes: number): Uint8Array {
  return Uint8Array.from({ length: lengthBytes }, (_, i) => (value >> (8 * i)) & 0xff)
}

/** Request and response of DSP0274 1.1, without the signature. */
function transcriptBody (nonce: Uint8Array, options: TestTranscript): Uint8Array {
  const values = Array.from({ length: BLOCKS }, (_, index) => ({ number: index + 1, value: options.measurements?.[index + 1] === undefined ? measurementOf(index) : options.measurements[index + 1] }))
  const blocks = values.flatMap(({ number, value }) => value == null ? [] : [concat(Uint8Array.of(number, 1), little(value.byteLength + 3, 2), Uint8Array.of(1), little(value.byteLength, 2), value)])
  const record = concat(...blocks)
  const opaque = opaqueOf(options)
  return concat(
    Uint8Array.of(0x11, 0xe0, 0x01, 0xff), nonce, Uint8Array.of(0),
    Uint8Array.of(0x11, 0x60, 0, 0, blocks.length), little(record.byteLength, 3), record, new Uint8Array(32).fill(0x77), little(opaque.byteLength, 2), opaque
  )
}

function opaqueOf (options: TestTranscript): Uint8Array {
  const [a, b, c, d, e] = (options.vbiosVersion ?? VERSION.vbios).split('.').map(part => Number.parseInt(part, 16))
  const fields: Array<readonly [type: number, value: Uint8Array]> = [
    [FIELD.vbiosVersion, Uint8Array.of(d, c, b, a, e, 0, 0, 0)],
    [FIELD.chipSku, utf8('882\0')],
    [FIELD.project, utf8('1010\0')],
    [FIELD.projectSku, utf8('0200\0')],
    [FIELD.driverVersion, utf8(`${options.driverVersion ?? VERSION.driver}\0`)],
    [FIELD.nvdec0Status, Uint8Array.of(options.nvdecDisabled === true ? 0x55 : 0xaa)],
    ...(options.firmwareId === null ? [] : [[FIELD.firmwareId, options.firmwareId ?? firmwareId()] as const])
  ]
  return concat(...fields.map(([type, value]) => concat(little(type, 2), little(value.byteLength, 2), value)))
}
