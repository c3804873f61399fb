import { payOpenBytes } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { MemoryLevel } from 'memory-level'
import { REDEEM_COST_NANO } from '../src/constants.ts'
import { createProviderPayments } from '../src/provider-payments.ts'
import { frame, manualClock, network, nonce, payee, signer } from './fixtures.ts'
import { VaultLedger } from './vault-ledger.ts'
import type { ProviderPayments, ProviderPaymentsInit } from '../src/provider-payments.ts'
import type { Settlement } from '../src/redeemer.ts'
import type { CocoonError } from '@cocoon-net/protocol'

const HOUR_MS = 3_600_000
const UNLOCK_SECONDS = 72 * 3_600
const POLL_MS = 5_000
/** The wait for one redeem to show, before it is looked at again. */
const SHOW_MS = 60_000
const EPOCH = 5n
const MAINNET = { ...network, vault: { ...network.vault, unlockSeconds: UNLOCK_SECONDS } }
const EARNED_NANO = 70_000_000n

interface World {
  readonly clock: ReturnType<typeof manualClock>
  readonly ledger: VaultLedger
  readonly provider: ProviderPayments
  readonly settled: Settlement[]
  readonly errors: string[]
  readonly kv: MemoryLevel<string, string>
  vault (n: number): Uint8Array
  /** Opens the lane of the `n`th vault, which the chain shows, and takes a voucher. */
  earn (n: number, nano: bigint, peer?: number): Promise<string>
  /** Lets what is ready run, then moves the clock, in steps. */
  pass (ms: number, stepMs?: number): Promise<void>
}

async function turn (): Promise<void> {
  for (let i = 0; i < 4; i++) {
    await new Promise(resolve => { setImmediate(resolve) })
  }
}

async function world (more: (ledger: VaultLedger) => Partial<ProviderPaymentsInit> = () => ({})): Promise<World> {
  const clock = manualClock()
  const ledger = new VaultLedger(clock, nonce(1))
  const settled: Settlement[] = []
  const errors: string[] = []
  const kv = new MemoryLevel<string, string>()
  const provider = createProviderPayments({
    network: MAINNET,
    payee,
    vaults: ledger.vaults,
    port: ledger.port(),
    wallet: ledger.wallet(payee),
    kv,
    clock,
    onSettled: one => { settled.push(one) },
    onError: error => { errors.push(error.code) },
    ...more(ledger)
  })
  await provider.start()
  const vault = (n: number): Uint8Array => ledger.vaults.account(nonce(n))
  return {
    clock,
    ledger,
    provider,
    settled,
    errors,
    kv,
    vault,
    earn: async (n, nano, peer = n) => {
      if (ledger.lane(vault(n), payee) == null) {
        ledger.show(vault(n), payee, { epoch: EPOCH })
      }
      const id = { vault: vault(n), payee, epoch: EPOCH }
      const peers = { client: new Uint8Array(34).fill(peer), provider: new Uint8Array(34).fill(200) }
      const signature = signer.sign(payOpenBytes({ networkId: network.networkId, ...id, ...peers }))
      const { laneKey } = await provider.openLane({ t: 'open', ...id, vaultOwner: nonce(n), signer: signer.publicKey, signature }, peers)
      if (nano > 0n) {
        await provider.pay(laneKey, frame(id, nano, []))
      }
      return laneKey
    },
    pass: async (ms, stepMs = POLL_MS) => {
      for (let passed = 0; passed < ms; passed += stepMs) {
        await turn()
        clock.advance(Math.min(stepMs, ms - passed))
      }
      await turn()
    }
  }
}

