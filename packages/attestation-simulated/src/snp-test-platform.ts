import { concat, toHex, utf8 } from '@cocoon-net/protocol'
import * as asn1js from 'asn1js'
import { rsaTestKey } from './rsa-test-key.ts'
import { spkiHashOf, testCertificate, testCrl, testKey, toPem } from './test-certificates.ts'
import type { TestCertificateInit, TestIssuer } from './test-certificates.ts'

const AMD = '1.3.6.1.4.1.3704.1'
const DAY_MS = 86_400_000
const SERIAL = Object.freeze({ ark: 1, ask: 2, vcek: 3 })
const TCB = Object.freeze({ fmc: 1, bootLoader: 4, tee: 0, snp: 24, microcode: 219 })
/** By product: CPUID family and model, and how many bytes of its chip id are used. */
const PRODUCTS = Object.freeze({
  Milan: { family: 0x19, model: 0x01, chipIdBytes: 64 },
  Genoa: { family: 0x19, model: 0x11, chipIdBytes: 64 },
  Turin: { family: 0x1a, model: 0x02, chipIdBytes: 8 }
})

/** Fields of a report that a test may set; the rest is what a sound guest has. */
export interface TestSnpReport {
  readonly version?: number
  readonly policy?: bigint
  readonly vmpl?: number
  readonly reportIdMa?: Uint8Array
  readonly snpSvn?: number
  readonly chipId?: Uint8Array
  readonly family?: number
  readonly model?: number
  readonly algorithm?: number
  readonly keyInfo?: number
  readonly measurement?: Uint8Array
}

export interface SnpTestPlatformInit {
  readonly seed: Uint8Array
  readonly atMs: number
  /** Milan unless told otherwise. */
  readonly product?: keyof typeof PRODUCTS
  /** A chip's own key unless told otherwise; a VLEK is a cloud's. */
  readonly kind?: 'vcek' | 'vlek'
}

/** A platform under a private root, in AMD's formats. SIMULATED, NOT PRIVATE: its keys follow from the seed. */
export interface SnpTestPlatform {
  /** SHA-256 of the root's key, hex: what a test pins. */
  readonly rootSpkiHash: string
  report(reportData: Uint8Array, options?: TestSnpReport): Uint8Array
  /** Endorsement key, its CA and root as PEM, with the root's revocation list unless told otherwise. */
  chain(options?: { readonly crl?: boolean, readonly revoke?: 'vcek' | 'ask', readonly productName?: string, readonly caName?: string, readonly chipIdExtension?: Uint8Array }): Uint8Array
}

