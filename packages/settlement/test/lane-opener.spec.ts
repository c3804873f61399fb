import { expect } from 'aegir/chai'
import { MemoryLevel } from 'memory-level'
import { createClientPayments } from '../src/client-payments.ts'
import { OPEN_VALUE_NANO, TON_NANO } from '../src/constants.ts'
import { manualClock, network, nonce, payee, signer } from './fixtures.ts'
import { VaultLedger } from './vault-ledger.ts'
import type { ClientLane } from '../src/client-lane.ts'
import type { ClientPayments, ClientPaymentsInit } from '../src/client-payments.ts'
import type { CocoonError } from '@cocoon-net/protocol'

const HOUR_MS = 3_600_000
/** How long an open may take to show before it counts as refused, and the pause after the first that was. */
const SHOW_MS = 120_000
const PAUSE_MS = 30_000
const OWNER = nonce(1)
const CAP_NANO = TON_NANO / 10n

interface World {
  readonly client: ClientPayments
  readonly ledger: VaultLedger
  readonly errors: string[]
  /** coins that went along with each message to the vault */
  readonly values: bigint[]
  /** Lets what is ready run, then moves the clock, in steps. */
  pass (ms: number, stepMs?: number): Promise<void>
}

async function world (more: (ledger: VaultLedger) => Partial<ClientPaymentsInit> = () => ({})): Promise<World> {
  const clock = manualClock()
  const ledger = new VaultLedger(clock, OWNER)
  const errors: string[] = []
  const values: bigint[] = []
  const wallet = ledger.wallet(OWNER)
  const client = createClientPayments({
    network,
    vaults: ledger.vaults,
    port: ledger.port(),
    wallet: {
      ...wallet,
      send: async (messages) => {
        values.push(...messages.map(({ valueNano }) => valueNano))
        await wallet.send(messages)
      }
    },
    voucherSigner: signer,
    kv: new MemoryLevel<string, string>(),
    clock,
    limits: { perRequestNano: TON_NANO, perProviderDayNano: 10n * TON_NANO, perDayNano: 10n * TON_NANO },
    onError: error => { errors.push(error.code) },
    ...more(ledger)
  })
  await client.start()
  return {
    client,
    ledger,
    errors,
    values,
    pass: async (ms, stepMs = 1_000) => {
      for (let passed = 0; passed < ms; passed += stepMs) {
        for (let turn = 0; turn < 3; turn++) {
          await new Promise(resolve => { setImmediate(resolve) })
        }
        clock.advance(Math.min(stepMs, ms - passed))
      }
      await new Promise(resolve => { setImmediate(resolve) })
    }
  }
}

/** `open` once the lane is on chain, else why it is not. */
const outcomeOf = async (lane: ClientLane): Promise<string> => lane.ready().then(() => 'open', (error: CocoonError) => error.code)

