import { CocoonError } from '@cocoon-net/protocol'
import { Cell, loadMessage } from '@ton/core'
import { expect } from 'aegir/chai'
import { createWallet, walletAccount } from '../src/wallet.ts'
import { manualClock, payee, signer } from './fixtures.ts'
import type { TonPort } from '../src/ton-port.ts'

/** A wallet's chain: executes a number once, may lose messages or be away. */
function chainOf (clock: ReturnType<typeof manualClock>): TonPort & { seqno: number, lose: number, down: boolean, bocs: string[], refuse: boolean } {
  const chain = {
    seqno: 4,
    lose: 0,
    down: false,
    refuse: false,
    bocs: [] as string[],
    nowMs: () => clock.nowMs(),
    balance: async () => 0n,
    isActive: async () => true,
    readLane: async () => null,
    readSigner: async () => null,
    walletSeqno: async () => {
      if (chain.down) {
        throw new CocoonError('chain_unavailable')
      }
      return chain.seqno
    },
    sendBoc: async (boc: Uint8Array) => {
      if (chain.refuse) {
        throw new CocoonError('chain_rejected')
      }
      if (chain.down) {
        throw new CocoonError('chain_unavailable')
      }
      chain.bocs.push(Buffer.from(boc).toString('hex'))
      if (chain.lose > 0) {
        chain.lose--
      } else if (new Set(chain.bocs).size === 1) {
        chain.seqno = 5
      }
    }
  }
  return chain
}

/** Lets what is ready run, then moves the clock. */
async function pass (clock: ReturnType<typeof manualClock>, ms: number, step = 1_000): Promise<void> {
  for (let passed = 0; passed < ms; passed += step) {
    await new Promise(resolve => { setImmediate(resolve) })
    clock.advance(step)
  }
  await new Promise(resolve => { setImmediate(resolve) })
}

const messages = [{ to: payee, valueNano: 5n }]

describe('wallet', () => {
  it('sends a lost message again, byte for byte, and executes it once', async () => {
    const clock = manualClock()
    const chain = chainOf(clock)
    chain.lose = 2
    const sending = createWallet({ signer, port: chain, globalId: -3, clock }).send(messages)
    await pass(clock, 12_000)
    await sending
    expect([chain.bocs.length, new Set(chain.bocs).size, chain.seqno]).to.deep.equal([3, 1, 5])
  })

  it('waits for a chain that went away after it took the message, for a day', async () => {
    const clock = manualClock()
    const chain = chainOf(clock)
    const inner = chain.sendBoc
    chain.sendBoc = async (boc) => {
      await inner(boc)
      chain.down = true
    }
    let done = false
    const sending = createWallet({ signer, port: chain, globalId: -3, clock }).send(messages).then(() => { done = true })
    await pass(clock, 86_400_000, 3_600_000)
    expect(done).to.equal(false)
    chain.down = false
    await pass(clock, 2_000)
    await sending
  })

  it('says that a message was lost only when the chain shows it after its expiry', async () => {
    const clock = manualClock()
    const chain = chainOf(clock)
    chain.lose = 1_000
    const sending = createWallet({ signer, port: chain, globalId: -3, clock }).send(messages)
    const outcome = sending.then(() => 'sent', (error: CocoonError) => error.code)
    await pass(clock, 77_000)
    expect(await outcome).to.equal('timeout')
    expect(chain.bocs.length).to.be.within(10, 13)
  })

  it('ends at once on a refusal and on a stop', async () => {
    const clock = manualClock()
    const chain = chainOf(clock)
    chain.refuse = true
    const wallet = createWallet({ signer, port: chain, globalId: -3, clock })
    await expect(wallet.send(messages)).to.eventually.be.rejected.with.property('code', 'chain_rejected')
    chain.refuse = false
    chain.lose = 1_000
    const controller = new AbortController()
    const sending = wallet.send(messages, { signal: controller.signal })
    const outcome = sending.then(() => 'sent', (error: Error) => error.message)
    await pass(clock, 1_000)
    controller.abort(new Error('stopped'))
    expect(await outcome).to.equal('stopped')
    for (const count of [0, 5]) {
      await expect(wallet.send(Array.from({ length: count }, () => messages[0]))).to.eventually.be.rejectedWith(RangeError)
    }
  })

  it('signs a wallet\'s message with its number, its expiry and up to four transfers', async () => {
    const clock = manualClock()
    const chain = chainOf(clock)
    await createWallet({ signer, port: chain, globalId: -3, clock }).send([messages[0], messages[0], messages[0], messages[0]])
    const body = loadMessage(Cell.fromHex(chain.bocs[0]).beginParse()).body.beginParse()
    body.skip(512)
    expect([body.loadUint(32), body.loadUint(32), body.loadUint(32)]).to.deep.equal([698_983_191, Math.floor((1_000_000 + 60_000) / 1_000), 4])
    expect(body.remainingRefs).to.equal(4)
    expect(walletAccount(signer.publicKey, -3)).to.deep.equal(walletAccount(signer.publicKey, -239))
    expect(walletAccount(signer.publicKey, -1_217)).to.not.deep.equal(walletAccount(signer.publicKey, -3))
  })
})
