import { payOpenBytes } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { MemoryLevel } from 'memory-level'
import { MAX_UNFUNDED_PER_PEER } from '../src/constants.ts'
import { readLanes } from '../src/lane-rows.ts'
import { createProviderPayments } from '../src/provider-payments.ts'
import { hex } from '../src/types.ts'
import { frame, manualClock, network, nonce, payee, signer } from './fixtures.ts'
import { VaultLedger } from './vault-ledger.ts'
import type { OpenedLane, ProviderPayments } from '../src/provider-payments.ts'
import type { CocoonError } from '@cocoon-net/protocol'

interface World {
  readonly ledger: VaultLedger
  readonly kv: MemoryLevel<string, string>
  readonly clock: ReturnType<typeof manualClock>
  provider: ProviderPayments
  start (): Promise<ProviderPayments>
  open (n: number, epoch: bigint, peer?: number): Promise<OpenedLane>
}

async function world (): Promise<World> {
  const clock = manualClock()
  const ledger = new VaultLedger(clock, nonce(1))
  const kv = new MemoryLevel<string, string>()
  const start = async (): Promise<ProviderPayments> => {
    const provider = createProviderPayments({ network, payee, vaults: ledger.vaults, port: ledger.port(), wallet: ledger.wallet(payee), kv, clock })
    await provider.start()
    return provider
  }
  const out: World = {
    ledger,
    kv,
    clock,
    provider: await start(),
    start,
    open: async (n, epoch, peer = 1) => {
      const id = { vault: ledger.vaults.account(nonce(n)), payee, epoch }
      const peers = { client: new Uint8Array(34).fill(peer), provider: new Uint8Array(34).fill(200) }
      const signature = signer.sign(payOpenBytes({ networkId: network.networkId, ...id, ...peers }))
      return out.provider.openLane({ t: 'open', ...id, vaultOwner: nonce(n), signer: signer.publicKey, signature }, peers)
    }
  }
  return out
}

const codeOf = async (work: Promise<unknown>): Promise<string> => work.then(() => 'none', (error: CocoonError) => error.code)
const job = (laneKey: string, n: number): Parameters<ProviderPayments['beginJob']>[0] => ({ laneKey, clientNonce: nonce(n), maxChargeNano: 5_000n, windowNano: 1_000n })

/** A job that ends with this debt. */
async function owe ({ provider, clock }: World, laneKey: string, n: number, nano: bigint): Promise<void> {
  const meter = await provider.beginJob(job(laneKey, n))
  await meter.waitFor(nano)
  const end = meter.finish(nano, { timeoutMs: 10 })
  clock.advance(10)
  await end
}

