import { CocoonError } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { DELEGATION_WARN_MS } from '../../src/stakes/constants.ts'
import { openDelegatedStake } from '../../src/stakes/delegated-stake.ts'
import { testNetwork } from '../hosts.ts'
import { delegate } from './samples.ts'
import type { DelegatedStake, ShownDelegation } from '../../src/stakes/delegated-stake.ts'
import type { Delegation } from '@cocoon-net/protocol'

const NOW = 1_800_000_000_000
const network = testNetwork(1)
const id = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const good: Delegation = { networkId: network.networkId, stake: id(2), receiptKey: id(3), notAfter: BigInt((NOW + DELEGATION_WARN_MS) / 1_000) }

describe('delegated-stake', () => {
  let shown: ShownDelegation
  let error: Error | null
  let now: number
  let warnings: string[]

  beforeEach(() => {
    shown = delegate(good)
    error = null
    now = NOW
    warnings = []
  })

  const open = async (): Promise<DelegatedStake> => openDelegatedStake({
    stake: {
      account: id(2),
      delegation: async () => {
        if (error != null) {
          throw error
        }
        return shown
      }
    },
    network,
    receiptKey: id(3),
    now: () => now,
    onWarning: ({ code, message }) => { warnings.push(`${code}: ${message}`) }
  })

  const refusal = async (change: Partial<Delegation>): Promise<string> => {
    shown = delegate({ ...good, ...change })
    return open().then(() => 'opened', (error: CocoonError) => `${error.code}: ${error.message}`)
  }

  it('begins with nothing but a delegation for this network, stake and receipt key that has not ended', async () => {
    expect(await refusal({})).to.equal('opened')
    expect(await refusal({ networkId: id(9) })).to.equal('delegation_unusable: The delegation is for another network')
    expect(await refusal({ stake: id(9) })).to.equal('delegation_unusable: The delegation is for another stake')
    expect(await refusal({ receiptKey: id(9) })).to.equal('delegation_unusable: The delegation is for another receipt key')
    expect(await refusal({ notAfter: BigInt(NOW / 1_000) })).to.equal('delegation_unusable: The delegation ended at 2027-01-15T08:00:00.000Z')
    expect(await refusal({ notAfter: BigInt(NOW / 1_000 + 1) })).to.equal('opened')
  })

  it('takes up a newer one, and stays with the old one when the newer is no good', async () => {
    const stake = await open()
    const first = shown
    expect([stake.account, stake.current()]).to.deep.equal([id(2), first])
    shown = delegate({ ...good, notAfter: good.notAfter + 1n })
    expect(await stake.refresh()).to.equal(shown)
    const second = shown
    shown = delegate({ ...good, receiptKey: id(9) })
    expect(await stake.refresh()).to.equal(second)
    error = new CocoonError('file_unusable', 'gone')
    expect([await stake.refresh(), await stake.refresh(), stake.current()]).to.deep.equal([second, second, second])
    expect(warnings).to.deep.equal(['delegation_unusable: The delegation is for another receipt key', 'file_unusable: gone'])
  })

  it('tells once that it ends within three days', async () => {
    const stake = await open()
    expect(warnings).to.deep.equal([])
    now++
    await stake.refresh()
    await stake.refresh()
    expect(warnings).to.deep.equal(['delegation_ends: The delegation ends at 2027-01-18T08:00:00.000Z'])
  })
})
