import { createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { LIMITS, MAINNET, devnetPreset, reportDataOf } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { devnetPolicy, parsePolicy, productionPolicy, verifyAttestation } from '../../src/index.ts'
import { NOW_MS, bindingOf, collateral, inputOf, network, platform } from './samples.ts'
import type { AttestationInput } from '../../src/index.ts'

function failedCodes (input: AttestationInput): unknown[] {
  const verdict = verifyAttestation(input)
  const failed = verdict.checks.filter(check => check.result === 'fail')
  expect(verdict.ok).to.equal(failed.length === 0)
  return failed.map(check => check.code)
}

describe('verify attestation', () => {
  it('accepts simulated evidence on a devnet and calls it simulated', () => {
    const verdict = verifyAttestation(inputOf())
    expect(verdict.ok).to.be.true()
    expect(verdict.tier).to.equal('simulated')
    expect(verdict.bindingHash).to.match(/^[0-9a-f]{64}$/)
    expect(verdict.checks.map(check => check.message).join()).to.include('not private')
  })

  it('accepts a provider without evidence on a devnet and calls it open', () => {
    const verdict = verifyAttestation(inputOf({ evidenceKind: 'none' }, { evidence: new Uint8Array() }))
    expect(verdict.ok).to.be.true()
    expect(verdict.tier).to.equal('open')
  })

  it('refuses each fault under its own code', () => {
    const other = devnetPreset(new Uint8Array(32))
    const faults: Array<[AttestationInput, string]> = [
      [inputOf({}, { binding: new Uint8Array([0xa0]) }), 'frame_malformed'],
      [inputOf({}, { binding: new Uint8Array(20_000) }), 'frame_too_large'],
      [inputOf({ networkId: other.networkId }), 'wrong_network'],
      [inputOf({}, { remotePeerKey: new Uint8Array(36) }), 'wrong_peer'],
      [inputOf({}, { nowMs: NOW_MS + LIMITS.bindingLifeMs }), 'expired'],
      [inputOf({ notAfterMs: bindingOf().notAfterMs + 1 }), 'evidence_refused'],
      [inputOf({ beacon: { ...bindingOf().beacon, atMs: NOW_MS + 60_001 } }), 'not_yet_valid'],
      [inputOf({}, { trust: { beaconKnown: () => false } }), 'evidence_refused'],
      [inputOf({}, { challenge: { nonce: new Uint8Array(32), answer: inputOf().challenge.answer } }), 'challenge_failed'],
      [inputOf({}, { localPeer: new Uint8Array(38) }), 'challenge_failed'],
      [inputOf({}, { remotePeer: new Uint8Array(38) }), 'challenge_failed'],
      [inputOf({}, { evidence: new Uint8Array() }), 'evidence_missing'],
      [inputOf({}, { evidence: new Uint8Array([1]) }), 'evidence_malformed'],
      [inputOf({}, { evidence: new Uint8Array(1_000_000) }), 'evidence_malformed'],
      [inputOf({ evidenceKind: 'tdx' }), 'evidence_kind_refused'],
      [inputOf({}, { policy: parsePolicy({ ...devnetPolicy(network), simulationRoots: [] }) }), 'evidence_refused'],
      [inputOf({}, { policy: devnetPolicy(other) }), 'evidence_refused'],
      [inputOf({}, { policy: parsePolicy({ ...devnetPolicy(network), measurements: ['00'.repeat(32)] }) }), 'evidence_refused'],
      [inputOf({}, { evidence: platform.quote(reportDataOf(new Uint8Array([1]))) }), 'report_data_mismatch'],
      [inputOf({}, { evidence: createTdxTestPlatform({ seed: new Uint8Array(32), atMs: NOW_MS }).quote(reportDataOf(inputOf().binding)) }), 'evidence_refused']
    ]
    for (const [input, code] of faults) {
      expect(failedCodes(input)).to.deep.equal([code])
    }
  })

  it('reports every reason, not only the first', () => {
    const codes = failedCodes(inputOf({}, { remotePeerKey: new Uint8Array(36), evidence: new Uint8Array([1]), localPeer: new Uint8Array(1) }))
    expect(codes).to.deep.equal(['wrong_peer', 'challenge_failed', 'evidence_malformed'])
  })

  it('an unchecked beacon is reported, and refused where the policy demands one', () => {
    const policy = parsePolicy({ ...devnetPolicy(network), requireBeacon: true })
    expect(failedCodes(inputOf({}, { policy }))).to.deep.equal(['evidence_refused'])
    expect(failedCodes(inputOf({}, { policy, trust: { beaconKnown: () => true } }))).to.deep.equal([])
    expect(verifyAttestation(inputOf()).checks.find(check => check.name === 'beacon')?.result).to.equal('absent')
  })

  it('refuses a beacon that is older than the policy allows', () => {
    const ageMs = NOW_MS - bindingOf().beacon.atMs
    const within = (mostEvidenceAgeMs: number | null): AttestationInput => inputOf({}, { policy: parsePolicy({ ...devnetPolicy(network), mostEvidenceAgeMs }) })
    expect([null, ageMs].map(bound => failedCodes(within(bound)))).to.deep.equal([[], []])
    expect(failedCodes(within(ageMs - 1))).to.deep.equal(['expired'])
    expect(verifyAttestation(within(ageMs - 1)).checks.find(({ result }) => result === 'fail')?.message).to.include('the devnet policy allows')
  })

  it('names the policy whose allow-list and floor refuse', () => {
    const messages = (change: object): Array<string | undefined> => verifyAttestation(inputOf({}, { policy: { ...devnetPolicy(network), name: 'house', ...change } }))
      .checks.filter(({ result }) => result === 'fail').map(({ message }) => message)
    expect(messages({ measurements: [] })).to.deep.equal(['the measurement is not on the allow-list of the house policy'])
    expect(messages({ evaluationFloors: [{ from: '1970-01-01T00:00:00Z', number: 18 }] })).to.deep.equal([])
    expect(messages({ evaluationFloors: [{ from: '1970-01-01T00:00:00Z', number: 19 }] }).join()).to.include('is below 19, the floor of the house policy')
  })

  it('simulated evidence passes on no other network, whatever the policy says', () => {
    const mainnet = { ...MAINNET, networkId: bindingOf().networkId }
    expect(failedCodes(inputOf({}, { network: mainnet }))).to.include('evidence_kind_refused')
  })

  it('no mutation of simulated evidence passes the production policy', function () {
    this.timeout(30_000)
    // Nothing stands between the evidence and production but its root: its measurement is listed, its beacon known.
    const measured = verifyAttestation(inputOf()).report?.claims?.measurementDigest
    const policy = parsePolicy({ ...productionPolicy, measurements: [measured] })
    const production = { policy, network: { ...MAINNET, networkId: network.networkId }, trust: { beaconKnown: () => true } }
    const bases = (['tdx', 'snp', 'simulated', 'none'] as const).map(evidenceKind => inputOf({ evidenceKind }, production))
    const damage = fc.record({ turns: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 4 }), cut: fc.option(fc.nat(), { freq: 4 }) })
    const damaged = (bytes: Uint8Array, { turns, cut }: { turns: Array<[number, number]>, cut: number | null }): Uint8Array => {
      const out = bytes.slice(0, cut == null ? undefined : cut % (bytes.byteLength + 1))
      for (const [at, mask] of turns) {
        if (out.byteLength > 0) {
          out[at % out.byteLength] ^= mask
        }
      }
      return out
    }
    fc.assert(fc.property(fc.constantFrom(...bases), damage, damage, fc.boolean(), (base, ofEvidence, ofCollateral, gpu) => {
      const evidence = damaged(base.evidence, ofEvidence)
      const verdict = verifyAttestation({ ...base, evidence, gpuEvidence: gpu ? evidence : null, collateral: damaged(collateral, ofCollateral) })
      expect(verdict.ok).to.be.false()
      expect(verdict.tier).to.equal('open')
    }), { numRuns: 200 })
  })

  it('no flipped bit of what is signed passes', () => {
    const base = inputOf()
    const signedBytes = 632 + 4 + 128
    for (let bit = 0; bit < signedBytes * 8; bit += 31) {
      const evidence = base.evidence.slice()
      evidence[bit >> 3] ^= 1 << (bit & 7)
      expect(verifyAttestation({ ...base, evidence }).ok).to.be.false()
    }
  })
})

