import { createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { expect } from 'aegir/chai'
import { parsePolicy, productionPolicy } from '../../src/index.ts'
import { verifyEvidenceUnder } from '../../src/testing.ts'
import type { EvidenceInput, EvidenceReport } from '../../src/index.ts'
import type { TestTd } from '@cocoon-net/attestation-simulated'

type Json = Record<string, unknown>
interface Level { tcb: { sgxtcbcomponents: Array<{ svn: number }>, pcesvn: number, tdxtcbcomponents: Array<{ svn: number }> }, tcbDate: string, tcbStatus: string, advisoryIDs?: string[] }

const AT = Date.UTC(2026, 5, 1)
const DAY = 86_400_000
const platform = createTdxTestPlatform({ seed: new Uint8Array(32).fill(1), atMs: AT })
const roots = { intel: [platform.rootSpkiHash], amd: { Milan: [], Genoa: [], Turin: [] }, nvidia: [], nvidiaManifests: [] }
const evidence = platform.quote(new Uint8Array(64))

interface Init {
  info?(info: Json): Json
  identity?(identity: Json): Json
  readonly td?: TestTd
  readonly atMs?: number
  readonly policy?: Json
  readonly knownVersions?: EvidenceInput['knownVersions']
}

function judge (init: Init = {}): EvidenceReport {
  return verifyEvidenceUnder(roots, {
    evidence: init.td == null ? evidence : platform.quote(new Uint8Array(64), { version: 5, td: init.td }),
    collateral: platform.collateral({ tcbInfo: init.info, qeIdentity: init.identity }),
    atMs: init.atMs ?? AT,
    policy: parsePolicy({ ...productionPolicy, ...init.policy }),
    knownVersions: init.knownVersions
  })
}

const statusOf = (init: Init): string | null => judge(init).tcbStatus
const passes = (init: Init): boolean => judge(init).verdict === 'verified'
const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z')

/** The first level of the TCB info, the one that the platform meets exactly, changed. */
function firstLevel (change: (level: Level) => Level): Init {
  return { info: info => ({ ...info, tcbLevels: (info.tcbLevels as Level[]).map((level, i) => i === 0 ? change(level) : level) }) }
}

function withComponent (kind: 'sgxtcbcomponents' | 'tdxtcbcomponents', index: number, svn: number): Init {
  return firstLevel(level => ({ ...level, tcb: { ...level.tcb, [kind]: level.tcb[kind].map((one, i) => i === index ? { svn } : one) } }))
}

function td (svn: number, version: number, rest = 5): TestTd {
  return { teeTcbSvn: new Uint8Array(16).fill(rest).fill(svn, 0, 1).fill(version, 1, 2) }
}

describe('Intel\'s rules at their boundaries', () => {
  it('each component of a level: met, above, one below', () => {
    for (const kind of ['sgxtcbcomponents', 'tdxtcbcomponents'] as const) {
      for (let i = 0; i < 16; i++) {
        // Of a module with an identity of its own, the first two components say its version and svn, judged by that identity.
        const counts = kind === 'sgxtcbcomponents' || i > 1
        expect([4, 5, 6].map(svn => statusOf(withComponent(kind, i, svn))), `${kind} ${i}`).to.deep.equal(['UpToDate', 'UpToDate', counts ? 'OutOfDate' : 'UpToDate'])
      }
    }
  })

  it('the PCE: met, above, one below', () => {
    const pce = (pcesvn: number): Init => firstLevel(level => ({ ...level, tcb: { ...level.tcb, pcesvn } }))
    expect([12, 13, 14].map(svn => statusOf(pce(svn)))).to.deep.equal(['UpToDate', 'UpToDate', 'OutOfDate'])
  })

  it('a level without components for TDX matches no TD', () => {
    expect(statusOf(firstLevel(level => ({ ...level, tcb: { sgxtcbcomponents: level.tcb.sgxtcbcomponents, pcesvn: 0 } as unknown as Level['tcb'] })))).to.equal('OutOfDate')
  })

  it('a module of version 0 has no levels of its own, and then all components count', () => {
    expect(statusOf({ td: td(5, 0) })).to.equal(null)
    const oldInfo = (first: number): Init => ({
      td: td(5, 0),
      info: info => ({ ...info, tcbLevels: (info.tcbLevels as Level[]).map(level => ({ ...level, tcb: { ...level.tcb, tdxtcbcomponents: [{ svn: first }, { svn: 0 }, ...level.tcb.tdxtcbcomponents.slice(2)] } })) })
    })
    expect([4, 5, 6].map(svn => statusOf(oldInfo(svn)))).to.deep.equal(['UpToDate', 'UpToDate', null])
    expect(statusOf({ ...oldInfo(5), info: info => ({ ...oldInfo(5).info?.(info), tdxModule: undefined }) })).to.equal(null)
  })

  it('the module\'s svn: at a level, above, one below', () => {
    expect([6, 5, 4, 2, 1].map(svn => statusOf({ td: td(svn, 1) }))).to.deep.equal(['UpToDate', 'UpToDate', 'OutOfDate', 'OutOfDate', null])
  })

  it('the module that runs now, from TDX 1.5 on: its svns are matched beside those of the launch, and the worse counts', () => {
    const now = (at: TestTd, then: TestTd = {}): string | null => statusOf({ td: { ...then, teeTcbSvn2: at.teeTcbSvn } })
    expect([6, 5, 4, 2, 1].map(svn => now(td(svn, 1)))).to.deep.equal(['UpToDate', 'UpToDate', 'OutOfDate', 'OutOfDate', null])
    expect([6, 5, 4, 3, 2].map(rest => now(td(5, 1, rest)))).to.deep.equal(['UpToDate', 'UpToDate', 'OutOfDate', 'OutOfDate', null])
    expect(now(td(5, 2))).to.equal(null)
    expect([now(td(5, 1), td(4, 1)), now(td(4, 1), td(5, 1)), now(td(5, 1), td(1, 1))]).to.deep.equal(['OutOfDate', 'OutOfDate', null])
    expect(judge({ td: { teeTcbSvn2: td(1, 1).teeTcbSvn } }).reasons.map(({ message }) => message)).to.deep.equal(['the TDX module is below every TCB level'])
    expect(judge({ td: { teeTcbSvn2: td(9, 1).teeTcbSvn } }).claims).to.include({ teeTcbSvn2: `0901${'05'.repeat(14)}` })
  })

  it('the module\'s identity: another signer, attributes under the mask', () => {
    const module = (change: Json): Init => ({ info: info => ({ ...info, tdxModuleIdentities: (info.tdxModuleIdentities as Json[]).map(one => ({ ...one, ...change })) }) })
    expect(statusOf(module({ mrsigner: '01'.repeat(48) }))).to.equal(null)
    expect(statusOf(module({ attributes: '0100000000000000' }))).to.equal(null)
    expect(statusOf(module({ attributes: '0100000000000000', attributesMask: '00FFFFFFFFFFFFFF' }))).to.equal(null)
    expect(statusOf(module({ attributesMask: '00'.repeat(8) }))).to.equal('UpToDate')
    expect(statusOf(module({ id: 'TDX_02' }))).to.equal(null)
    expect(statusOf(module({ id: 'TDX_01', tcbLevels: [] }))).to.equal(null)
  })

  it('the quoting enclave: svn at the level, above, one below; every field of the identity', () => {
    const qe = (change: Json): Init => ({ identity: one => ({ ...one, ...change }) })
    const level = (isvsvn: number): Json => ({ tcbLevels: [{ tcb: { isvsvn }, tcbDate: iso(AT - 100 * DAY), tcbStatus: 'UpToDate' }] })
    expect([3, 4, 5].map(svn => statusOf(qe(level(svn))))).to.deep.equal(['UpToDate', 'UpToDate', null])
    const others: Json[] = [
      { miscselect: '00000001' }, { attributes: '10000000000000000000000000000000' }, { mrsigner: '00'.repeat(32) }, { isvprodid: 1 }, { isvprodid: 3 },
      { attributesMask: 'FF'.repeat(16), attributes: '11000000000000000000000000000000' }
    ]
    for (const change of others) {
      expect(statusOf(qe(change)), JSON.stringify(change)).to.equal(null)
    }
    expect(statusOf(qe({ miscselect: '00000000', miscselectMask: '00000000' }))).to.equal('UpToDate')
  })

  it('statuses merge to the worst', () => {
    const both = (platformStatus: string, moduleStatus: string): Init => ({
      info: info => ({
        ...info,
        tcbLevels: (info.tcbLevels as Level[]).map(level => ({ ...level, tcbStatus: platformStatus })),
        tdxModuleIdentities: (info.tdxModuleIdentities as Array<{ tcbLevels: Level[] }>).map(one => ({ ...one, tcbLevels: one.tcbLevels.map(level => ({ ...level, tcbStatus: moduleStatus })) }))
      })
    })
    const table: Array<[string, string, string]> = [
      ['UpToDate', 'UpToDate', 'UpToDate'], ['UpToDate', 'OutOfDate', 'OutOfDate'], ['SWHardeningNeeded', 'UpToDate', 'SWHardeningNeeded'], ['SWHardeningNeeded', 'OutOfDate', 'OutOfDate'],
      ['ConfigurationNeeded', 'UpToDate', 'ConfigurationNeeded'], ['ConfigurationNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'],
      ['ConfigurationAndSWHardeningNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'], ['OutOfDateConfigurationNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'],
      ['OutOfDate', 'OutOfDate', 'OutOfDate'], ['OutOfDate', 'UpToDate', 'OutOfDate'], ['Revoked', 'UpToDate', 'Revoked'], ['UpToDate', 'Revoked', 'Revoked']
    ]
    for (const [platformStatus, moduleStatus, wanted] of table) {
      expect(statusOf(both(platformStatus, moduleStatus)), `${platformStatus} with ${moduleStatus}`).to.equal(wanted)
      expect(passes(both(platformStatus, moduleStatus))).to.equal(wanted === 'UpToDate')
      expect(passes({ ...both(platformStatus, moduleStatus), policy: { tcbStatuses: [wanted] } }), 'no policy takes what is revoked').to.equal(wanted !== 'Revoked')
    }
  })

  it('signed JSON holds from its issue to its end, to the millisecond', () => {
    for (const which of ['info', 'identity'] as const) {
      const dated: Init = { [which]: (one: Json) => ({ ...one, issueDate: iso(AT), nextUpdate: iso(AT + 5_000) }) }
      expect([AT - 1, AT, AT + 5_000, AT + 5_001].map(atMs => passes({ ...dated, atMs })), which).to.deep.equal([false, true, true, false])
    }
  })

  it('refuses dates that are none, and versions and shapes that are not known', () => {
    for (const change of [{ issueDate: '2026-05-31' }, { nextUpdate: '2026-06-31 00:00:00Z' }, { nextUpdate: '2026-13-01T00:00:00Z' }, { version: 4 }, { tcbType: 1 }, { tcbEvaluationDataNumber: -1 }, { tcbLevels: null }, { fmspc: '00906ED500' }]) {
      expect(statusOf({ info: info => ({ ...info, ...change }) }), JSON.stringify(change)).to.equal(null)
    }
    for (const change of [{ version: 1 }, { mrsigner: '' }, { isvprodid: 65_536 }, { tcbLevels: [{}] }]) {
      expect(statusOf({ identity: one => ({ ...one, ...change }) }), JSON.stringify(change)).to.equal(null)
    }
  })

  it('floors begin on their day, and hold for TCB info and QE identity alike', () => {
    const floor = (number: number, fromMs: number): Json => ({ evaluationFloors: [{ from: new Date(fromMs).toISOString(), number }] })
    expect([17, 18, 19].map(number => passes({ policy: floor(number, AT) }))).to.deep.equal([true, true, false])
    expect([AT - 1, AT, AT + 1].map(fromMs => passes({ policy: floor(19, fromMs) }))).to.deep.equal([false, false, true])
    for (const which of ['info', 'identity'] as const) {
      expect(passes({ [which]: (one: Json) => ({ ...one, tcbEvaluationDataNumber: 17 }) })).to.be.false()
      expect(passes({ [which]: (one: Json) => ({ ...one, tcbEvaluationDataNumber: 19 }) })).to.be.true()
    }
    expect(productionPolicy.evaluationFloors).to.deep.equal([{ from: '2025-06-01T00:00:00Z', number: 17 }, { from: '2026-03-01T00:00:00Z', number: 18 }])
  })

  it('production\'s floors: 17 from the first millisecond of 2025-06-01, 18 from that of 2026-03-01', () => {
    const verdicts = (number: number, fromMs: number): boolean[] => [fromMs - 1, fromMs].map(atMs => {
      const then = createTdxTestPlatform({ seed: new Uint8Array(32).fill(1), atMs: fromMs })
      const dated = (one: Json): Json => ({ ...one, tcbEvaluationDataNumber: number })
      return verifyEvidenceUnder(roots, { evidence: then.quote(new Uint8Array(64)), collateral: then.collateral({ tcbInfo: dated, qeIdentity: dated }), atMs, policy: productionPolicy }).verdict === 'verified'
    })
    expect([15, 16, 17].map(number => verdicts(number, Date.UTC(2025, 5, 1)))).to.deep.equal([[true, false], [true, false], [true, true]])
    expect([16, 17, 18].map(number => verdicts(number, Date.UTC(2026, 2, 1)))).to.deep.equal([[false, false], [true, false], [true, true]])
  })

  it('what was seen before is a floor', () => {
    for (const key of ['tcb/TDX/00906ED50000', 'qe/TD_QE']) {
      expect([17, 18, 19].map(number => passes({ knownVersions: { [key]: number } })), key).to.deep.equal([true, true, false])
    }
    const reasons = (init: Init): string[] => judge(init).reasons.map(({ message }) => message)
    const below = 'the evaluation number of qe/TD_QE is below 19'
    expect(reasons({ knownVersions: { 'qe/TD_QE': 19 } })).to.deep.equal([below])
    expect(reasons({ knownVersions: { 'qe/TD_QE': 19 }, policy: { evaluationFloors: [{ from: iso(0), number: 19 }] } }).at(-1)).to.equal(below)
    expect(reasons({ policy: { evaluationFloors: [{ from: iso(0), number: 19 }] } }).at(-1)).to.equal(`${below}, the floor of the production policy`)
    expect(passes({ knownVersions: { 'tcb/SGX/00906ED50000': 19, 'tcb/TDX/000000000000': 19, 'qe/QE': 19 } })).to.be.true()
    expect(judge().collateralVersions).to.deep.equal({ 'tcb/TDX/00906ED50000': 18, 'qe/TD_QE': 18 })
  })

  it('a grace window ends to the millisecond, counted from the newest level that the platform misses', () => {
    const old: Init = { ...withComponent('sgxtcbcomponents', 0, 6), policy: { outOfDateGraceMs: 50 * DAY } }
    const newestMs = AT - 30 * DAY
    const dated: Init = { ...old, info: info => ({ ...info, tcbLevels: ((old.info?.(info) ?? info).tcbLevels as Level[]).map((level, i) => ({ ...level, tcbDate: iso(i === 0 ? newestMs : AT - 400 * DAY) })), issueDate: iso(AT - 40 * DAY), nextUpdate: iso(AT + 60 * DAY) }) }
    const ends = newestMs + 50 * DAY
    expect([ends - 1, ends, ends + 1].map(atMs => passes({ ...dated, atMs }))).to.deep.equal([true, true, false])
    expect(judge({ ...dated, atMs: ends - 1 }).freshUntilMs).to.equal(ends)
  })

  it('says until when it holds: the first end of what it rests on, or a floor to come', () => {
    expect(judge().freshUntilMs).to.equal(AT + 29 * DAY)
    expect(judge({ info: info => ({ ...info, nextUpdate: iso(AT + DAY) }) }).freshUntilMs).to.equal(AT + DAY)
    const floors = (number: number): Json => ({ evaluationFloors: [{ from: iso(AT + 1_000), number }] })
    expect(judge({ policy: floors(19) }).freshUntilMs).to.equal(AT + 999)
    expect(judge({ policy: floors(18) }).freshUntilMs).to.equal(AT + 29 * DAY)
  })

  const bits = (...set: number[]): Uint8Array => {
    const out = new Uint8Array(8)
    for (const bit of set) {
      out[bit >> 3] |= 1 << (bit & 7)
    }
    return out
  }
  const all = Array.from({ length: 64 }, (_, bit) => bit)

  it('TD attributes: each bit by itself, beside SEPT_VE_DISABLE', () => {
    expect(all.filter(bit => passes({ td: { attributes: bits(28, bit) } }))).to.deep.equal([27, 28, 30, 31, 63])
  })

  it('XFAM: each bit by itself, beside x87 and SSE', () => {
    expect(all.filter(bit => passes({ td: { xfam: bits(0, 1, bit) } }))).to.deep.equal([0, 1, 2, 5, 6, 7, 8, 9, 11, 12, 14, 15, 17, 18])
    expect([bits(), bits(0), bits(1)].map(xfam => passes({ td: { xfam } }))).to.deep.equal([false, false, false])
  })
})
