import { CocoonError } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { agreedLane, agreeingPort } from '../src/agreeing-port.ts'
import { manualClock, LedgerChain, nonce, payee, signer } from './fixtures.ts'
import type { TonPort } from '../src/ton-port.ts'
import type { LaneOnChain } from '../src/types.ts'

const seen: LaneOnChain = { capNano: 100n, paidNano: 10n, epoch: 5n, keyIdx: 0, unlockAt: 0, gasLeftNano: 7n }
const down = async (): Promise<never> => { throw new CocoonError('chain_unavailable') }
const portOf = (changes: Partial<TonPort>): TonPort => ({ ...new LedgerChain(manualClock()).port(), ...changes })

describe('two endpoints', () => {
  it('give the value that is worse for the stranger, in either order', () => {
    const other = { ...seen, capNano: 200n, paidNano: 20n, unlockAt: 9, gasLeftNano: 3n }
    for (const [a, b] of [[seen, other], [other, seen]]) {
      expect(agreedLane(a, b)).to.deep.equal({ ...seen, capNano: 100n, paidNano: 10n, unlockAt: 9, gasLeftNano: 3n })
    }
    expect(agreedLane({ ...seen, unlockAt: 8 }, { ...seen, unlockAt: 9 })?.unlockAt).to.equal(8)
    expect(agreedLane(seen, seen)).to.deep.equal(seen)
    expect(agreedLane(null, null)).to.equal(null)
  })

  it('confirm nothing that only one of them shows, and hide no unlock', () => {
    for (const other of [null, { ...seen, epoch: 6n }, { ...seen, keyIdx: 1 }]) {
      expect(agreedLane({ ...seen, unlockAt: 9 }, other)).to.include({ unlockAt: 9, isDoubtful: true })
      expect(agreedLane(other, { ...seen, unlockAt: 9 })).to.include({ unlockAt: 9, isDoubtful: true })
    }
  })

  it('say when they contradict each other', async () => {
    const told: string[] = []
    const named = portOf({ endpoint: 'https://one.example', readLane: async () => seen })
    const port = agreeingPort([named, portOf({ readLane: async () => null, readSigner: async () => nonce(9) })], error => { told.push(error.message) })
    expect(await port.readLane(payee, payee)).to.deep.equal({ ...seen, isDoubtful: true })
    await expect(port.readSigner(payee, 0)).to.eventually.be.rejected.with.property('code', 'chain_disagrees')
    expect(told).to.deep.equal([
      'the endpoints disagree about a lane: https://one.example shows epoch 5, signer 0, endpoint 2 shows none',
      `the endpoints disagree about a signer: https://one.example shows ${Buffer.from(signer.publicKey).toString('hex')}, endpoint 2 shows ${'09'.repeat(32)}`
    ])
  })

  it('do without the one that is away only for bad news and for sending', async () => {
    const sent: string[] = []
    const up = portOf({ readLane: async () => ({ ...seen, unlockAt: 9 }), sendBoc: async () => { sent.push('up') } })
    const away = portOf({ balance: down, isActive: down, readLane: down, readSigner: down, walletSeqno: down, sendBoc: down })
    for (const pair of [[up, away], [away, up]] as const) {
      const port = agreeingPort(pair)
      expect(await port.readLane(payee, payee)).to.include({ unlockAt: 9, isDoubtful: true })
      await port.sendBoc(new Uint8Array(0))
      for (const read of [port.balance(payee), port.isActive(payee), port.readSigner(payee, 0), port.walletSeqno(payee)]) {
        await expect(read).to.eventually.be.rejected.with.property('code', 'chain_unavailable')
      }
      await expect(agreeingPort([away, portOf({ readLane: async () => null })]).readLane(payee, payee)).to.eventually.be.rejected.with.property('code', 'chain_unavailable')
    }
    expect(sent).to.have.lengthOf(2)
    await expect(agreeingPort([away, away]).readLane(payee, payee)).to.eventually.be.rejected.with.property('code', 'chain_unavailable')
    await expect(agreeingPort([away, away]).sendBoc(new Uint8Array(0))).to.eventually.be.rejected.with.property('code', 'chain_unavailable')
  })

  it('agree on the lower balance, the higher number and the same signer', async () => {
    const port = agreeingPort([portOf({ balance: async () => 5n, walletSeqno: async () => 3 }), portOf({ balance: async () => 4n, walletSeqno: async () => 2, isActive: async () => false })])
    expect([await port.balance(payee), await port.walletSeqno(payee), await port.isActive(payee)]).to.deep.equal([4n, 3, false])
    expect(await port.readSigner(payee, 0)).to.deep.equal(signer.publicKey)
    expect(await agreeingPort([portOf({ readSigner: async () => null }), portOf({ readSigner: async () => null })]).readSigner(payee, 0)).to.equal(null)
  })
})
