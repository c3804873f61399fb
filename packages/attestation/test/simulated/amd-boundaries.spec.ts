import { createSnpTestPlatform } from '@cocoon-net/attestation-simulated'
import { expect } from 'aegir/chai'
import { parsePolicy, productionPolicy } from '../../src/index.ts'
import { verifyEvidenceUnder } from '../../src/testing.ts'
import type { EvidenceReport } from '../../src/index.ts'
import type { SnpTestPlatform, TestSnpReport } from '@cocoon-net/attestation-simulated'

const AT = Date.UTC(2026, 5, 1)
const PRODUCTS = ['Milan', 'Genoa', 'Turin'] as const
const seed = new Uint8Array(32).fill(1)

describe('AMD\'s rules at their boundaries', () => {
  const platforms = new Map<string, SnpTestPlatform>()
  const platformOf = (product: typeof PRODUCTS[number], kind: 'vcek' | 'vlek' = 'vcek'): SnpTestPlatform => {
    const key = `${product} ${kind}`
    const platform = platforms.get(key) ?? createSnpTestPlatform({ seed, atMs: AT, product, kind })
    platforms.set(key, platform)
    return platform
  }
  const judge = (product: typeof PRODUCTS[number], init: { kind?: 'vcek' | 'vlek', report?: TestSnpReport, policy?: unknown, chain?: Uint8Array, under?: typeof PRODUCTS[number], evidence?: Uint8Array } = {}): EvidenceReport => {
    const platform = platformOf(product, init.kind)
    const amd = { Milan: [] as string[], Genoa: [] as string[], Turin: [] as string[] }
    amd[init.under ?? product] = [platform.rootSpkiHash]
    return verifyEvidenceUnder({ intel: [], amd, nvidia: [] }, {
      evidence: init.evidence ?? platform.report(new Uint8Array(64), init.report),
      chain: [init.chain ?? platform.chain()],
      atMs: AT,
      policy: parsePolicy({ ...productionPolicy, ...(init.policy ?? {}) })
    })
  }
  const faults = (report: EvidenceReport): string[] => report.checks.filter(check => check.result === 'fail').map(check => `${check.name}: ${check.message}`)

  for (const product of PRODUCTS) {
    for (const kind of ['vcek', 'vlek'] as const) {
      it(`${product} with a ${kind.toUpperCase()} verifies`, () => {
        const report = judge(product, { kind })
        expect(faults(report)).to.deep.equal([])
        expect(report.verdict).to.equal('verified')
        expect(report.claims).to.include({ product, signingKey: kind })
      })
    }

    it(`${product}: a minimum of each part, met, above, one below`, () => {
      const tcb = { fmc: product === 'Turin' ? 1 : 0, bootLoader: 4, tee: 0, snp: 24, microcode: 219 }
      for (const [part, level] of Object.entries(tcb)) {
        const minimum = (value: number): unknown => ({ snpMinimumTcb: { [product]: { [part]: value } } })
        expect(judge(product, { policy: minimum(level) }).tcbStatus).to.equal('UpToDate')
        expect(judge(product, { policy: minimum(Math.max(level - 1, 0)) }).verdict).to.equal('verified')
        expect(faults(judge(product, { policy: minimum(level + 1) }))).to.deep.equal([`tcb: the TCB is below the minimum (${part})`])
      }
      expect(judge(product).tcbStatus).to.equal(null)
    })

    it(`${product}: the level of the key and that of the report, equal and one apart`, () => {
      expect(faults(judge(product, { report: { snpSvn: 23 } }))).to.deep.equal(['tcb: the endorsement key is for another TCB (snp)'])
      expect(faults(judge(product, { report: { snpSvn: 25 } }))).to.deep.equal(['tcb: the endorsement key is for another TCB (snp)'])
    })
  }

  it('a root speaks for its own product', () => {
    for (const [product, under] of [['Milan', 'Genoa'], ['Genoa', 'Turin'], ['Turin', 'Milan']] as const) {
      expect(faults(judge(product, { under }))).to.deep.equal(['chain: the chain is not that of an endorsement key'])
    }
    const named = (productName: string): string[] => faults(judge('Genoa', { chain: platformOf('Genoa').chain({ productName }) }))
    for (const name of ['Milan-B0', 'Turin', 'Genoan', 'Sienas-B0', '-Genoa', '']) {
      expect(named(name), name).to.deep.equal(['chain: the endorsement key is of another product than its root'])
    }
    for (const name of ['Genoa', 'Genoa-B1', 'Bergamo-B0', 'Siena', 'Siena-B2']) {
      expect(named(name), name).to.deep.equal([])
    }
    expect(faults(judge('Milan', { chain: platformOf('Milan').chain({ productName: 'Siena' }) }))).to.have.lengthOf(1)
  })

  it('a key of one kind is no key of the other', () => {
    expect(faults(judge('Genoa', { chain: platformOf('Genoa').chain({ caName: 'SEV-VLEK-Genoa' }) }))).to.deep.equal(['chain: the chain is not that of an endorsement key'])
    expect(faults(judge('Genoa', { report: { keyInfo: 4 } }))).to.deep.equal(['tcb: the report names another kind of key'])
    expect(faults(judge('Genoa', { kind: 'vlek', report: { keyInfo: 0 } }))).to.deep.equal(['tcb: the report names another kind of key'])
    expect(faults(judge('Genoa', { report: { keyInfo: 8 } }))).to.deep.equal(['tcb: the report names another kind of key'])
    expect(faults(judge('Genoa', { report: { version: 2, keyInfo: 4 } }))).to.deep.equal(['tcb: the report names another kind of key'])
    expect(faults(judge('Genoa', { kind: 'vlek', report: { version: 2, keyInfo: 0 } }))).to.deep.equal(['tcb: the report names another kind of key'])
  })

  it('CPUID: the models of each product, and those beside them', () => {
    const other = ['tcb: the report is of another product than the endorsement key']
    const table: Array<[typeof PRODUCTS[number], number, number, boolean]> = [
      ['Milan', 0x19, 0x00, true], ['Milan', 0x19, 0x0f, true], ['Milan', 0x19, 0x10, false], ['Milan', 0x18, 0x01, false], ['Milan', 0x1a, 0x01, false],
      ['Genoa', 0x19, 0x0f, false], ['Genoa', 0x19, 0x10, true], ['Genoa', 0x19, 0x1f, true], ['Genoa', 0x19, 0x20, false],
      ['Genoa', 0x19, 0x9f, false], ['Genoa', 0x19, 0xa0, true], ['Genoa', 0x19, 0xaf, true], ['Genoa', 0x19, 0xb0, false], ['Genoa', 0x1a, 0x11, false],
      ['Turin', 0x1a, 0x00, true], ['Turin', 0x1a, 0x11, true], ['Turin', 0x1a, 0x12, false], ['Turin', 0x19, 0x02, false]
    ]
    for (const [product, family, model, fits] of table) {
      expect(faults(judge(product, { report: { family, model } })), `${product} ${family} ${model}`).to.deep.equal(fits ? [] : other)
    }
    expect(faults(judge('Genoa', { report: { version: 2, family: 0, model: 0 } }))).to.deep.equal([])
  })

  it('the chip: every byte that the key names', () => {
    for (const [product, bytes] of [['Milan', 64], ['Turin', 8]] as const) {
      for (const at of [0, bytes - 1]) {
        const chipId = new Uint8Array(64).fill(0x51, 0, bytes)
        chipId[at] ^= 1
        expect(faults(judge(product, { report: { chipId } }))).to.deep.equal(['tcb: the endorsement key is of another chip'])
      }
    }
    const masked = judge('Milan', { kind: 'vlek', report: { chipId: new Uint8Array(64) } })
    expect(masked.verdict).to.equal('verified')
    expect(masked.claims).to.not.have.property('processorIdHash')
    expect(judge('Milan', { kind: 'vlek' }).claims).to.have.property('processorIdHash')
  })

  it('the chip\'s id stands bare in the key, or as an octet string of its own size, and in no other way', () => {
    for (const [product, bytes] of [['Milan', 64], ['Turin', 8]] as const) {
      const id = new Uint8Array(bytes).fill(0x51)
      const judgeId = (chipIdExtension: Uint8Array): string[] => faults(judge(product, { chain: platformOf(product).chain({ chipIdExtension }) }))
      for (const good of [id, Uint8Array.from([4, bytes, ...id])]) {
        expect(judgeId(good)).to.deep.equal([])
      }
      for (const bad of [[5, bytes, ...id], [4, bytes - 1, ...id], [4, bytes, ...id, 0], [4, bytes, ...id.subarray(1)], [...id.subarray(1)], []]) {
        expect(judgeId(Uint8Array.from(bad)), `${product} ${bad.length}`).to.deep.equal(['chain: the endorsement key\'s extensions cannot be parsed'])
      }
    }
  })

  it('says what is absent, until when it holds, and is not moved by faults of what it does not use', () => {
    const platform = platformOf('Milan')
    const verify = (chain: Uint8Array[], collateral: Uint8Array[] = []): EvidenceReport => verifyEvidenceUnder({ intel: [], amd: { Milan: [platform.rootSpkiHash], Genoa: [], Turin: [] }, nvidia: [] }, {
      evidence: platform.report(new Uint8Array(64)), chain, collateral, atMs: AT, policy: productionPolicy
    })
    const found = (report: EvidenceReport, name: string): unknown[] => report.checks.filter(check => check.name === name).map(({ result, code }) => [result, code])
    expect(['signature', 'chain'].flatMap(name => found(verify([]), name))).to.deep.equal([['absent', 'evidence_missing'], ['absent', 'evidence_missing']])
    expect(['signature', 'chain'].flatMap(name => found(verify([new Uint8Array(1)]), name))).to.deep.equal([['absent', 'evidence_missing'], ['fail', 'evidence_refused']])
    expect(found(verify([platformOf('Genoa').chain()]), 'chain')).to.deep.equal([['fail', 'evidence_refused']])
    expect(found(verify([platform.chain({ crl: false })]), 'revocation')).to.deep.equal([['absent', 'collateral_missing']])
    expect(verify([platform.chain()]).freshUntilMs).to.equal(AT + 29 * 86_400_000)
    expect(verify([platform.chain()], [new TextEncoder().encode('{"tcbInfo":5}')]).verdict).to.equal('verified')
    expect(found(verify([platform.chain()], [new Uint8Array(1)]), 'revocation')).to.deep.equal([['fail', 'evidence_refused']])
  })

  it('guest policy: each bit by itself, beside the one that is always set', () => {
    const accepted = Array.from({ length: 64 }, (_, bit) => bit).filter(bit => judge('Milan', { report: { policy: (1n << 17n) | (1n << BigInt(bit)) } }).verdict === 'verified')
    expect(accepted).to.deep.equal(Array.from({ length: 26 }, (_, bit) => bit).filter(bit => bit !== 18 && bit !== 19))
    expect(faults(judge('Milan', { report: { policy: 0n } }))).to.deep.equal(['policy: reserved bits of the guest policy are wrong'])
  })

  it('VMPL 0 alone, and no migration agent in any byte', () => {
    for (const vmpl of [1, 2, 3, 0xffffffff]) {
      expect(faults(judge('Milan', { report: { vmpl } }))).to.deep.equal([`policy: the report was asked for at VMPL ${vmpl}`])
    }
    for (const at of [0, 31]) {
      const reportIdMa = new Uint8Array(32).fill(0xff)
      reportIdMa[at] = 0xfe
      expect(faults(judge('Milan', { report: { reportIdMa } }))).to.deep.equal(['policy: a migration agent may be associated'])
    }
  })

  it('versions 2 to 5, ECDSA P-384 alone, and scalars without a byte too many', () => {
    for (const version of [1, 6, 258]) {
      expect(() => judge('Milan', { report: { version } })).to.throw().with.property('code', 'evidence_malformed')
    }
    for (const algorithm of [0, 2]) {
      expect(faults(judge('Milan', { report: { algorithm } }))).to.deep.equal(['signature: the report is not signed by this endorsement key'])
    }
    for (const at of [0x2a0 + 48, 0x2a0 + 71, 0x2e8 + 48, 0x2e8 + 71]) {
      const evidence = platformOf('Milan').report(new Uint8Array(64))
      evidence[at] = 1
      expect(faults(judge('Milan', { evidence }))).to.deep.equal(['signature: the report is not signed by this endorsement key'])
    }
  })
})
