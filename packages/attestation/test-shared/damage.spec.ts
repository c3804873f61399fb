import { toHex, utf8 } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { parsePolicy, productionPolicy, verifyEvidence } from '../src/index.ts'
import { leftOut, present, read } from './vectors.ts'
import type { EvidenceReport } from '../src/index.ts'

type Bundle = Record<string, string>
type Change = (bundle: Bundle) => unknown

const AT = '2025-06-21T00:00:00Z'
const LATER = '2026-03-01T00:00:00Z'
const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----\n?/g

function bundleOf (file: string): Bundle {
  return JSON.parse(new TextDecoder().decode(read(file))) as Bundle
}

function judge (init: { evidence: Uint8Array, collateral?: Uint8Array | readonly Uint8Array[], chain?: readonly Uint8Array[], at?: string, policy?: unknown }): EvidenceReport {
  const { evidence, collateral, chain, at = AT, policy } = init
  return verifyEvidence({ evidence, collateral, chain, atMs: Date.parse(at), policy: parsePolicy({ ...productionPolicy, ...(policy ?? {}) }) })
}

/** The checks that did not pass, the allow-list of measurements aside. */
function notPassed (report: EvidenceReport): string[] {
  expect(report.verdict).to.equal('refused')
  return report.checks.filter(check => check.result !== 'pass' && check.name !== 'measurement').map(check => check.name)
}

function pemBlocks (text: string): string[] {
  return text.match(PEM) ?? []
}

function flipHex (text: string): string {
  return `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`
}

