import { CocoonError } from '@cocoon-net/protocol'
import { ed25519Signer } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { MAX_STAKES_PER_ROUND, PARALLEL_STAKE_READS, STAKE_ABSENT_MS, STAKE_FRESH_MS, STAKE_LIFE_MS } from '../../src/stakes/constants.ts'
import { createStakeBook } from '../../src/stakes/stake-book.ts'
import { stakeFactor } from '../../src/stakes/standing.ts'
import { testNetwork } from '../hosts.ts'
import { offerContent } from '../offer-contents.ts'
import { recordingCounters } from '../recording.ts'
import { delegate, ownerKey } from './samples.ts'
import type { StakeBook } from '../../src/stakes/stake-book.ts'
import type { Delegation, Offer } from '@cocoon-net/protocol'
import type { StakeOnChain } from '@cocoon-net/settlement'

const NOW = 1_800_000_000_000
const TON = 1_000_000_000n
const network = testNetwork(1)
const id = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const never = new AbortController().signal

function offer (change: Partial<Offer> = {}, delegation: Partial<Delegation> = {}, by = ownerKey): Offer {
  const content = offerContent(network, 'model')
  const stake = change.stake ?? content.stake
  const shown = delegate({ networkId: network.networkId, stake, receiptKey: content.receiptKey, notAfter: BigInt(NOW / 1_000 + 1), ...delegation }, by)
  return { v: 1, networkId: network.networkId, peerId: id(1), addresses: [], ...content, delegation: shown, seq: NOW, validUntilMs: NOW + 1, ...change }
}