describe('a provider\'s lanes', () => {
  it('of strangers without funds are few, and take no place from lanes that are funded', async () => {
    const at = await world()
    at.ledger.show(at.ledger.vaults.account(nonce(1)), payee, { epoch: 5n })
    await at.open(1, 5n)
    for (let n = 2; n < 60; n++) {
      await at.open(n, 5n)
      expect(at.provider.summary().lanes <= MAX_UNFUNDED_PER_PEER + 1).to.equal(true)
    }
    // another peer has a share of its own, and the funded lane is still there
    await at.open(60, 5n, 2)
    expect(at.provider.summary().lanes).to.equal(MAX_UNFUNDED_PER_PEER + 2)
    const { laneKey } = await at.open(1, 5n)
    expect(await codeOf(at.provider.beginJob(job(laneKey, 1)))).to.equal('none')
    await at.provider.stop()
  })

  it('on which something is owed are found on disk when they are opened again, and forgotten ones are not', async () => {
    const at = await world()
    const { laneKey } = await at.open(1, 5n)
    await owe(at, laneKey, 1, 2_000n)
    for (let n = 2; n < 60; n++) {
      await at.open(n, 5n)
    }
    const { frame: again } = await at.open(1, 5n)
    expect(again.debts).to.deep.equal([[nonce(1), 2_000n]])
    expect(await codeOf(at.provider.beginJob(job(laneKey, 2)))).to.equal('vault_in_debt')
    await at.provider.stop()
  })

  it('pass their debts to the vault\'s next lane, on disk, where a voucher pays them', async () => {
    const at = await world()
    const vault = at.ledger.vaults.account(nonce(1))
    at.ledger.show(vault, payee, { epoch: 5n })
    await owe(at, (await at.open(1, 5n)).laneKey, 1, 2_000n)
    at.ledger.show(vault, payee, { epoch: 6n })
    const next = await at.open(1, 6n)
    expect(next.frame.debts).to.deep.equal([[nonce(1), 2_000n]])
    expect(await codeOf(at.provider.beginJob(job(next.laneKey, 2)))).to.equal('vault_in_debt')
    await at.provider.stop()
    at.provider = await at.start()
    expect(at.provider.summary().debtNano).to.equal(2_000n)
    const { laneKey } = await at.open(1, 6n)
    await at.provider.pay(laneKey, frame({ vault, payee, epoch: 6n }, 2_500n, [[nonce(1), 2_500n]]))
    expect(at.provider.summary()).to.include({ debtNano: 0n, earnedNano: 2_000n })
    expect(await codeOf(at.provider.beginJob(job(laneKey, 2)))).to.equal('none')
    expect((await at.provider.ledger()).map(({ kind, clientNonce, paidNano }) => [kind, clientNonce, paidNano])).to.deep.equal([['earned', hex(nonce(1)), 2_000n]])
    await at.provider.stop()
  })

  it('book a job that a process left running once, however often it starts again, and write nothing where nothing ran', async () => {
    const at = await world()
    at.ledger.show(at.ledger.vaults.account(nonce(1)), payee, { epoch: 5n })
    const { laneKey } = await at.open(1, 5n)
    const meter = await at.provider.beginJob(job(laneKey, 1))
    await at.provider.pay(laneKey, frame({ vault: at.ledger.vaults.account(nonce(1)), payee, epoch: 5n }, 3_000n, [[nonce(1), 3_000n]]))
    expect(meter.mayLeave(2_000n)).to.equal(true)
    // what was let out goes to disk with the next voucher
    await at.provider.pay(laneKey, frame({ vault: at.ledger.vaults.account(nonce(1)), payee, epoch: 5n }, 3_001n, []))
    await at.provider.stop()
    const batches: number[] = []
    const batch = at.kv.batch.bind(at.kv) as any
    at.kv.batch = (async (operations: unknown[], options: unknown) => {
      batches.push(operations.length)
      return batch(operations, options)
    }) as any
    for (let start = 0; start < 3; start++) {
      at.provider = await at.start()
      expect(at.provider.summary().earnedNano).to.equal(2_000n)
      expect((await at.provider.ledger()).map(({ paidNano }) => paidNano)).to.deep.equal([2_000n])
      await at.provider.stop()
    }
    // the lane, the job that ended, the books
    expect(batches).to.deep.equal([3])
  })

  it('keep a debt where it is until the lane it is on has ended', async () => {
    const at = await world()
    const vault = at.ledger.vaults.account(nonce(1))
    const first = await at.open(1, 5n)
    await owe(at, first.laneKey, 1, 2_000n)
    // the chain shows neither: which of them is good nobody knows
    expect((await at.open(1, 6n)).frame.debts).to.deep.equal([])
    at.ledger.show(vault, payee, { epoch: 5n })
    expect((await at.open(1, 5n)).frame.debts).to.deep.equal([[nonce(1), 2_000n]])
    // an earlier lane takes over nothing from a later one that lives
    expect((await at.open(1, 6n)).frame.debts).to.deep.equal([])
    at.ledger.lanes.clear()
    at.clock.advance(5_000)
    for (let turn = 0; turn < 12; turn++) {
      await new Promise(resolve => { setImmediate(resolve) })
    }
    // it has ended: whatever lane of the vault comes next takes the debt
    expect((await at.open(1, 7n)).frame.debts).to.deep.equal([[nonce(1), 2_000n]])
    await at.provider.stop()
  })

  it('of one vault stay together when one of them makes room', async () => {
    const at = await world()
    const first = await at.open(1, 5n)
    await at.open(1, 6n)
    await owe(at, first.laneKey, 1, 2_000n)
    for (let n = 2; n < 2 + MAX_UNFUNDED_PER_PEER - 1; n++) {
      await at.open(n, 5n)
    }
    expect(at.provider.summary().lanes).to.equal(MAX_UNFUNDED_PER_PEER)
    const third = await at.open(1, 7n)
    expect(await codeOf(at.provider.beginJob(job(third.laneKey, 3)))).to.equal('vault_in_debt')
    await at.provider.stop()
  })

  it('take no place on disk when they are refused', async () => {
    const at = await world()
    const vault = at.ledger.vaults.account(nonce(1))
    at.ledger.show(vault, payee, { epoch: 5n, unlockAt: 9_000 })
    expect(await codeOf(at.open(1, 5n))).to.equal('lane_unlocking')
    expect(await readLanes(at.kv)).to.deep.equal([])
    expect(at.provider.summary().lanes).to.equal(0)
    // while what the chain shows of one that was taken is there after a restart
    at.ledger.show(vault, payee, { epoch: 5n })
    await at.open(1, 5n)
    at.ledger.show(vault, payee, { epoch: 5n, capNano: 200_000_000n })
    at.clock.advance(5_000)
    for (let turn = 0; turn < 12; turn++) {
      await new Promise(resolve => { setImmediate(resolve) })
    }
    expect((await readLanes(at.kv)).map(({ state }) => state.capNano)).to.deep.equal([200_000_000n])
    await at.provider.stop()
  })
})