describe('policy', () => {
  it('is data: unknown keys and bad values are refused with their names', () => {
    expect(parsePolicy({ name: 'mine', allowedKinds: ['tdx'] }).requireBeacon).to.be.true()
    for (const bad of [{}, null, { name: 'x', allowedKinds: [] }, { name: 'x', allowedKinds: ['sgx!'] }, { name: 'x', allowedKinds: ['tdx'], extra: 1 }, { name: 'x', allowedKinds: ['tdx'], simulationRoots: ['ab'] }, { name: 'x\u001b[2J', allowedKinds: ['tdx'] }]) {
      expect(() => parsePolicy(bad)).to.throw(/^policy\b/).with.property('code', 'policy_invalid')
    }
    expect(() => parsePolicy({ name: 'x', allowedKinds: ['tdx'], evaluationFloors: [{ from: 'soon', number: 1 }] })).to.throw('policy.evaluationFloors.0.from: ')
  })

  it('without floors of its own has those of production, and none where it says so', () => {
    const mine = { name: 'mine', allowedKinds: ['tdx'] }
    expect(parsePolicy(mine).evaluationFloors).to.deep.equal(productionPolicy.evaluationFloors)
    expect(parsePolicy({ ...mine, evaluationFloors: [] }).evaluationFloors).to.deep.equal([])
  })

  it('production allows hardware only and demands a beacon', () => {
    expect(productionPolicy.allowedKinds).to.deep.equal(['tdx', 'snp'])
    expect(productionPolicy.simulationRoots).to.deep.equal([])
    expect(productionPolicy.requireBeacon).to.be.true()
    expect(Object.isFrozen(productionPolicy)).to.be.true()
  })
})