describe('opening lanes', () => {
  it('goes on after a chain that was away for 24 hours, whether or not it took the message', async () => {
    const { client, ledger, pass } = await world()
    await pass(2_000)
    ledger.weather.down = true
    expect(await outcomeOf(await client.lane(payee))).to.equal('chain_unavailable')
    ledger.weather.down = false
    ledger.weather.delayMs = HOUR_MS
    const second = await client.lane(payee)
    const outcome = outcomeOf(second)
    await pass(1_000, 100)
    expect(ledger.sent).to.deep.equal(['open'])
    ledger.weather.down = true
    await pass(24 * HOUR_MS, 15 * 60_000)
    expect(second.status()).to.equal('opening')
    ledger.weather.down = false
    await pass(2_000)
    expect(await outcome).to.equal('open')
    expect(ledger.sent).to.deep.equal(['open'])
    await client.stop()
  })

  it('takes up a lane that lands after it was given up, instead of paying for another', async () => {
    const { client, ledger, pass } = await world()
    ledger.weather.delayMs = 10 * 60_000
    const outcome = outcomeOf(await client.lane(payee))
    await pass(SHOW_MS + 2_000)
    expect(await outcome).to.equal('chain_rejected')
    await pass(10 * 60_000, 10_000)
    const lane = await client.lane(payee)
    expect([lane.status(), await outcomeOf(lane), ledger.sent]).to.deep.equal(['open', 'open', ['open']])
    await client.stop()
  })

  it('pays for few messages where none has an effect, however often it is asked', async () => {
    const { client, ledger, pass } = await world()
    ledger.weather.drop = Infinity
    const refusals: CocoonError[] = []
    for (let minutes = 0; minutes < 24 * 60; minutes += 5) {
      (await client.lane(payee)).ready().catch((error: CocoonError) => { refusals.push(error) })
      await pass(5 * 60_000, 10_000)
    }
    expect(ledger.sent.length).to.be.within(20, 34)
    expect(new Set(refusals.map(({ code }) => code))).to.deep.equal(new Set(['chain_rejected']))
    // who asks meanwhile is told when to ask again
    expect(refusals.some(({ retryAfterMs }) => retryAfterMs != null && retryAfterMs > 50 * 60_000)).to.equal(true)
    ledger.weather.drop = 0
    await pass(HOUR_MS, 60_000)
    const lane = await client.lane(payee)
    await pass(2_000)
    expect(await outcomeOf(lane)).to.equal('open')
    await client.stop()
  })

  it('tries again at once after a success, and not before its pause after a failure', async () => {
    const { client, ledger, pass } = await world()
    ledger.weather.drop = 1
    const first = outcomeOf(await client.lane(payee))
    await pass(SHOW_MS + 1_000)
    expect(await first).to.equal('chain_rejected')
    expect(await outcomeOf(await client.lane(payee))).to.equal('chain_rejected')
    expect(ledger.sent).to.have.lengthOf(1)
    await pass(PAUSE_MS)
    for (const n of [33, 34]) {
      const lane = await client.lane(nonce(n))
      await pass(1_000, 100)
      expect(await outcomeOf(lane)).to.equal('open')
    }
    await client.stop()
  })

  it('gives the vault what it lacks for the lanes, to the nanoTON, and nothing where it has enough', async () => {
    const reserveNano = TON_NANO / 5n
    for (const [balanceNano, lackNano] of [[reserveNano + 2_000_000n + CAP_NANO, 0n], [reserveNano + 2_000_000n + CAP_NANO - 1n, 1n], [0n, reserveNano + 2_000_000n + CAP_NANO]]) {
      const { client, pass, values } = await world(ledger => ({ port: { ...ledger.port(), balance: async () => balanceNano } }))
      await client.lane(payee)
      await pass(1_000, 100)
      expect(values).to.deep.equal([OPEN_VALUE_NANO + lackNano])
      await client.stop()
    }
  })

  it('counts of the lanes that are open what the chain says that they still hold', async () => {
    let balanceNano = TON_NANO
    const { client, ledger, pass, values } = await world(one => ({ port: { ...one.port(), balance: async () => balanceNano } }))
    await client.lane(payee)
    await pass(1_000, 100)
    ledger.show(ledger.vault, payee, { epoch: ledger.lane(ledger.vault, payee)?.epoch ?? 0n, capNano: CAP_NANO, paidNano: 40_000_000n, gasLeftNano: 3n })
    // kept back, the new cap, and what is left of the other lane
    balanceNano = TON_NANO / 5n + 4_000_000n + CAP_NANO + 60_000_000n + 3n
    await client.lane(nonce(33))
    await pass(1_000, 100)
    balanceNano -= 1n
    await client.lane(nonce(34))
    await pass(1_000, 100)
    expect(values).to.deep.equal([OPEN_VALUE_NANO, OPEN_VALUE_NANO, OPEN_VALUE_NANO + 2_000_000n + 2n * CAP_NANO - CAP_NANO + 1n])
    await client.stop()
  })

  it('does not pay for a top-up with every voucher while none has an effect', async () => {
    const { client, ledger, pass, errors } = await world()
    const lane = await client.lane(payee)
    await pass(1_000, 100)
    const job = lane.beginJob({ clientNonce: nonce(5), maxChargeNano: CAP_NANO })
    ledger.weather.drop = Infinity
    for (let nano = CAP_NANO / 2n; nano < CAP_NANO / 2n + 60n; nano++) {
      await job.voucherUpTo(nano)
      await pass(60_000, 5_000)
    }
    expect(ledger.sent.length).to.be.within(4, 9)
    expect(new Set(errors)).to.deep.equal(new Set(['chain_rejected']))
    ledger.weather.drop = 0
    await pass(HOUR_MS, 60_000)
    await job.voucherUpTo(CAP_NANO / 2n + 100n)
    await pass(2_000)
    expect(ledger.lane(ledger.vault, payee)?.capNano).to.equal(2n * CAP_NANO)
    await client.stop()
  })
})
