import { expect } from 'aegir/chai'
import { TON, createWorld, post, rpc, transferBoc, until, walletV4 } from './world.ts'
import type { World } from './world.ts'

const FUND = 2n * TON

describe('devnet faults', function () {
  this.timeout(20_000)
  let world: World

  afterEach(async () => { await world.close() })

  async function send (seed: number): Promise<boolean> {
    const { body } = await rpc(world.devnet.endpoint, 'sendBoc', { boc: transferBoc({ seed, seqno: 0, to: walletV4(100), value: 1n }) })
    return body.ok
  }

  /** Which of six wallets' first messages took effect. */
  async function survivors (seed: string): Promise<boolean[]> {
    world = await createWorld({ seed, genesis: new Uint8Array(32).fill(3) })
    const seeds = Array.from({ length: 6 }, (_, i) => i + 1)
    for (const number of seeds) {
      await world.devnet.faucet(walletV4(number).address.toString(), FUND)
    }
    expect((await post(`${world.devnet.url}/devnet/faults`, { lossRate: 0.5 })).body.faults).to.deep.equal({ messageDelayMs: 0, lossRate: 0.5 })
    const out: boolean[] = []
    for (const number of seeds) {
      // Lost or not, it is acknowledged.
      expect(await send(number)).to.equal(true)
      out.push(await world.client.isContractDeployed(walletV4(number).address))
    }
    return out
  }

  it('loses the messages that the seed names', async () => {
    const first = await survivors('one')
    await world.close()
    expect(first).to.include.members([true, false])
    expect(await survivors('one')).to.deep.equal(first)
    await world.close()
    expect(await survivors('two')).to.not.deep.equal(first)
  })

  it('delays messages, keeps them through a restart, drops a repeated one, and refuses bad ones at once', async () => {
    world = await createWorld({ messageDelayMs: 600_000 })
    await world.devnet.faucet(walletV4(1).address.toString(), FUND)
    expect(await send(1)).to.equal(true)
    expect(await send(1)).to.equal(true)
    expect(await world.client.isContractDeployed(walletV4(1).address)).to.equal(false)
    expect(await send(2)).to.equal(false)
    await world.devnet.stop()
    const late = await createWorld({ home: world.home, now: () => Date.now() + 700_000 })
    await until(async () => late.client.isContractDeployed(walletV4(1).address))
    await late.devnet.stop()
    const later = await createWorld({ home: world.home, now: () => Date.now() + 700_000 })
    expect(await later.client.getBalance(walletV4(100).address)).to.equal(1n)
    await later.close()
  })

  it('takes waiting messages back with the blocks, and leaves them when there is no such block', async () => {
    let aheadMs = 0
    world = await createWorld({ messageDelayMs: 600_000, now: () => Date.now() + aheadMs })
    for (const seed of [1, 2, 3, 4]) {
      await world.devnet.faucet(walletV4(seed).address.toString(), FUND)
    }
    const restore = async (seqno: number): Promise<number> => (await post(`${world.devnet.url}/devnet/restore`, { seqno })).status
    /** Sends, after all that waited before has become due. */
    const sendLater = async (seed: number): Promise<void> => {
      aheadMs += 700_000
      expect(await send(seed)).to.equal(true)
    }
    expect(await send(1)).to.equal(true)
    expect(await restore(1_000_000)).to.equal(422)
    await sendLater(2)
    await until(async () => world.client.isContractDeployed(walletV4(1).address))
    expect(await restore(world.devnet.snapshot().seqno)).to.equal(200)
    expect(await send(3)).to.equal(true)
    await sendLater(4)
    await until(async () => world.client.isContractDeployed(walletV4(3).address))
    expect(await world.client.isContractDeployed(walletV4(2).address)).to.equal(false)
  })

  it('executes a delayed message when it is due', async () => {
    world = await createWorld({ messageDelayMs: 20 })
    await world.devnet.faucet(walletV4(1).address.toString(), FUND)
    expect(await send(1)).to.equal(true)
    await until(async () => world.client.isContractDeployed(walletV4(1).address))
  })

  it('makes blocks at an interval, empty ones too', async () => {
    world = await createWorld({ blockIntervalMs: 10 })
    await world.devnet.faucet(walletV4(1).address.toString(), FUND)
    expect(await send(1)).to.equal(true)
    await until(async () => world.client.isContractDeployed(walletV4(1).address))
    const { seqno } = world.devnet.snapshot()
    await until(async () => world.devnet.snapshot().seqno > seqno + 1)
    await world.restart()
    expect(await world.client.getBalance(walletV4(100).address)).to.equal(1n)
  })
})
