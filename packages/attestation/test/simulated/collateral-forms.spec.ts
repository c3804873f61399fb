import { createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { fromHex, utf8 } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { productionPolicy } from '../../src/index.ts'
import { verifyEvidenceUnder } from '../../src/testing.ts'
import type { EvidenceReport } from '../../src/index.ts'

const atMs = Date.UTC(2026, 5, 1)
const platform = createTdxTestPlatform({ seed: new Uint8Array(32).fill(1), atMs })
const roots = { intel: [platform.rootSpkiHash], amd: { Milan: [], Genoa: [], Turin: [] }, nvidia: [] }
const evidence = platform.quote(new Uint8Array(64))
const sound = JSON.parse(new TextDecoder().decode(platform.collateral())) as Record<string, string>

type Changed = Record<string, unknown>

function judge (...collateral: ReadonlyArray<Uint8Array | string>): EvidenceReport {
  return verifyEvidenceUnder(roots, { evidence, collateral: collateral.map(file => typeof file === 'string' ? utf8(file) : file), atMs, policy: productionPolicy })
}

function verdict (change: (bundle: Record<string, string>) => Changed): string {
  return judge(JSON.stringify({ ...sound, ...change(sound) })).verdict
}

function base64 (hex: string): string {
  return Buffer.from(fromHex(hex)).toString('base64')
}

function pemList (hex: string): string {
  return `-----BEGIN X509 CRL-----\n${base64(hex).replace(/.{64}/g, '$&\n')}\n-----END X509 CRL-----\n`
}

/** As the answer of Intel's service carries a chain in a header. */
function header (pem: string): string {
  return encodeURIComponent(pem)
}

const CHAINS = ['pck_crl_issuer_chain', 'tcb_info_issuer_chain', 'qe_identity_issuer_chain'] as const

describe('forms of Intel\'s collateral', () => {
  it('lists in hex of either case, base64 in one line or several, PEM', () => {
    const forms: Array<(hex: string) => string> = [hex => hex, hex => hex.toUpperCase(), hex => `0x${hex}`, hex => `${hex}\n`, base64, hex => base64(hex).replace(/.{76}/g, '$&\n'), pemList]
    for (const form of forms) {
      expect(verdict(one => ({ root_ca_crl: form(one.root_ca_crl), pck_crl: form(one.pck_crl) })), form(sound.pck_crl).slice(0, 40)).to.equal('verified')
      expect(verdict(one => ({ root_ca_crl: form(one.root_ca_crl.slice(0, -2)), pck_crl: form(one.pck_crl) }))).to.equal('refused')
    }
  })

  it('chains as headers carry them, and with the line ends that JSON escapes', () => {
    for (const form of [header, (pem: string) => pem.replaceAll('\n', '\\n'), (pem: string) => pem.replaceAll('\n', '\r\n')]) {
      expect(verdict(one => Object.fromEntries(CHAINS.map(key => [key, form(one[key])])))).to.equal('verified')
    }
    expect(verdict(one => ({ tcb_info_issuer_chain: header(one.tcb_info_issuer_chain).slice(0, -80) }))).to.equal('refused')
  })

  it('signed JSON beside its signature, as an answer with the signature in it, as text or as JSON', () => {
    const answer = (one: Record<string, string>): string => `{"tcbInfo":${one.tcb_info},"signature":"${one.tcb_info_signature}"}`
    expect(verdict(one => ({ tcb_info: answer(one), tcb_info_signature: undefined }))).to.equal('verified')
    expect(verdict(one => ({ tcb_info: answer(one).replace(':', ' : '), tcb_info_signature: undefined }))).to.equal('verified')
    const withJson = (members: string): string => `{${members},${JSON.stringify({ ...sound, tcb_info: undefined, tcb_info_signature: undefined }).slice(1)}`
    expect(judge(withJson(`"tcb_info":${answer(sound)}`)).verdict).to.equal('verified')
    expect(judge(withJson(`"tcb_info":${sound.tcb_info},"tcb_info_signature":"${sound.tcb_info_signature}"`)).verdict).to.equal('verified')
    expect(judge(withJson(`"tcb_info": ${sound.tcb_info.replace(':', ': ')},"tcb_info_signature":"${sound.tcb_info_signature}"`)).verdict, 'written anew').to.equal('refused')
    for (const wrong of ['null', '5', '[]', '{}', '{"tcbInfo":{}}', '""', '"{"', '"null"']) {
      expect(judge(withJson(`"tcb_info":${wrong}`)).verdict, wrong).to.equal('refused')
    }
  })

  it('files of their own: answers, lists in DER, hex, base64 and PEM, chains as headers carry them', () => {
    const info = `{"tcbInfo":${sound.tcb_info},"signature":"${sound.tcb_info_signature}"}`
    const identity = `{"enclaveIdentity":${sound.qe_identity},"signature":"${sound.qe_identity_signature}"}`
    for (const form of [fromHex, (hex: string) => hex, base64, pemList]) {
      expect(judge(info, identity, form(sound.root_ca_crl), form(sound.pck_crl), sound.tcb_info_issuer_chain).verdict).to.equal('verified')
    }
    const files = [info, identity, fromHex(sound.root_ca_crl), fromHex(sound.pck_crl)]
    expect(judge(...files, header(sound.tcb_info_issuer_chain)).verdict).to.equal('verified')
    expect(judge(...files, `TCB-Info-Issuer-Chain: ${header(sound.tcb_info_issuer_chain)}\r\n`).verdict).to.equal('verified')
    const [signer, root] = sound.tcb_info_issuer_chain.split(/(?<=END CERTIFICATE-----\n)/)
    expect(judge(...files, root, signer).verdict, 'one certificate a file').to.equal('verified')
    const unsigned = judge(...files, root)
    expect(unsigned.verdict).to.equal('refused')
    expect(unsigned.checks.find(({ name }) => name === 'tcb')).to.include({ code: 'collateral_missing', message: 'the certificate of the signer of TCB info is missing; the certificate of the signer of QE identity is missing' })
  })

  it('what could not be read refuses, as any other fault does, and is not hidden by an earlier result', () => {
    expect(judge(JSON.stringify(sound)).verdict).to.equal('verified')
    for (const [as, wanted] of [['collateral', ['revocation', 'tcb']], ['chain', ['chain', 'revocation', 'tcb', 'policy']]] as const) {
      const report = verifyEvidenceUnder(roots, { evidence, collateral: utf8(JSON.stringify(sound)), unreadable: [{ as, message: 'x cannot be read' }], atMs, policy: productionPolicy })
      expect(report.checks.filter(({ name, result }) => name !== 'measurement' && result !== 'pass').map(({ name }) => name)).to.deep.equal(wanted)
      expect(report.checks.find(({ result }) => result === 'fail')?.message).to.equal('x cannot be read')
    }
  })
})
