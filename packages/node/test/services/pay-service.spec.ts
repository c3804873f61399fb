import { LIMITS, closeHash, encodeCbor, payOpenBytes, toHex, voucherHash } from '@cocoon-net/protocol'
import { ed25519Signer, verifyEd25519, walletAccount } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { createLanePayers } from '../../src/services/pay-service.ts'
import { createAttacker, pay, refused } from '../hostile.ts'
import { testNetwork } from '../hosts.ts'
import { createTrade } from '../trade.ts'
import type { Answer, Attacker } from '../hostile.ts'
import type { TestProvider } from '../trade.ts'
import type { PayClose } from '@cocoon-net/protocol'

const other = new Uint8Array(32).fill(77)

describe('pay service', () => {
  const trade = createTrade(testNetwork(52))
  let provider: TestProvider
  let attacker: Attacker

  before(async () => {
    provider = await trade.provider({ seed: 1 })
    attacker = await createAttacker(trade, provider, 201)
    await (await attacker.opened()).close()
  })
  after(async () => {
    await attacker.stop()
    await trade.stop()
  })

  const open = async (bytes: Uint8Array): Promise<Answer> => attacker.exchange('pay', bytes)
  /** Opens the lane as it should be, then sends these frames and gives the last answer. */
  const afterOpen = async (...frames: Uint8Array[]): Promise<Answer> => {
    const raw = await attacker.opened()
    let answer: Answer = { t: 'none' }
    for (const frame of frames) {
      await raw.send(frame)
      answer = await raw.receive()
    }
    await raw.close()
    return answer
  }

  describe('opening a lane', () => {
    it('refuses a lane that another key opens, or that is opened for other peers, another payee, epoch or network', async () => {
      const peers = { client: attacker.host.peerId.toMultihash().bytes, provider: provider.node.host.peerId.toMultihash().bytes }
      const honest = attacker.open()
      const elsewhere = ed25519Signer(other)
      const frames = [
        attacker.open({ client: peers.provider }),
        attacker.open({ provider: peers.client }),
        attacker.open({ payee: other }),
        attacker.open({ networkId: testNetwork(1).networkId }),
        { ...honest, epoch: honest.epoch + 1n },
        { ...honest, signer: elsewhere.publicKey },
        { ...honest, signature: elsewhere.sign(payOpenBytes({ networkId: trade.network.networkId, vault: honest.vault, payee: provider.payee, epoch: honest.epoch, ...peers })) },
        { ...honest, signature: honest.signature.map((byte, i) => i === 40 ? byte ^ 1 : byte) }
      ]
      for (const frame of frames) {
        await refused(provider, 'pay', 'bad_signature', async () => open(pay(frame)))
      }
    })

    it('refuses a known lane that is opened with another signer', async () => {
      await refused(provider, 'pay', 'voucher_bad_signature', async () => open(pay(attacker.open({ signer: ed25519Signer(other) }))))
    })

    it('refuses a vault that does not follow from its owner', async () => {
      await refused(provider, 'pay', 'vault_not_accepted', async () => open(pay(attacker.open({ vault: other }))))
      await refused(provider, 'pay', 'vault_not_accepted', async () => open(pay(attacker.open({ owner: other }))))
    })

    it('refuses a lane that the chain shows to be too small, to end, or to pin another signer', async () => {
      const lane = { capNano: 100_000_000n, paidNano: 0n, epoch: attacker.epoch, keyIdx: 0, unlockAt: 0, gasLeftNano: 0n }
      const shown = [
        [{ ...lane, capNano: trade.network.minLaneCapNano - 1n }, 'lane_cap_too_small'],
        [{ ...lane, unlockAt: 1 }, 'lane_unlocking'],
        [{ ...lane, epoch: lane.epoch + 1n }, 'lane_unknown']
      ] as const
      for (const [i, [seen, code]] of shown.entries()) {
        const newcomer = await createAttacker(trade, provider, 210 + i)
        trade.chain.show(newcomer.vault, provider.payee, seen)
        await refused(provider, 'pay', code, async () => newcomer.exchange('pay', pay(newcomer.open())))
        await newcomer.stop()
      }
      const newcomer = await createAttacker(trade, provider, 220)
      await refused(provider, 'pay', 'voucher_bad_signature', async () => newcomer.exchange('pay', pay(newcomer.open({ signer: ed25519Signer(other) }))))
      await newcomer.stop()
    })
  })

  describe('a voucher', () => {
    it('is refused with another signature, lane or network, above the cap, below the highest, or split into more than it is', async () => {
      await afterOpen(attacker.voucher(5_000n))
      const nonce = new Uint8Array(32).fill(8)
      const attacks: Array<[string, Uint8Array]> = [
        ['voucher_bad_signature', attacker.voucher(6_000n, { signer: ed25519Signer(other) })],
        ['voucher_wrong_lane', attacker.voucher(6_000n, { vault: other })],
        ['voucher_wrong_lane', attacker.voucher(6_000n, { payee: other })],
        ['voucher_wrong_lane', attacker.voucher(6_000n, { epoch: attacker.epoch + 1n })],
        ['voucher_wrong_network', attacker.voucher(6_000n, { networkId: testNetwork(1).networkId })],
        ['voucher_above_cap', attacker.voucher(100_000_001n)],
        ['voucher_not_increasing', attacker.voucher(4_999n)],
        ['allocation_invalid', attacker.voucher(6_000n, { jobs: [[nonce, 6_001n]] })]
      ]
      for (const [code, frame] of attacks) {
        await refused(provider, 'pay', code, async () => afterOpen(frame))
      }
    })

    it('that is replayed is acknowledged and changes nothing', async () => {
      const frame = attacker.voucher(5_000n)
      await afterOpen(frame)
      const before = [await provider.stored(), provider.provider.summary()]
      const again = await afterOpen(frame, frame)
      expect([again.t, again.cumulative]).to.deep.equal(['ack', 5_000n])
      expect([await provider.stored(), provider.provider.summary()]).to.deep.equal(before)
    })

    it('is on disk before it is acknowledged', async () => {
      const raw = await attacker.opened()
      for (const cumulative of [7_001n, 7_002n, 7_003n]) {
        await raw.send(attacker.voucher(cumulative))
        await raw.receive()
        expect(await provider.stored()).to.include(cumulative.toString())
      }
      await raw.close()
    })
  })

  describe('a request to end a lane together', () => {
    const close = (cumulative: bigint, change: Partial<PayClose> = {}): Uint8Array => {
      const hash = closeHash({ networkId: trade.network.networkId, vault: attacker.vault, payee: provider.payee, epoch: attacker.epoch, cumulative })
      return pay({ ...attacker.open(), t: 'close', cumulative, closeSignature: attacker.signer.sign(hash), ...change })
    }

    it('is refused to whoever is not the lane\'s signer between these peers, or names another lane or sum than it has signed', async () => {
      const elsewhere = ed25519Signer(other)
      const attacks: Array<[string, Partial<PayClose>]> = [
        ['vault_not_accepted', { vault: other }],
        ['vault_not_accepted', { vaultOwner: other }],
        ['bad_signature', { epoch: attacker.epoch + 1n }],
        ['bad_signature', { signer: elsewhere.publicKey }],
        ['bad_signature', { signature: attacker.open({ client: provider.node.host.peerId.toMultihash().bytes }).signature }],
        ['voucher_bad_signature', { ...attacker.open({ signer: elsewhere }), t: 'close' }],
        ['voucher_bad_signature', { closeSignature: elsewhere.sign(other) }],
        ['voucher_bad_signature', { cumulative: 90_001n }],
        // a voucher of the same sum is no close
        ['voucher_bad_signature', { closeSignature: attacker.signer.sign(voucherHash({ networkId: trade.network.networkId, vault: attacker.vault, payee: provider.payee, epoch: attacker.epoch, cumulative: 90_000n })) }]
      ]
      for (const [code, change] of attacks) {
        await refused(provider, 'pay', code, async () => open(close(90_000n, change)))
      }
    })

    it('is refused for a lane that the vault does not have, or that is about to be unlocked', async () => {
      for (const [i, code] of ['lane_unknown', 'lane_unlocking'].entries()) {
        const newcomer = await createAttacker(trade, provider, 230 + i, { lane: 'none' })
        if (code === 'lane_unlocking') {
          trade.chain.show(newcomer.vault, provider.payee, { capNano: 100_000_000n, paidNano: 0n, epoch: newcomer.epoch, keyIdx: 0, unlockAt: 1, gasLeftNano: 0n })
        }
        const hash = closeHash({ networkId: trade.network.networkId, vault: newcomer.vault, payee: provider.payee, epoch: newcomer.epoch, cumulative: 1n })
        await refused(provider, 'pay', code, async () => newcomer.exchange('pay', pay({ ...newcomer.open(), t: 'close', cumulative: 1n, closeSignature: newcomer.signer.sign(hash) })))
        await newcomer.stop()
      }
    })

    it('stands first on its stream, and alone', async () => {
      await refused(provider, 'pay', 'frame_malformed', async () => afterOpen(close(90_000n)))
    })

    it('is answered once the payee\'s word is on disk, and again with the same answer; the lane takes nothing more', async () => {
      const newcomer = await createAttacker(trade, provider, 240)
      const hash = closeHash({ networkId: trade.network.networkId, vault: newcomer.vault, payee: provider.payee, epoch: newcomer.epoch, cumulative: 1n })
      const frame = pay({ ...newcomer.open(), t: 'close', cumulative: 1n, closeSignature: newcomer.signer.sign(hash) })
      const held = await newcomer.opened()
      const answer = await newcomer.exchange('pay', frame)
      expect([answer.t, answer.isSending]).to.deep.equal(['closing', false])
      expect(walletAccount(answer.publicKey as Uint8Array, trade.network.tonGlobalId)).to.deep.equal(provider.payee)
      expect(verifyEd25519(answer.publicKey as Uint8Array, hash, answer.signature as Uint8Array)).to.equal(true)
      expect(await provider.stored()).to.include(toHex(answer.signature as Uint8Array))
      expect(await newcomer.exchange('pay', frame)).to.deep.equal(answer)
      await refused(provider, 'pay', 'lane_unlocking', async () => newcomer.exchange('pay', pay(newcomer.open())))
      await refused(provider, 'pay', 'lane_unlocking', async () => {
        await held.send(newcomer.voucher(2n))
        return held.receive()
      })
      await newcomer.stop()
    })
  })

  describe('a pay stream', () => {
    it('refuses frames out of order, malformed and oversized', async () => {
      await refused(provider, 'pay', 'frame_malformed', async () => open(attacker.voucher(9_000n)))
      await refused(provider, 'pay', 'frame_malformed', async () => afterOpen(pay(attacker.open())))
      await refused(provider, 'pay', 'frame_malformed', async () => open(Uint8Array.of(0xff)))
      const honest = attacker.open()
      await refused(provider, 'pay', 'frame_malformed', async () => open(encodeCbor(new Map<string, unknown>([...Object.entries(honest), ['credit', 1]]))))
      await refused(provider, 'pay', 'frame_too_large', async () => {
        const raw = await attacker.stream('pay')
        raw.announce(LIMITS.payFrameBytes + 1)
        return raw.receive()
      })
    })

    it('keeps the lane in order after all of that', async () => {
      expect(await afterOpen(attacker.voucher(10_000n))).to.include({ t: 'ack', cumulative: 10_000n })
    })
  })

  it('knows who has opened a lane for as long as one of its streams is open', () => {
    const payers = createLanePayers()
    payers.add('lane', 'peer')
    payers.add('lane', 'peer')
    expect([payers.has('lane', 'peer'), payers.has('lane', 'other'), payers.has('other', 'peer')]).to.deep.equal([true, false, false])
    payers.remove('lane', 'peer')
    expect(payers.has('lane', 'peer')).to.equal(true)
    payers.remove('lane', 'peer')
    expect(payers.has('lane', 'peer')).to.equal(false)
    payers.remove('lane', 'peer')
    payers.add('lane', 'peer')
    expect(payers.has('lane', 'peer')).to.equal(true)
  })
})
