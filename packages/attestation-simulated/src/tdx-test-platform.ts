import { concat, fromHex, sha256, toHex, utf8 } from '@cocoon-net/protocol'
import * as asn1js from 'asn1js'
import { spkiHashOf, testCertificate, testCrl, testKey, toPem } from './test-certificates.ts'
import type { TestCertificateInit, TestIssuer, TestKey } from './test-certificates.ts'

const SGX_EXTENSION = '1.2.840.113741.1.13.1'
const FMSPC = '00906ED50000'
const PCE_ID = '0000'
const PCE_SVN = 13
const TCB_SVN = 5
const QE_SIGNER = 'DC9E2A7C6F948F17474E34A7FC43ED030F7C1563F1BABDDF6340C82E0E54A8C5'
const INTEL_VENDOR_ID = '939a7233f79c4ca9940a0db3957f0607'
const DAY_MS = 86_400_000
const SERIAL = Object.freeze({ root: 1, pckCa: 2, tcbSigner: 3, pck: 4 })

/** Fields of the TD report that a test may set; the rest is what a sound TD has. */
export interface TestTd {
  readonly attributes?: Uint8Array
  readonly xfam?: Uint8Array
  readonly mrSignerSeam?: Uint8Array
  readonly mrServiceTd?: Uint8Array
  /** The 237 bytes that the extended body of TDX 1.5 adds; version 5 alone has it. */
  readonly extension?: Uint8Array
  readonly mrTd?: Uint8Array
  readonly teeTcbSvn?: Uint8Array
  /** Of the TDX module that runs now, where it is another than at the TD's launch; version 5 alone has it. */
  readonly teeTcbSvn2?: Uint8Array
}

export interface TestCollateralInit {
  /** Rewrites the signed JSON before it is signed. */
  tcbInfo?(info: Record<string, unknown>): Record<string, unknown>
  qeIdentity?(identity: Record<string, unknown>): Record<string, unknown>
  /** Rewrites the whole after signing. */
  bundle?(bundle: Record<string, string>): Record<string, string>
  readonly revokePck?: boolean
  readonly revokePckCa?: boolean
  readonly revokeTcbSigner?: boolean
  /** Who signs TCB info and QE identity: Intel's TCB signer, or (an attack) the PCK leaf. */
  readonly signer?: 'tcbSigner' | 'pck'
}

/** A TDX platform under a private root, in Intel's formats. SIMULATED, NOT PRIVATE: its keys follow from the seed. */
export interface TdxTestPlatform {
  /** SHA-256 of the root's key, hex: what a test pins. */
  readonly rootSpkiHash: string
  /** Version 3 is of an SGX enclave, the others are of a TD. */
  quote(reportData: Uint8Array, options?: { readonly version?: 3 | 4 | 5, readonly td?: TestTd, readonly vendorId?: Uint8Array }): Uint8Array
  collateral(init?: TestCollateralInit): Uint8Array
}

function u16 (value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >> 8)
}

function u32 (value: number): Uint8Array {
  return concat(u16(value & 0xffff), u16(value >>> 16))
}

function sized (bytes: Uint8Array): Uint8Array {
  return concat(u32(bytes.byteLength), bytes)
}

