import { payOpenBytes } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { MemoryLevel } from 'memory-level'
import { createProviderPayments } from '../src/provider-payments.ts'
import { frame, manualClock, network, nonce, payee, signer } from './fixtures.ts'
import { VaultLedger } from './vault-ledger.ts'
import type { JobMeter } from '../src/job-meter.ts'
import type { ProviderPayments } from '../src/provider-payments.ts'
import type { CocoonError } from '@cocoon-net/protocol'

const WINDOW_NANO = 100n
const MAX_CHARGE_NANO = 5_000n
const CAP_NANO = 30_000_000n
const EPOCH = 5n
const PEERS = { client: new Uint8Array(34).fill(1), provider: new Uint8Array(34).fill(200) }

interface Lane {
  readonly provider: ProviderPayments
  readonly ledger: VaultLedger
  readonly clock: ReturnType<typeof manualClock>
  /** A voucher that gives these jobs so much in all. */
  pay (cumulative: bigint, ...jobs: Array<[number, bigint]>): Promise<void>
  /** A job whose begin is on disk. */
  begin (n: number): Promise<JobMeter>
  open (): Promise<string>
}

/** A provider with one lane, which the chain shows where a cap is given. */
async function lane (init: { creditNano: bigint, capNano?: bigint }): Promise<Lane> {
  const clock = manualClock()
  const ledger = new VaultLedger(clock, nonce(1))
  const terms = { enabled: init.creditNano > 0n, perVaultNano: init.creditNano, perDayNano: init.creditNano }
  const provider = createProviderPayments({
    network: { ...network, firstContactCredit: terms }, payee, vaults: ledger.vaults, port: ledger.port(), wallet: ledger.wallet(payee), kv: new MemoryLevel<string, string>(), clock
  })
  await provider.start()
  const id = { vault: ledger.vault, payee, epoch: EPOCH }
  if (init.capNano != null) {
    ledger.show(id.vault, payee, { epoch: EPOCH, capNano: init.capNano })
  }
  const open = async (): Promise<string> => {
    const signature = signer.sign(payOpenBytes({ networkId: network.networkId, ...id, ...PEERS }))
    return (await provider.openLane({ t: 'open', ...id, vaultOwner: nonce(1), signer: signer.publicKey, signature }, PEERS)).laneKey
  }
  const laneKey = await open()
  return {
    provider,
    ledger,
    clock,
    open,
    pay: async (cumulative, ...jobs) => { await provider.pay(laneKey, frame(id, cumulative, jobs.map(([n, nano]) => [nonce(n), nano]))) },
    begin: async (n) => {
      const meter = await provider.beginJob({ laneKey, clientNonce: nonce(n), maxChargeNano: MAX_CHARGE_NANO, windowNano: WINDOW_NANO })
      await meter.waitFor(0n)
      return meter
    }
  }
}

const leaves = (meter: JobMeter, ...amounts: bigint[]): boolean[] => amounts.map(nano => meter.mayLeave(nano))

/** A job paid in full: the lane has earned so much. */
async function earn (at: Lane, nano: bigint): Promise<void> {
  const meter = await at.begin(99)
  await at.pay(nano, [99, nano])
  await meter.waitFor(nano)
  await meter.finish(nano)
}

