import { CLIENT_VAULT_CODE_HASH, PROVIDER_STAKE_CODE_HASH, REGISTRY_NUMBERS } from '@cocoon-net/contracts'
import { MAINNET, fromHex } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { judgeRegistry, stakeFaults, vaultFaults } from '../src/registry-judge.ts'
import { hash, registryState } from './registry-samples.ts'

describe('what a registry allows', () => {
  it('is what is listed, by kind, and the bounds that are set', () => {
    const judged = judgeRegistry(registryState({
      entries: [{ kind: 'measurement', hash: hash(2) }, { kind: 'measurement', hash: hash(1) }, { kind: 'model', hash: hash(3) }],
      numbers: new Map([[REGISTRY_NUMBERS.intelCollateralFloor, 18n], [REGISTRY_NUMBERS.mostFeeBps, 100n], [77, 5n]])
    }), 1_000)
    expect(judged.allowed).to.deep.equal({ vaultCode: [], stakeCode: [], measurement: ['01'.repeat(32), '02'.repeat(32)], model: ['03'.repeat(32)] })
    expect(judged.numbers, 'an unknown number says nothing to this version').to.deep.equal({ intelCollateralFloor: 18n, mostFeeBps: 100n })
    expect(judged.coming).to.deep.equal([])
  })

  it('shows what is coming, and from when, and lets it count only once it has acted', () => {
    const state = registryState({
      comingEntries: [{ kind: 'measurement', hash: hash(9), readyAt: 2_000 }],
      comingNumbers: new Map([[REGISTRY_NUMBERS.leastStakeNano, { value: undefined, readyAt: 3_000 }], [REGISTRY_NUMBERS.mostFeeBps, { value: 90n, readyAt: 1_000 }], [77, { value: 1n, readyAt: 1 }]]),
      nextGovernor: { account: hash(4), readyAt: 2_500 },
      numbers: new Map([[REGISTRY_NUMBERS.leastStakeNano, 10n], [REGISTRY_NUMBERS.mostFeeBps, 50n]])
    })
    for (const [atSeconds, ready] of [[999, []], [1_000, ['mostFeeBps']], [1_999, ['mostFeeBps']], [2_000, ['mostFeeBps', 'measurement']], [3_000, ['mostFeeBps', 'measurement', 'governor', 'leastStakeNano']]] as const) {
      const judged = judgeRegistry(state, atSeconds)
      expect(judged.coming.filter(({ isReady }) => isReady).map(({ what }) => what)).to.deep.equal(ready)
      expect(judged.coming.map(({ what, value, readyAt }) => [what, value, readyAt])).to.deep.equal([
        ['mostFeeBps', '90', 1_000], ['measurement', '09'.repeat(32), 2_000], ['governor', '04'.repeat(32), 2_500], ['leastStakeNano', null, 3_000]
      ])
      expect(judged.allowed.measurement, 'proposed is not listed').to.deep.equal([])
      expect(judged.numbers).to.deep.equal({ leastStakeNano: 10n, mostFeeBps: 50n })
    }
  })
})

describe('the terms of a network under its registry', () => {
  const own = [{ kind: 'vaultCode' as const, hash: fromHex(CLIENT_VAULT_CODE_HASH) }, { kind: 'stakeCode' as const, hash: fromHex(PROVIDER_STAKE_CODE_HASH) }]
  const terms = { vault: { ...MAINNET.vault, feeBps: 50, unlockSeconds: 600 }, stake: { ...MAINNET.stake, unbondSeconds: 1_200 } }
  const faultsUnder = (numbers: Array<[keyof typeof REGISTRY_NUMBERS, bigint]>): string[] => {
    const judged = judgeRegistry(registryState({ entries: own, numbers: new Map(numbers.map(([name, value]) => [REGISTRY_NUMBERS[name], value])) }), 0)
    return [...vaultFaults(judged, terms), ...stakeFaults(judged, terms)]
  }

  it('are within when the code is listed and every bound is kept exactly', () => {
    expect(faultsUnder([])).to.deep.equal([])
    expect(faultsUnder([['mostFeeBps', 50n], ['leastUnlockSeconds', 600n], ['leastUnbondSeconds', 1_200n]])).to.deep.equal([])
  })

  it('are outside one step beyond each bound', () => {
    expect(faultsUnder([['mostFeeBps', 49n]])).to.deep.equal(['the fee of 50 basis points is above 49'])
    expect(faultsUnder([['leastUnlockSeconds', 601n]])).to.deep.equal(['an unlock of 600 s is below 601 s'])
    expect(faultsUnder([['leastUnbondSeconds', 1_201n]])).to.deep.equal(['an unbonding of 1200 s is below 1201 s'])
  })

  it('are outside under code that is not listed, whatever else is', () => {
    const judged = judgeRegistry(registryState({ entries: [{ kind: 'vaultCode', hash: fromHex(PROVIDER_STAKE_CODE_HASH) }, { kind: 'model', hash: fromHex(CLIENT_VAULT_CODE_HASH) }] }), 0)
    expect(vaultFaults(judged, terms)).to.deep.equal([`the vault code ${CLIENT_VAULT_CODE_HASH} is not listed`])
    expect(stakeFaults(judged, terms)).to.deep.equal([`the stake code ${PROVIDER_STAKE_CODE_HASH} is not listed`])
    expect(vaultFaults(judged, terms, { vault: PROVIDER_STAKE_CODE_HASH, stake: '' })).to.deep.equal([])
  })
})