describe('watcher', () => {
  it('redeems once a lane has earned enough, once, however many vouchers come meanwhile', async () => {
    const { provider, ledger, earn, pass, settled, vault } = await world()
    ledger.weather.delayMs = 30_000
    const laneKey = await earn(1, EARNED_NANO)
    for (const more of [1n, 2n, 3n]) {
      await provider.pay(laneKey, frame({ vault: vault(1), payee, epoch: EPOCH }, EARNED_NANO + more, []))
      await turn()
    }
    await pass(40_000, 1_000)
    expect(ledger.sent).to.deep.equal(['redeem'])
    expect(settled.map(({ redeemedNano }) => redeemedNano)).to.deep.equal([EARNED_NANO])
    expect((await provider.ledger()).map(({ kind, paidNano }) => [kind, paidNano])).to.deep.equal([['redeemed', EARNED_NANO]])
    await provider.stop()
  })

  it('waits out a chain that executes minutes later, and pays for few tries', async () => {
    const { provider, ledger, earn, pass } = await world()
    ledger.weather.delayMs = 10 * 60_000
    await earn(1, EARNED_NANO)
    await pass(30 * 60_000)
    expect(ledger.paidNano).to.equal(EARNED_NANO)
    expect(ledger.sent.length).to.be.within(2, 8)
    await provider.stop()
  })

  for (const [what, outageMs] of [['24 hours', 24 * HOUR_MS], ['all of the unlock but the stated bound', UNLOCK_SECONDS * 1_000 - POLL_MS - SHOW_MS]] as const) {
    it(`redeems before an unlock ends, after a chain that was down for ${what}`, async () => {
      const { provider, ledger, earn, pass, vault, errors } = await world()
      await earn(1, 20_000_000n)
      ledger.weather.down = true
      ledger.startUnlock(vault(1), payee, UNLOCK_SECONDS)
      await pass(outageMs, 15 * 60_000)
      expect(ledger.sent).to.deep.equal([])
      ledger.weather.down = false
      await pass(POLL_MS + SHOW_MS, 1_000)
      expect(ledger.paidNano).to.equal(20_000_000n)
      expect(new Set(errors)).to.deep.equal(new Set(['chain_unavailable']))
      await provider.stop()
    })
  }

  it('redeems every lane that unlocks on a chain that fails each third call', async () => {
    let calls = 0
    const { provider, ledger, earn, pass, vault } = await world(one => {
      const port = one.port()
      return {
        port: {
          ...port,
          readLane: async (...args) => {
            one.weather.down = ++calls % 3 === 0
            return port.readLane(...args).finally(() => { one.weather.down = false })
          }
        }
      }
    })
    for (const n of [1, 2, 3, 4, 5, 6, 7]) {
      await earn(n, 20_000_000n).catch(async () => earn(n, 20_000_000n))
      ledger.startUnlock(vault(n), payee, 600)
    }
    await pass(600_000)
    expect([ledger.paidNano, ledger.refused]).to.deep.equal([140_000_000n, 0])
    await provider.stop()
  })

  it('asks a chain that is away once a round, however many lanes there are', async () => {
    const { provider, ledger, earn, pass, errors } = await world()
    for (const n of [1, 2, 3]) {
      await earn(n, 1n)
    }
    ledger.weather.down = true
    await pass(2 * POLL_MS)
    expect(errors).to.deep.equal(['chain_unavailable', 'chain_unavailable'])
    await provider.stop()
  })

  it('sends again what was dropped, after a look', async () => {
    const { provider, ledger, earn, pass, errors } = await world()
    ledger.weather.drop = 2
    await earn(1, EARNED_NANO)
    await pass(5 * 60_000)
    expect([ledger.paidNano, ledger.sent.length, ledger.refused]).to.deep.equal([EARNED_NANO, 3, 0])
    expect(errors).to.deep.equal(['chain_rejected', 'chain_rejected'])
    await provider.stop()
  })

  it('is paid once where messages are repeated, and not confused by late answers', async () => {
    const { provider, ledger, earn, pass, vault } = await world()
    ledger.weather.repeat = true
    await earn(1, EARNED_NANO)
    ledger.freeze()
    await pass(30_000, 1_000)
    expect(provider.summary().unredeemedNano).to.equal(EARNED_NANO)
    ledger.thaw()
    await pass(60_000, 1_000)
    expect([ledger.paidNano, ledger.refused, provider.summary().unredeemedNano]).to.deep.equal([EARNED_NANO, 1, 0n])
    ledger.show(vault(1), payee, { epoch: EPOCH, paidNano: 5n })
    await pass(2 * POLL_MS)
    expect(provider.summary().unredeemedNano).to.equal(0n)
    await provider.stop()
  })

  it('is paid although an unlock overtakes its redeem, and whether or not the notice came', async () => {
    const { provider, ledger, earn, pass, vault } = await world()
    ledger.weather.delayMs = 30_000
    await earn(1, EARNED_NANO)
    await turn()
    ledger.startUnlock(vault(1), payee, 600)
    await pass(HOUR_MS, 10_000)
    expect([ledger.paidNano, ledger.finishUnlock(vault(1), payee)]).to.deep.equal([EARNED_NANO, true])
    await pass(2 * POLL_MS)
    expect(provider.summary()).to.include({ unredeemedNano: 0n })
    await provider.stop()
  })

  it('takes what unlocks first, four to a wallet message', async () => {
    const { provider, ledger, earn, pass, vault, settled } = await world(() => ({ redeemThresholdNano: 10n ** 8n }))
    const idle = await earn(7, 0n)
    for (const n of [1, 2, 3, 4, 5, 6]) {
      await earn(n, 20_000_000n)
    }
    for (const [n, seconds] of [[1, 900], [2, 800], [3, 700], [4, 600], [5, 500], [6, 400]]) {
      ledger.startUnlock(vault(n), payee, seconds)
    }
    // due because of what it has earned, and in no hurry
    ledger.weather.down = true
    await provider.pay(idle, frame({ vault: vault(7), payee, epoch: EPOCH }, 10n ** 8n, []))
    await turn()
    ledger.weather.down = false
    await pass(4 * POLL_MS)
    expect([ledger.batches, ledger.paidNano]).to.deep.equal([[4, 3], 220_000_000n])
    expect(settled.map(one => one.vault)).to.deep.equal([6, 5, 4, 3, 2, 1, 7].map(vault))
    await provider.stop()
  })

  it('never redeems at a loss: what an unlock leaves below its cost is let go', async () => {
    const amount = fc.bigInt({ min: 0n, max: 2n * REDEEM_COST_NANO })
    await fc.assert(fc.asyncProperty(amount, fc.bigInt({ min: 0n, max: 12_000_000n }), fc.boolean(), async (nano, gasLeftNano, unlocks) => {
      const { provider, ledger, earn, pass, vault } = await world(() => ({ redeemThresholdNano: 0n }))
      await earn(1, nano)
      if (unlocks) {
        ledger.startUnlock(vault(1), payee, UNLOCK_SECONDS, gasLeftNano)
      }
      await pass(4 * POLL_MS)
      expect(ledger.paidNano >= ledger.gasNano).to.equal(true)
      expect(ledger.sent.length).to.be.at.most(1)
      await provider.stop()
    }), { numRuns: 60, seed: 20_261_121 })
  })

  it('sends nothing that its wallet cannot carry, and says so', async () => {
    const { provider, ledger, earn, pass, errors } = await world()
    ledger.walletNano = 57_499_999n
    await earn(1, EARNED_NANO)
    await pass(POLL_MS)
    expect([ledger.sent, errors[0]]).to.deep.equal([[], 'insufficient_funds'])
    await expect(provider.settle()).to.eventually.be.rejected.with.property('code', 'insufficient_funds')
    ledger.walletNano = 57_500_000n
    await pass(HOUR_MS, 60_000)
    expect(ledger.paidNano).to.equal(EARNED_NANO)
    await provider.stop()
  })

  it('stops at once whatever it waits for: a read, a message, its effect', async () => {
    const never = new Promise<never>(() => {})
    const waits: Array<(one: VaultLedger) => Partial<ProviderPaymentsInit>> = [
      one => ({ wallet: { ...one.wallet(payee), send: async () => never } }),
      one => ({ wallet: { ...one.wallet(payee), balance: async () => never } }),
      one => ({ wallet: { ...one.wallet(payee), send: async () => {} } })
    ]
    for (const wait of waits) {
      const { provider, earn, pass, errors } = await world(wait)
      await earn(1, EARNED_NANO)
      await pass(POLL_MS)
      await provider.stop()
      expect(errors).to.deep.equal([])
    }
    let isReading = false
    const { provider, earn, pass } = await world(one => {
      const port = one.port()
      return { port: { ...port, readLane: async (...args) => isReading ? never : port.readLane(...args) } }
    })
    await earn(1, 1n)
    isReading = true
    await pass(2 * POLL_MS)
    await provider.stop()
  })

  it('settles when told to, at a loss too, and says what failed', async () => {
    const { provider, ledger, earn, pass } = await world()
    const laneKey = await earn(1, 5n)
    await earn(2, 7n)
    expect((await provider.settle({ laneKey })).map(({ redeemedNano }) => redeemedNano)).to.deep.equal([5n])
    ledger.weather.drop = 1
    const failing = provider.settle().then(() => 'settled', (error: CocoonError) => error.code)
    await pass(SHOW_MS + 1_000, 1_000)
    expect(await failing).to.equal('chain_rejected')
    ledger.weather.down = true
    await expect(provider.settle()).to.eventually.be.rejected.with.property('code', 'chain_unavailable')
    await provider.stop()
  })
})
