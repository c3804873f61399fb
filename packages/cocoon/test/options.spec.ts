import { MAINNET, TESTNET, devnetPreset } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { completePrices, defaultMinTier, networkOf } from '../src/index.ts'

describe('options', () => {
  it('names the public networks and any devnet', () => {
    expect(networkOf('mainnet')).to.equal(MAINNET)
    expect(networkOf('testnet')).to.equal(TESTNET)
    expect(networkOf({ devnet: '07'.repeat(32) })).to.deep.equal(devnetPreset(new Uint8Array(32).fill(7)))
    expect(networkOf({ devnet: '07'.repeat(32) + '08'.repeat(32) })).to.deep.equal(devnetPreset(new Uint8Array(32).fill(7), new Uint8Array(32).fill(8)))
  })

  it('refuses a devnet that is not named by 64 or 128 hex digits', () => {
    for (const devnet of ['', '07', 'zz'.repeat(32), '07'.repeat(33)]) {
      expect(() => networkOf({ devnet })).to.throw().with.property('code', 'config_invalid')
    }
  })

  it('takes nothing below attested hardware on public networks, unless it is told to', () => {
    expect([MAINNET, TESTNET, devnetPreset(new Uint8Array(32))].map(defaultMinTier)).to.deep.equal(['silver', 'silver', 'simulated'])
  })

  it('fills the prices that are left out from those that are given', () => {
    expect(completePrices({ prompt: 40n, completion: 90n })).to.deep.equal({ prompt: 40n, cached: 10n, completion: 90n, reasoning: 90n })
    expect(completePrices({ prompt: 40n, cached: 1n, completion: 90n, reasoning: 2n })).to.deep.equal({ prompt: 40n, cached: 1n, completion: 90n, reasoning: 2n })
  })
})
