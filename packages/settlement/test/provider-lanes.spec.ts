import { payOpenBytes } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { MemoryLevel } from 'memory-level'
import { MAX_UNFUNDED_PER_PEER } from '../src/constants.ts'
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
})