describe('stake-book', () => {
  let now: number
  let shown: StakeOnChain | null
  let error: CocoonError | null
  let asked: Uint8Array[]
  let refusal: CocoonError | null
  let leastNano: bigint
  let counters: ReturnType<typeof recordingCounters>
  let book: StakeBook

  beforeEach(() => {
    now = NOW
    shown = { bondedNano: 20n * TON, isSlashed: false, ownerKey: ownerKey.publicKey }
    error = null
    asked = []
    refusal = null
    leastNano = 0n
    counters = recordingCounters()
    book = createStakeBook({
      readStake: async account => {
        asked.push(account)
        if (error != null) {
          throw error
        }
        return shown
      },
      rules: { stakeRefusal: () => refusal, leastStakeNano: () => leastNano },
      counters,
      now: () => now
    })
  })

  const standing = async (one: Offer): Promise<[string | null, bigint]> => {
    await book.refresh([one])
    const { fault, bondedNano } = book.of(one)
    return [fault, bondedNano]
  }

  it('counts what is bonded, delegated and read', async () => {
    const one = offer()
    expect(book.of(one)).to.deep.equal({ bondedNano: 0n, fault: 'stake_unread' })
    expect(await standing(one)).to.deep.equal([null, 20n * TON])
    expect(asked).to.deep.equal([one.stake])
  })

  it('says why a stake counts as nothing, and asks the chain for none that cannot count', async () => {
    expect(await standing(offer({ stake: id(0) }))).to.deep.equal(['stake_none', 0n])
    expect(await standing(offer({ delegation: null }))).to.deep.equal(['delegation_missing', 0n])
    expect(await standing(offer({ delegation: { cell: id(1), signature: new Uint8Array(64) } }))).to.deep.equal(['delegation_invalid', 0n])
    for (const change of [{ networkId: id(9) }, { stake: id(9) }, { receiptKey: id(9) }]) {
      expect(await standing(offer({}, change)), Object.keys(change)[0]).to.deep.equal(['delegation_invalid', 0n])
    }
    expect(await standing(offer({}, { notAfter: BigInt(NOW / 1_000) }))).to.deep.equal(['delegation_expired', 0n])
    expect(asked).to.deep.equal([])
    expect(await standing(offer({}, {}, ed25519Signer(id(7))))).to.deep.equal(['delegation_invalid', 0n])
    shown = null
    expect(await standing(offer({ stake: id(30) }))).to.deep.equal(['stake_unknown', 0n])
    shown = { bondedNano: TON, isSlashed: true, ownerKey: ownerKey.publicKey }
    expect(await standing(offer({ stake: id(31) }))).to.deep.equal(['stake_slashed', 0n])
  })

  it('ends with the delegation, to the second', async () => {
    const one = offer()
    await book.refresh([one])
    now = NOW + 999
    expect(book.of(one).fault).to.equal(null)
    now = NOW + 1_000
    expect(book.of(one).fault).to.equal('delegation_expired')
  })

  it('follows the network: its refusal of all stakes, and the least that counts', async () => {
    const one = offer()
    await book.refresh([one])
    leastNano = 20n * TON
    expect(book.of(one).fault).to.equal(null)
    leastNano++
    expect(book.of(one)).to.deep.equal({ bondedNano: 0n, fault: 'stake_too_small' })
    leastNano = 0n
    refusal = new CocoonError('registry_refused')
    expect(book.of(one)).to.deep.equal({ bondedNano: 0n, fault: 'stakes_refused' })
  })

  it('checks the signature anew under another owner key', async () => {
    const one = offer()
    await book.refresh([one])
    expect(book.of(one).fault).to.equal(null)
    shown = { bondedNano: TON, isSlashed: false, ownerKey: id(8) }
    now = NOW + STAKE_FRESH_MS
    const later = offer({}, { notAfter: BigInt(NOW) })
    expect(await standing(later)).to.deep.equal(['delegation_invalid', 0n])
    expect((await standing(one))[0]).to.equal('delegation_expired')
  })

  it('reads a stake once a minute, however many offers name it, and learns only what is not known', async () => {
    const long = offer({}, { notAfter: BigInt(NOW) })
    await Promise.all([book.refresh([long, { ...long }]), book.learn([long], never)])
    await book.learn([long], never)
    now = NOW + STAKE_FRESH_MS - 1
    await book.refresh([long])
    expect(asked.length).to.equal(1)
    now = NOW + STAKE_FRESH_MS
    await book.learn([long], never)
    expect(asked.length).to.equal(1)
    await book.refresh([long])
    expect(asked.length).to.equal(2)
  })

  it('looks sooner for a stake that was not there', async () => {
    const long = offer({}, { notAfter: BigInt(NOW) })
    const there = shown
    shown = null
    expect((await standing(long))[0]).to.equal('stake_unknown')
    shown = there
    now = NOW + STAKE_ABSENT_MS - 1
    expect((await standing(long))[0]).to.equal('stake_unknown')
    now = NOW + STAKE_ABSENT_MS
    expect(await standing(long)).to.deep.equal([null, 20n * TON])
  })

  it('counts what was read last while the chain is away, for ten minutes', async () => {
    const long = offer({}, { notAfter: BigInt(NOW) })
    await book.refresh([long])
    error = new CocoonError('chain_unavailable')
    now = NOW + STAKE_LIFE_MS - 1
    expect(await standing(long)).to.deep.equal([null, 20n * TON])
    now = NOW + STAKE_LIFE_MS
    expect(await standing(long)).to.deep.equal(['stake_unread', 0n])
    expect(counters.count('cocoon_stake_reads_failed_total', 'chain_unavailable')).to.equal(2)
  })

  it('is bounded: so many stakes in a round, so many at once', async () => {
    let running = 0
    let most = 0
    const busy = createStakeBook({
      readStake: async account => {
        asked.push(account)
        most = Math.max(most, ++running)
        await Promise.resolve()
        running--
        return null
      },
      counters,
      now: () => now
    })
    const many = Array.from({ length: MAX_STAKES_PER_ROUND + 5 }, (_, i) => offer({ stake: id(i + 1) }))
    await busy.refresh(many)
    expect([asked.length, most]).to.deep.equal([MAX_STAKES_PER_ROUND, PARALLEL_STAKE_READS])
    await busy.refresh(many)
    expect(asked.length).to.equal(many.length)
  })

  it('waits for a chain that does not answer only as long as it is told', async () => {
    const stuck = createStakeBook({ readStake: async () => new Promise(() => {}), counters, now: () => now })
    const end = new AbortController()
    const learning = stuck.learn([offer()], end.signal)
    end.abort()
    await learning
    expect(stuck.of(offer()).fault).to.equal('stake_unread')
  })

  it('counts nothing without a chain to ask', async () => {
    const blind = createStakeBook({ counters, now: () => now })
    await blind.refresh([offer()])
    expect(blind.of(offer()).fault).to.equal('stake_unread')
  })

  it('takes a tenth off a score at 10 TON, and never a fifth', () => {
    expect(stakeFactor(0n)).to.equal(1)
    expect(stakeFactor(10n * TON)).to.be.closeTo(0.9, 1e-12)
    expect(stakeFactor(30n * TON)).to.be.closeTo(0.85, 1e-12)
    expect(stakeFactor(10n ** 18n)).to.be.within(0.8, 0.801)
  })
})
