import { devnetPolicy, parsePolicy, productionPolicy } from '@cocoon-net/attestation'
import { CLIENT_VAULT_CODE_HASH, PROVIDER_STAKE_CODE_HASH, REGISTRY_NUMBERS } from '@cocoon-net/contracts'
import { MAINNET, devnetPreset, fromHex } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { judgeRegistry } from '../src/registry-judge.ts'
import { policyUnder, registryRules } from '../src/registry-rules.ts'
import { hash, registryState } from './registry-samples.ts'
import type { RegistryJudgement } from '../src/registry-judge.ts'
import type { RegistryEntry } from '@cocoon-net/contracts'

const OWN: readonly RegistryEntry[] = [{ kind: 'vaultCode', hash: fromHex(CLIENT_VAULT_CODE_HASH) }, { kind: 'stakeCode', hash: fromHex(PROVIDER_STAKE_CODE_HASH) }]
const DEVNET = devnetPreset(hash(1), hash(2))
const PUBLIC = { ...MAINNET, registry: hash(2) }

function judged (entries: readonly RegistryEntry[] = OWN, numbers: Array<[keyof typeof REGISTRY_NUMBERS, bigint]> = [], version = 1): RegistryJudgement {
  return judgeRegistry(registryState({ version, entries, numbers: new Map(numbers.map(([name, value]) => [REGISTRY_NUMBERS[name], value])) }), 0)
}

describe('a policy under a registry', () => {
  it('takes the registry\'s allow-list, and refuses everything when that is empty', () => {
    expect(policyUnder(productionPolicy, judged([{ kind: 'measurement', hash: hash(5) }]), hash(2)).measurements).to.deep.equal(['05'.repeat(32)])
    expect(policyUnder(productionPolicy, judged(), hash(2)).measurements).to.deep.equal([])
  })

  it('keeps an allow-list that the client brings', () => {
    const own = parsePolicy({ name: 'own', allowedKinds: ['tdx'], measurements: ['ab'.repeat(32)] })
    expect(policyUnder(own, judged([{ kind: 'measurement', hash: hash(5) }]), hash(2)).measurements).to.deep.equal(['ab'.repeat(32)])
  })

  it('only ever tightens floors and ages', () => {
    const own = parsePolicy({ name: 'own', allowedKinds: ['tdx'], evaluationFloors: [{ from: '2025-01-01T00:00:00Z', number: 17 }], mostEvidenceAgeMs: 60_000 })
    const { evaluationFloors } = policyUnder(own, judged(OWN, [['intelCollateralFloor', 16n]]), hash(2))
    expect(evaluationFloors, 'both hold; the higher counts').to.deep.equal([{ from: '2025-01-01T00:00:00Z', number: 17 }, { from: '1970-01-01T00:00:00Z', number: 16 }])
    expect(policyUnder(own, judged(), hash(2)).evaluationFloors).to.equal(own.evaluationFloors)
    const age = (seconds: bigint | null, policy = own): number | null =>
      policyUnder(policy, judged(OWN, seconds == null ? [] : [['mostEvidenceAgeSeconds', seconds]]), hash(2)).mostEvidenceAgeMs
    expect([age(59n), age(61n), age(null)]).to.deep.equal([59_000, 60_000, 60_000])
    expect([age(59n, productionPolicy), age(null, productionPolicy)]).to.deep.equal([59_000, null])
  })

  it('says in its name where it comes from', () => {
    expect(policyUnder(productionPolicy, judged(), hash(2)).name).to.equal(`production (registry 0:${'02'.repeat(32)}, version 1)`)
  })
})

describe('rules of a network', () => {
  it('without a registry are the client\'s policy alone', () => {
    const rules = registryRules({ network: MAINNET, policy: productionPolicy, current: () => { throw new Error('nothing to ask') } })
    expect([rules.policy(), rules.refusal(), rules.stakeRefusal(), rules.leastStakeNano(), rules.isListed('00')]).to.deep.equal([productionPolicy, null, null, 0n, null])
  })

  it('whose registry is not known refuse where coins are worth something', () => {
    const unknown = registryRules({ network: PUBLIC, policy: productionPolicy, current: () => null })
    expect([unknown.refusal()?.code, unknown.stakeRefusal()?.code]).to.deep.equal(['registry_unknown', 'registry_unknown'])
    const policy = devnetPolicy(DEVNET)
    const devnet = registryRules({ network: DEVNET, policy, current: () => null })
    expect([devnet.policy(), devnet.refusal(), devnet.stakeRefusal(), devnet.leastStakeNano(), devnet.isListed('00')]).to.deep.equal([policy, null, null, 0n, null])
  })

  it('give one policy object for each state, so that a verdict can be told from an old one', () => {
    let current = judged()
    const rules = registryRules({ network: DEVNET, policy: devnetPolicy(DEVNET), current: () => current })
    const first = rules.policy()
    expect(rules.policy()).to.equal(first)
    current = judged(OWN, [], 2)
    expect(rules.policy()).to.not.equal(first)
  })

  it('refuse vaults and stakes apart, each with its reasons', () => {
    const under = (state: RegistryJudgement): Array<string | undefined> => {
      const rules = registryRules({ network: PUBLIC, policy: productionPolicy, current: () => state })
      return [rules.refusal(), rules.stakeRefusal()].map(error => error == null ? undefined : `${error.code}: ${error.message}`)
    }
    expect(under(judged())).to.deep.equal([undefined, undefined])
    expect(under(judged([OWN[1]]))).to.deep.equal([`registry_refused: The registry 0:${'02'.repeat(32)} does not allow it: the vault code ${CLIENT_VAULT_CODE_HASH} is not listed`, undefined])
    expect(under(judged([OWN[0]]))[1]).to.include(`the stake code ${PROVIDER_STAKE_CODE_HASH} is not listed`)
    expect(under(judged(OWN, [['leastUnlockSeconds', 999_999_999n]]))[0]).to.include('an unlock of 259200 s is below 999999999 s')
  })

  it('list models once the registry lists any, and set the least stake', () => {
    const rules = registryRules({ network: PUBLIC, policy: productionPolicy, current: () => judged([...OWN, { kind: 'model', hash: hash(3) }], [['leastStakeNano', 7n]]) })
    expect([rules.isListed('03'.repeat(32)), rules.isListed('04'.repeat(32)), rules.leastStakeNano()]).to.deep.equal([true, false, 7n])
    expect(registryRules({ network: PUBLIC, policy: productionPolicy, current: () => judged() }).isListed('03'.repeat(32))).to.equal(null)
  })
})