describe('damage to the vendors\' evidence and collateral', () => {
  if (!present) {
    leftOut()
    return
  }
  const quote = read('tdx/tdx_quote')
  const sound = bundleOf('tdx/tdx_quote_collateral.json')
  const newer = bundleOf('tdx/tdx_quote_outdated_collateral.json')
  const sgx = bundleOf('sgx/sgx_quote_collateral.json')
  const trio = (from: Bundle, key: 'tcb_info' | 'qe_identity'): Bundle => ({ [key]: from[key], [`${key}_signature`]: from[`${key}_signature`], [`${key}_issuer_chain`]: from[`${key}_issuer_chain`] })
  const pckList = (from: Bundle): Bundle => ({ pck_crl: from.pck_crl, pck_crl_issuer_chain: from.pck_crl_issuer_chain })
  const whereOf = (key: string): string => key.includes('crl') ? 'revocation' : 'tcb'

  it('as it is it verifies', () => {
    expect(judge({ evidence: quote, collateral: utf8(JSON.stringify(sound)) }).verdict).to.equal('verified')
  })

  for (const key of Object.keys(sound)) {
    it(`each member is needed, as a text of its own kind: ${key}`, () => {
      const damaged = key.endsWith('_chain')
        ? [pemBlocks(sound[key])[0], sound[key].replace('\n-----END', '!\n-----END'), sound[key].replace('MII', 'MIJ')]
        : [sound[key].slice(0, -2), flipHex(sound[key])]
      for (const value of [undefined, null, '', 5, {}, [], 'garbage', 'deadbeef', '\u0000', sound[key].slice(0, 40), ...damaged]) {
        const report = judge({ evidence: quote, collateral: utf8(JSON.stringify({ ...sound, [key]: value })) })
        expect(notPassed(report), `${key}: ${String(value).slice(0, 20)}`).to.include(whereOf(key))
      }
    })
  }

  const swaps: Array<[string, Change, string[]]> = [
    ['TCB info of another platform, with its signature', one => ({ ...one, ...trio(newer, 'tcb_info') }), ['tcb']],
    ['TCB info of SGX, with its signature', one => ({ ...one, ...trio(sgx, 'tcb_info') }), ['tcb']],
    ['TCB info without its signature', one => ({ ...one, tcb_info: newer.tcb_info }), ['tcb']],
    ['the QE identity of SGX', one => ({ ...one, ...trio(sgx, 'qe_identity') }), ['tcb']],
    ['a QE identity of the future', one => ({ ...one, ...trio(newer, 'qe_identity') }), ['tcb']],
    ['the platform\'s list of the future', one => ({ ...one, ...pckList(newer) }), ['revocation']],
    ['the list of the other PCK CA', one => ({ ...one, ...pckList(sgx) }), ['revocation']],
    ['the root\'s list as the platform\'s', one => ({ ...one, pck_crl: one.root_ca_crl }), ['revocation']],
    ['lists exchanged', one => ({ ...one, pck_crl: one.root_ca_crl, root_ca_crl: one.pck_crl }), ['revocation']],
    ['signatures exchanged', one => ({ ...one, tcb_info_signature: one.qe_identity_signature, qe_identity_signature: one.tcb_info_signature }), ['tcb']],
    ['TCB info and QE identity exchanged', one => ({ ...one, ...{ tcb_info: one.qe_identity, tcb_info_signature: one.qe_identity_signature, qe_identity: one.tcb_info, qe_identity_signature: one.tcb_info_signature } }), ['tcb']],
    ['the PCK chain as the TCB signer\'s', one => ({ ...one, tcb_info_issuer_chain: one.pck_crl_issuer_chain }), ['tcb']],
    ['the signer\'s chain without its root', one => ({ ...one, tcb_info_issuer_chain: pemBlocks(one.tcb_info_issuer_chain)[0] }), ['tcb']],
    ['the root alone as the signer\'s chain', one => ({ ...one, tcb_info_issuer_chain: pemBlocks(one.tcb_info_issuer_chain)[1] }), ['tcb']],
    ['re-serialised TCB info', one => ({ ...one, tcb_info: JSON.stringify(JSON.parse(one.tcb_info), null, 1) }), ['tcb']],
    ['a blank after the TCB info', one => ({ ...one, tcb_info: `${one.tcb_info} ` }), ['tcb']],
    ['a signature with a byte more', one => ({ ...one, tcb_info_signature: `${one.tcb_info_signature}00` }), ['tcb']],
    ['an empty object', () => ({}), ['revocation', 'tcb']],
    ['a list', one => [one], ['revocation', 'tcb']],
    ['the object inside another', one => ({ collateral: one }), ['revocation', 'tcb']]
  ]
  for (const [name, change, wanted] of swaps) {
    it(`refuses ${name}`, () => {
      expect(notPassed(judge({ evidence: quote, collateral: utf8(JSON.stringify(change(sound))) }))).to.deep.equal(wanted)
    })
  }

  it('refuses what is no collateral: another vendor\'s, the quote itself, garbage, too much', () => {
    for (const file of [read('sev/ask_ark_milan.pem'), quote, new Uint8Array(), utf8('{'), utf8('null'), utf8('{}'), new Uint8Array(2 * 1_024 * 1_024), read('tdx/gotdx_nonce.dat')]) {
      expect(notPassed(judge({ evidence: quote, collateral: file }))).to.deep.equal(['revocation', 'tcb'])
    }
    expect(notPassed(judge({ evidence: quote, chain: [read('sev/ask_ark_milan.pem')] }))).to.deep.equal(['revocation', 'tcb'])
  })

  it('reads files of their own: signed JSON as the service answers, lists in DER, hex and PEM, chains in any order', () => {
    const signed = (member: string, key: 'tcb_info' | 'qe_identity'): Uint8Array => utf8(`{"${member}":${sound[key]},"signature":"${sound[`${key}_signature`]}"}`)
    const pem = (hex: string): string => `-----BEGIN X509 CRL-----\n${Buffer.from(hex, 'hex').toString('base64')}\n-----END X509 CRL-----\n`
    const chain = utf8(pemBlocks(sound.tcb_info_issuer_chain).reverse().join('# a note\n'))
    const json = [signed('tcbInfo', 'tcb_info'), signed('enclaveIdentity', 'qe_identity')]
    const lists = [sound.root_ca_crl, sound.pck_crl]
    const forms = [
      lists.map(hex => new Uint8Array(Buffer.from(hex, 'hex'))), lists.map(hex => utf8(`${hex}\n`)), [utf8(lists.map(pem).join(''))],
      lists.map(hex => utf8(Buffer.from(hex, 'hex').toString('base64')))
    ]
    for (const form of forms) {
      expect(judge({ evidence: quote, collateral: [...json, chain, ...form] }).verdict).to.equal('verified')
      expect(judge({ evidence: quote, collateral: [...form, ...json], chain: [chain] }).verdict).to.equal('verified')
      expect(notPassed(judge({ evidence: quote, collateral: [...json, ...form] }))).to.deep.equal(['tcb'])
      expect(notPassed(judge({ evidence: quote, collateral: [json[0], chain, ...form] }))).to.deep.equal(['tcb'])
      expect(notPassed(judge({ evidence: quote, collateral: [...json, chain] }))).to.deep.equal(['revocation'])
    }
    expect(notPassed(judge({ evidence: quote, collateral: [...json, chain, forms[0][0]] }))).to.deep.equal(['revocation'])
    expect(notPassed(judge({ evidence: quote, collateral: [...json, chain, forms[0][1]] }))).to.deep.equal(['revocation'])
  })

  it('of several, the one for the platform and the time, and nothing older than the floors', () => {
    const both = [sound, newer].map(one => utf8(JSON.stringify(one)))
    const later = read('tdx/gotdx_quote_v5_sample.dat')
    for (const files of [both, both.slice().reverse()]) {
      expect(judge({ evidence: quote, collateral: files }).verdict).to.equal('verified')
      expect(judge({ evidence: later, collateral: files, at: LATER }).verdict).to.equal('verified')
    }
    // 2026-03-01 is the first day of floor 18: the older collateral has 17, and its lists are long out of date.
    expect(notPassed(judge({ evidence: quote, collateral: both[0], at: LATER }))).to.deep.equal(['revocation', 'tcb'])
    expect(notPassed(judge({ evidence: quote, collateral: both[0], policy: { evaluationFloors: [{ from: AT, number: 18 }] } }))).to.deep.equal(['tcb'])
    expect(judge({ evidence: quote, collateral: both[0], policy: { evaluationFloors: [{ from: '2025-06-21T00:00:01Z', number: 18 }] } }).verdict).to.equal('verified')
  })

  const text = new TextDecoder('latin1').decode(quote)
  const chainAt = text.indexOf('-----BEGIN CERTIFICATE-----')
  const chainText = pemBlocks(text)
  /** The quote with another text in the place of its PCK chain, lengths adjusted. */
  const withChain = (pem: string): Uint8Array => {
    const out = new Uint8Array(chainAt + pem.length)
    out.set(quote.subarray(0, chainAt))
    out.set(utf8(pem), chainAt)
    const view = new DataView(out.buffer)
    const grown = pem.length - view.getUint32(chainAt - 4, true)
    // Certification data, the quoting enclave's part around it, signature data around both.
    for (const at of [chainAt - 4, 632 + 4 + 128 + 2, 632]) {
      view.setUint32(at, view.getUint32(at, true) + grown, true)
    }
    return out
  }

  it('takes the certificates of the quote in any order, once or twice, and with others between', () => {
    const honest = judge({ evidence: quote, collateral: utf8(JSON.stringify(sound)) })
    const other = pemBlocks(sound.tcb_info_issuer_chain)[0]
    for (const pem of [chainText, chainText.slice().reverse(), [chainText[1], chainText[0], chainText[2]], [...chainText, ...chainText], ['# a note\n', ...chainText]]) {
      const report = judge({ evidence: withChain(pem.join('')), collateral: utf8(JSON.stringify(sound)) })
      expect(report.verdict).to.equal('verified')
      expect(report.claims).to.deep.equal(honest.claims)
    }
    for (const pem of [[other, ...chainText], [...chainText, other]]) {
      const report = judge({ evidence: withChain(pem.join('')), collateral: utf8(JSON.stringify(sound)) })
      expect(report.claims ?? honest.claims).to.deep.equal(honest.claims)
    }
  })

  it('refuses a chain in the quote that is cut, of another platform or no chain at all', () => {
    const foreign = pemBlocks(new TextDecoder('latin1').decode(read('tdx/gotdx_quote_v5_sample.dat')))
    const own = chainText
    const chains: Array<[string[], string[]]> = [
      [[own[0]], ['chain']], [[own[0], own[1]], ['chain']], [[own[0], own[2]], ['chain']], [[own[1], own[2]], ['signature', 'chain']], [[own[2]], ['signature', 'chain']],
      [[foreign[0], own[1], own[2]], ['signature', 'chain']], [foreign, ['signature', 'chain']], [[own[0], foreign[1], own[2]], []], [[''], ['signature', 'chain']], [['garbage'], ['signature', 'chain']],
      [[own[0].slice(0, 200), own[1], own[2]], ['signature', 'chain']], [pemBlocks(sound.tcb_info_issuer_chain), ['signature', 'chain']]
    ]
    for (const [pem, wanted] of chains) {
      const report = judge({ evidence: withChain(pem.join('')), collateral: utf8(JSON.stringify(sound)) })
      const text = pem.join('')
      // What did not come at all is absent rather than wrong.
      const found = text === '' ? notPassed(report).filter(name => wanted.includes(name)) : report.checks.filter(check => check.result === 'fail').map(check => check.name)
      expect(found, text.slice(27, 60)).to.deep.equal(wanted)
      expect(report.verdict).to.equal(wanted.length === 0 ? 'verified' : 'refused')
    }
    const unchained = quote.slice()
    unchained[chainAt - 6] = 1
    expect(notPassed(judge({ evidence: unchained, collateral: utf8(JSON.stringify(sound)) }))).to.include.members(['signature', 'chain'])
  })

  it('an SEV-SNP report finds its key and chain among all of AMD\'s files', () => {
    const files = ['ask_ark_genoa.pem', 'ask_ark_genoa_vlek.pem', 'ask_ark_milan.pem', 'ask_ark_milan_vlek.pem', 'ask_ark_turin_vcek.pem', 'test-vcek.der', 'test-vlek.der', 'vcek.testcer', 'test-vcek-invalid-new.der'].map(name => read(`sev/${name}`))
    for (const [name, wanted] of [['test-report.bin', ['revocation']], ['attestation.bin', ['revocation', 'policy']], ['test-vlek-report.bin', ['revocation', 'policy']]] as const) {
      for (const chain of [files, files.slice().reverse()]) {
        const report = judge({ evidence: read(`sev/${name}`), chain, at: '2025-06-01T00:00:00Z' })
        expect(notPassed(report), name).to.deep.equal(wanted)
        expect(report.claims).to.not.equal(null)
      }
      const report = judge({ evidence: utf8(toHex(read(`sev/${name}`))), chain: files, collateral: utf8(JSON.stringify(sound)), at: '2025-06-21T00:00:00Z' })
      expect(notPassed(report), 'Intel\'s lists say nothing of AMD\'s keys').to.include('revocation')
    }
  })

  it('an SEV-SNP report is refused with an incomplete chain, and is none with a byte more or less', () => {
    const evidence = read('sev/test-report.bin')
    const at = '2025-01-01T00:00:00Z'
    const issuers = pemBlocks(new TextDecoder().decode(read('sev/ask_ark_milan.pem')))
    const key = read('sev/test-vcek.der')
    for (const chain of [[key], [key, utf8(issuers[0])], [key, utf8(issuers[1])], [utf8(issuers.join(''))], []]) {
      expect(notPassed(judge({ evidence, chain, at }))).to.include('chain')
    }
    expect(notPassed(judge({ evidence, chain: [utf8(issuers.reverse().join('')), key], at }))).to.deep.equal(['revocation'])
    for (const bytes of [evidence.subarray(1), evidence.subarray(0, -1), new Uint8Array([...evidence, 0])]) {
      expect(() => judge({ evidence: bytes, chain: [key], at })).to.throw().with.property('code', 'evidence_malformed')
    }
  })
})