function iso (ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** Makes a platform whose certificates and collateral hold around `atMs`. Machines of one seed differ in their own keys and processor id only. */
export function createTdxTestPlatform (init: { seed: Uint8Array, atMs: number, machine?: number }): TdxTestPlatform {
  const { seed, atMs, machine = 0 } = init
  const key = (label: string): TestKey => testKey(seed, label)
  const own = (label: string): string => machine === 0 ? label : `${label}-${machine}`
  const pckKey = key(own('pck'))
  const signerKey = key('tcb-signer')
  const root: TestIssuer = { name: 'Intel SGX Root CA', key: key('root') }
  const pckCa: TestIssuer = { name: 'Intel SGX PCK Platform CA', key: key('pck-ca') }
  const tcbSigner: TestIssuer = { name: 'Intel SGX TCB Signing', key: signerKey }
  const pck: TestIssuer = { name: 'Intel SGX PCK Certificate', key: pckKey }
  const attestationKey = key(own('attestation'))
  const certify = (subject: TestIssuer, issuer: TestIssuer, serial: number, isCa: boolean, extensions: TestCertificateInit['extensions'] = []): Uint8Array => {
    return testCertificate({ ...subject, issuer, serial, isCa, notBeforeMs: atMs - 30 * DAY_MS, notAfterMs: atMs + 300 * DAY_MS, extensions })
  }
  const rootCertificate = certify(root, root, SERIAL.root, true)
  const pckCaCertificate = certify(pckCa, root, SERIAL.pckCa, true)
  const signerCertificate = certify(tcbSigner, root, SERIAL.tcbSigner, false)
  const pckCertificate = certify(pck, pckCa, SERIAL.pck, false, [{ id: SGX_EXTENSION, value: sgxExtension(utf8(own(toHex(seed)))) }])
  const pckChain = utf8(toPem(pckCertificate, pckCaCertificate, rootCertificate))

  return {
    rootSpkiHash: toHex(spkiHashOf(root.key)),
    quote: (reportData, options = {}) => {
      const version = options.version ?? 4
      const isSgx = version === 3
      const body = isSgx ? enclaveReport(reportData) : tdReport(reportData, options.td ?? {}, version === 5)
      const head = concat(u16(version), u16(2), u32(isSgx ? 0 : 0x81), new Uint8Array(4), options.vendorId ?? fromHex(INTEL_VENDOR_ID), new Uint8Array(20))
      const signed = version === 5 ? concat(head, u16(options.td?.extension == null ? 3 : 4), sized(body)) : concat(head, body)
      const authData = new Uint8Array(32).fill(0x20)
      const point = attestationKey.point.subarray(1)
      const qeReport = enclaveReport(concat(sha256(concat(point, authData)), new Uint8Array(32)))
      const qeData = concat(qeReport, pckKey.signRaw(qeReport), u16(authData.byteLength), authData, u16(5), sized(pckChain))
      return concat(signed, sized(concat(attestationKey.signRaw(signed), point, isSgx ? qeData : concat(u16(6), sized(qeData)))))
    },
    collateral: (options = {}) => {
      const dates = { issueDate: iso(atMs - DAY_MS), nextUpdate: iso(atMs + 29 * DAY_MS), tcbEvaluationDataNumber: 18 }
      const tcbInfo = JSON.stringify((options.tcbInfo ?? identity)(tcbInfoOf(dates, atMs)))
      const qeIdentity = JSON.stringify((options.qeIdentity ?? identity)(qeIdentityOf(dates, atMs)))
      const byPck = options.signer === 'pck'
      const signer = byPck ? pckKey : signerKey
      const signerChain = byPck ? toPem(pckCertificate, pckCaCertificate, rootCertificate) : toPem(signerCertificate, rootCertificate)
      const dateRange = { thisUpdateMs: atMs - DAY_MS, nextUpdateMs: atMs + 29 * DAY_MS }
      const revoked = [...(options.revokePckCa === true ? [SERIAL.pckCa] : []), ...(options.revokeTcbSigner === true ? [SERIAL.tcbSigner] : [])]
      const bundle = {
        pck_crl_issuer_chain: toPem(pckCaCertificate, rootCertificate),
        root_ca_crl: toHex(testCrl({ issuer: root, revoked, ...dateRange })),
        pck_crl: toHex(testCrl({ issuer: pckCa, revoked: options.revokePck === true ? [SERIAL.pck] : [], ...dateRange })),
        tcb_info_issuer_chain: signerChain,
        tcb_info: tcbInfo,
        tcb_info_signature: toHex(signer.signRaw(utf8(tcbInfo))),
        qe_identity_issuer_chain: signerChain,
        qe_identity: qeIdentity,
        qe_identity_signature: toHex(signer.signRaw(utf8(qeIdentity)))
      }
      return utf8(JSON.stringify(options.bundle == null ? bundle : options.bundle(bundle)))
    }
  }
}

function identity<T> (value: T): T {
  return value
}

/** TDX 1.0 (584 bytes), or 1.5 with a second TCB SVN and MRSERVICETD, or that with its extension. */
function tdReport (reportData: Uint8Array, td: TestTd, v15: boolean): Uint8Array {
  const measured = (fill: number): Uint8Array => new Uint8Array(48).fill(fill)
  const teeTcbSvn = td.teeTcbSvn ?? new Uint8Array(16).fill(TCB_SVN).fill(1, 1, 2)
  const body = concat(
    teeTcbSvn, measured(0x11), td.mrSignerSeam ?? new Uint8Array(48), new Uint8Array(8),
    td.attributes ?? fromHex('0000001000000000'), td.xfam ?? fromHex('e702060000000000'),
    td.mrTd ?? measured(0x21), new Uint8Array(48 * 3),
    measured(0x31), measured(0x32), measured(0x33), measured(0x34), reportData
  )
  return v15 ? concat(body, td.teeTcbSvn2 ?? teeTcbSvn, td.mrServiceTd ?? new Uint8Array(48), td.extension ?? new Uint8Array()) : body
}

/** Of the quoting enclave, or of any other that the same hand signed. */
function enclaveReport (reportData: Uint8Array): Uint8Array {
  return concat(
    new Uint8Array(16).fill(TCB_SVN), new Uint8Array(4 + 28), fromHex('1500000000000000e700000000000000'),
    new Uint8Array(32).fill(0x41), new Uint8Array(32), fromHex(QE_SIGNER), new Uint8Array(96), u16(2), u16(4), new Uint8Array(60),
    reportData
  )
}

function sgxExtension (processor: Uint8Array): Uint8Array {
  const pair = (id: string, value: asn1js.AsnType): asn1js.Sequence => new asn1js.Sequence({ value: [new asn1js.ObjectIdentifier({ value: id }), value] })
  const octets = (bytes: Uint8Array): asn1js.OctetString => new asn1js.OctetString({ valueHex: Uint8Array.from(bytes).buffer })
  const components = Array.from({ length: 16 }, (_, i) => pair(`${SGX_EXTENSION}.2.${i + 1}`, new asn1js.Integer({ value: TCB_SVN })))
  const sequence = new asn1js.Sequence({
    value: [
      pair(`${SGX_EXTENSION}.1`, octets(sha256(processor).subarray(0, 16))),
      pair(`${SGX_EXTENSION}.2`, new asn1js.Sequence({
        value: [...components, pair(`${SGX_EXTENSION}.2.17`, new asn1js.Integer({ value: PCE_SVN })), pair(`${SGX_EXTENSION}.2.18`, octets(new Uint8Array(16).fill(TCB_SVN)))]
      })),
      pair(`${SGX_EXTENSION}.3`, octets(fromHex(PCE_ID))),
      pair(`${SGX_EXTENSION}.4`, octets(fromHex(FMSPC))),
      pair(`${SGX_EXTENSION}.5`, new asn1js.Enumerated({ value: 1 }))
    ]
  })
  return new Uint8Array(sequence.toBER())
}

function tcbInfoOf (dates: Record<string, unknown>, atMs: number): Record<string, unknown> {
  const components = (svn: number): Array<{ svn: number }> => Array.from({ length: 16 }, () => ({ svn }))
  const level = (svn: number, pcesvn: number, tcbStatus: string): Record<string, unknown> => ({
    tcb: { sgxtcbcomponents: components(svn), pcesvn, tdxtcbcomponents: components(svn) },
    tcbDate: iso(atMs - 100 * DAY_MS),
    tcbStatus
  })
  const module = { mrsigner: '00'.repeat(48), attributes: '00'.repeat(8), attributesMask: 'FF'.repeat(8) }
  return {
    id: 'TDX',
    version: 3,
    ...dates,
    fmspc: FMSPC,
    pceId: PCE_ID,
    tcbType: 0,
    tdxModule: module,
    tdxModuleIdentities: [{ id: 'TDX_01', ...module, tcbLevels: [{ tcb: { isvsvn: TCB_SVN }, tcbDate: iso(atMs - 100 * DAY_MS), tcbStatus: 'UpToDate' }, { tcb: { isvsvn: 2 }, tcbDate: iso(atMs - 400 * DAY_MS), tcbStatus: 'OutOfDate' }] }],
    tcbLevels: [level(TCB_SVN, PCE_SVN, 'UpToDate'), level(3, PCE_SVN, 'OutOfDate')]
  }
}

function qeIdentityOf (dates: Record<string, unknown>, atMs: number): Record<string, unknown> {
  return {
    id: 'TD_QE',
    version: 2,
    ...dates,
    miscselect: '00000000',
    miscselectMask: 'FFFFFFFF',
    attributes: '11000000000000000000000000000000',
    attributesMask: 'FBFFFFFFFFFFFFFF0000000000000000',
    mrsigner: QE_SIGNER,
    isvprodid: 2,
    tcbLevels: [{ tcb: { isvsvn: 4 }, tcbDate: iso(atMs - 100 * DAY_MS), tcbStatus: 'UpToDate' }]
  }
}