/** Makes a platform whose certificates hold around `atMs`. */
export function createSnpTestPlatform (init: SnpTestPlatformInit): SnpTestPlatform {
  const { atMs, product = 'Milan', kind = 'vcek' } = init
  const ark: TestIssuer = { name: `ARK-${product}`, key: rsaTestKey(init.seed, 'ark') }
  const askKey = rsaTestKey(init.seed, 'ask')
  const vcekKey = testKey(init.seed, 'vcek', 'P-384')
  const chipId = new Uint8Array(64).fill(0x51, 0, PRODUCTS[product].chipIdBytes)
  const certify = (subject: TestIssuer, issuer: TestIssuer, serial: number, isCa: boolean, extensions: TestCertificateInit['extensions'] = []): Uint8Array => {
    return testCertificate({ ...subject, issuer, serial, isCa, notBeforeMs: atMs - 30 * DAY_MS, notAfterMs: atMs + 300 * DAY_MS, extensions })
  }
  return {
    rootSpkiHash: toHex(spkiHashOf(ark.key)),
    report: (reportData, options = {}) => {
      const signed = reportBody(reportData, chipId, product, { keyInfo: kind === 'vlek' ? 4 : 0, ...options })
      const raw = vcekKey.signRaw(signed)
      const scalar = (bytes: Uint8Array): Uint8Array => concat(bytes.slice().reverse(), new Uint8Array(24))
      return concat(signed, scalar(raw.subarray(0, 48)), scalar(raw.subarray(48)), new Uint8Array(0x4a0 - 0x2a0 - 144))
    },
    chain: (options = {}) => {
      const ask: TestIssuer = { name: options.caName ?? (kind === 'vlek' ? `SEV-VLEK-${product}` : `SEV-${product}`), key: askKey }
      const name = options.productName ?? (kind === 'vlek' ? product : `${product}-B0`)
      const identity = kind === 'vlek' ? { id: `${AMD}.5`, value: ia5('a cloud') } : { id: `${AMD}.4`, value: options.chipIdExtension ?? chipId.subarray(0, PRODUCTS[product].chipIdBytes) }
      const extensions = [...tcbExtensions(product, name), identity]
      const vcek = certify({ name: `SEV-${kind.toUpperCase()}`, key: vcekKey }, ask, SERIAL.vcek, false, extensions)
      const certificates = toPem(vcek, certify(ask, ark, SERIAL.ask, true), certify(ark, ark, SERIAL.ark, true))
      if (options.crl === false) {
        return utf8(certificates)
      }
      const revoked = options.revoke == null ? [] : [SERIAL[options.revoke]]
      const crl = testCrl({ issuer: ark, revoked, thisUpdateMs: atMs - DAY_MS, nextUpdateMs: atMs + 29 * DAY_MS })
      return utf8(`${certificates}-----BEGIN X509 CRL-----\n${btoa(String.fromCharCode(...crl))}\n-----END X509 CRL-----\n`)
    }
  }
}

function reportBody (reportData: Uint8Array, chipId: Uint8Array, product: keyof typeof PRODUCTS, options: TestSnpReport): Uint8Array {
  const body = new Uint8Array(0x2a0)
  const view = new DataView(body.buffer)
  view.setUint32(0x00, options.version ?? 3, true)
  view.setBigUint64(0x08, options.policy ?? 0x3_0000n, true)
  view.setUint32(0x30, options.vmpl ?? 0, true)
  view.setUint32(0x34, options.algorithm ?? 1, true)
  view.setUint32(0x48, options.keyInfo ?? 0, true)
  body.set(reportData, 0x50)
  body.set(options.measurement ?? new Uint8Array(48).fill(0x61), 0x90)
  body.set(options.reportIdMa ?? new Uint8Array(32).fill(0xff), 0x160)
  const snp = options.snpSvn ?? TCB.snp
  body.set(product === 'Turin' ? [TCB.fmc, TCB.bootLoader, TCB.tee, snp, 0, 0, 0, TCB.microcode] : [TCB.bootLoader, TCB.tee, 0, 0, 0, 0, snp, TCB.microcode], 0x180)
  body.set([options.family ?? PRODUCTS[product].family, options.model ?? PRODUCTS[product].model, 0x01], 0x188)
  body.set(options.chipId ?? chipId, 0x1a0)
  return body
}

function ia5 (value: string): Uint8Array {
  return new Uint8Array(new asn1js.IA5String({ value }).toBER())
}

function tcbExtensions (product: keyof typeof PRODUCTS, productName: string): NonNullable<TestCertificateInit['extensions']> {
  const integer = (value: number): Uint8Array => new Uint8Array(new asn1js.Integer({ value }).toBER())
  return [
    { id: `${AMD}.2`, value: ia5(productName) },
    { id: `${AMD}.3.1`, value: integer(TCB.bootLoader) },
    { id: `${AMD}.3.2`, value: integer(TCB.tee) },
    { id: `${AMD}.3.3`, value: integer(TCB.snp) },
    { id: `${AMD}.3.8`, value: integer(TCB.microcode) },
    ...(product === 'Turin' ? [{ id: `${AMD}.3.9`, value: integer(TCB.fmc) }] : [])
  ]
}