describe('job meter', () => {
  it('lets out what a confirmed lane\'s vouchers cover, to the nanoTON, where nothing was earned and no credit is given', async () => {
    const at = await lane({ creditNano: 0n, capNano: CAP_NANO })
    const meter = await at.begin(1)
    expect(leaves(meter, 0n, 1n)).to.deep.equal([true, false])
    await at.pay(1_000n, [1, 700n])
    // the 300 that no job holds cover nothing
    expect(leaves(meter, 700n, 701n, 700n)).to.deep.equal([true, false, true])
    await at.provider.stop()
  })

  for (const [earnedNano, aheadNano] of [[WINDOW_NANO - 1n, 0n], [WINDOW_NANO, WINDOW_NANO], [WINDOW_NANO + 1n, WINDOW_NANO]]) {
    it(`lets a job run ${aheadNano} ahead on a lane that has earned ${earnedNano} of a window of ${WINDOW_NANO}`, async () => {
      const at = await lane({ creditNano: 0n, capNano: CAP_NANO })
      await earn(at, earnedNano)
      const meter = await at.begin(1)
      await at.pay(earnedNano + 500n, [1, 500n])
      expect(leaves(meter, 500n + aheadNano, 501n + aheadNano)).to.deep.equal([true, false])
      await at.provider.stop()
    })
  }

  for (const [leftNano, aheadNano] of [[0n, 0n], [1n, WINDOW_NANO]]) {
    it(`lets a job run ${aheadNano} ahead on a lane whose cap has ${leftNano} left`, async () => {
      const at = await lane({ creditNano: 0n, capNano: CAP_NANO })
      await earn(at, WINDOW_NANO)
      const meter = await at.begin(1)
      await at.pay(CAP_NANO - leftNano, [1, 500n])
      expect(leaves(meter, 500n + aheadNano, 501n + aheadNano)).to.deep.equal([true, false])
      await at.provider.stop()
    })
  }

  it('counts vouchers as nothing on a lane that the chain does not show, however much it has earned', async () => {
    const at = await lane({ creditNano: 1_000n })
    await earn(at, 300n)
    const [one, two] = [await at.begin(1), await at.begin(2)]
    await at.pay(2_000n, [1, 1_500n])
    // 300 of 1,000 are used up by the job before, and both jobs share what is left
    expect(leaves(one, 400n)).to.deep.equal([true])
    expect(leaves(two, 300n, 301n)).to.deep.equal([true, false])
    expect(leaves(one, 401n, 400n)).to.deep.equal([false, true])
    await at.provider.stop()
  })

  it('lets nothing more out when the chain shows a smaller cap than vouchers were taken for', async () => {
    const at = await lane({ creditNano: 1_000n })
    const meter = await at.begin(1)
    await at.pay(CAP_NANO + 1_000n, [1, 4_000n])
    expect(leaves(meter, 10n)).to.deep.equal([true])
    at.ledger.show(at.ledger.vault, payee, { epoch: EPOCH, capNano: CAP_NANO })
    await at.open()
    // the lack of 1,000 is as much as the credit
    expect(leaves(meter, 4_000n, 4_001n)).to.deep.equal([true, false])
    await at.provider.stop()
    const worse = await lane({ creditNano: 999n })
    const other = await worse.begin(1)
    await worse.pay(CAP_NANO + 1_000n, [1, 4_000n])
    worse.ledger.show(worse.ledger.vault, payee, { epoch: EPOCH, capNano: CAP_NANO })
    await worse.open()
    expect(leaves(other, 1n)).to.deep.equal([false])
    await worse.provider.stop()
  })

  it('takes the vouchers of a lane that has ended for nothing', async () => {
    const at = await lane({ creditNano: 0n, capNano: CAP_NANO })
    const meter = await at.begin(1)
    await at.pay(1_000n, [1, 1_000n])
    expect(leaves(meter, 10n)).to.deep.equal([true])
    at.ledger.lanes.clear()
    at.clock.advance(5_000)
    for (let turn = 0; turn < 8; turn++) {
      await new Promise(resolve => { setImmediate(resolve) })
    }
    expect(leaves(meter, 11n)).to.deep.equal([false])
    await at.provider.stop()
  })

  it('bills up to what was allowed, and waits for no voucher when the lane can pay', async () => {
    const at = await lane({ creditNano: 0n, capNano: CAP_NANO })
    const meter = await at.begin(1)
    await at.pay(MAX_CHARGE_NANO, [1, 10n])
    expect(await meter.finish(MAX_CHARGE_NANO + 1n).catch((error: CocoonError) => error.code)).to.equal('internal')
    expect(await meter.finish(MAX_CHARGE_NANO)).to.deep.equal({ paidNano: MAX_CHARGE_NANO, debtNano: 0n })
    await at.provider.stop()
  })

  it('ends a wait with the voucher, its time or its caller, and remembers nothing of it', async () => {
    const at = await lane({ creditNano: 0n, capNano: CAP_NANO })
    const meter = await at.begin(1)
    const caller = new AbortController()
    const outcomes = [meter.waitFor(50n), meter.waitFor(60n, { timeoutMs: 10 }), meter.waitFor(70n, { signal: caller.signal })].map(async wait => wait.then(() => 'left', (error: CocoonError) => error.code))
    await at.pay(55n, [1, 55n])
    at.clock.advance(10)
    caller.abort()
    expect(await Promise.all(outcomes)).to.deep.equal(['left', 'voucher_late', 'job_cancelled'])
    await at.provider.stop()
  })
})
