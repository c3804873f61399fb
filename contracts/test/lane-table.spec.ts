import { Address } from '@ton/core'
import { internal } from '@ton/sandbox'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { clientVaultBodies as bodies, clientVaultStateInit } from '../src/index.ts'
import { EPOCH, TON, VaultWorld, accountOf, somePayees } from './vault-world.ts'
import type { VaultLaneState } from '../src/index.ts'
import type { Cell } from '@ton/core'
import type { SendMessageResult } from '@ton/sandbox'

const CHAIN_LINKS = 8
/** Of a payee, decide its node, its chain and its mark. */
const ROUTE_BITS = 11
/** 20,000,000 nanoTON all-in, less what carrying the messages and a wallet v4r2 cost (`GAS.md`), at 400 a unit. */
const GOAL_GAS = 36_729

/** Different payees that begin with the same bits, which is all that a vault's table looks at. */
function alike (count: number, firstBits: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const account = new Uint8Array(32)
    new DataView(account.buffer).setUint16(0, firstBits << (16 - ROUTE_BITS))
    account[31] = i + 1
    return account
  })
}

/** One payee for each of eight nodes. */
function oneOfEachNode (tail: number): Uint8Array[] {
  return Array.from({ length: 8 }, (_, node) => Uint8Array.from({ length: 32 }, (_, i) => i === 0 ? node << 5 : tail))
}

async function openLanes (world: VaultWorld, payees: readonly Uint8Array[], epoch: bigint): Promise<SendMessageResult> {
  const lanes = payees.map(payee => ({ payee, capNano: TON / 10n + BigInt(payee[31] + payee[0]) }))
  return world.send(world.owner, bodies.openLanes({ epoch, keyIdx: 0, lanes }), TON)
}

async function openMany (world: VaultWorld, payees: readonly Uint8Array[], from: bigint = EPOCH): Promise<void> {
  for (let at = 0; at < payees.length; at += 12) {
    expect(world.exitCode(await openLanes(world, payees.slice(at, at + 12), from + BigInt(at)))).to.equal(0)
  }
}

async function sendAs (world: VaultWorld, account: Uint8Array, body: Cell): Promise<SendMessageResult> {
  return world.chain.sendMessage(internal({ from: new Address(0, Buffer.from(account)), to: world.address, value: TON / 10n, body, bounce: true }))
}

function gasOf (result: SendMessageResult, world: VaultWorld): number {
  const tx = result.transactions.find(t => t.inMessage?.info.dest?.toString() === world.address.toString())
  return tx?.description.type === 'generic' && tx.description.computePhase.type === 'vm' ? Number(tx.description.computePhase.gasUsed) : 0
}

async function dataOf (world: VaultWorld): Promise<Cell> {
  const { accountState } = await world.chain.getContract(world.address)
  if (accountState?.type !== 'active' || accountState.state.data == null) {
    throw new Error('the vault is not there')
  }
  return accountState.state.data
}

/** Where lanes lie: the nodes of both halves, the counters, and what is in no chain. */
function tableOf (data: Cell): Cell[] {
  const [low, high, paid, cold] = data.refs
  return [...low.refs, ...high.refs, paid, ...cold.refs.slice(2)]
}

function withoutSlot ({ slot, ...lane }: VaultLaneState): Omit<VaultLaneState, 'slot'> {
  return lane
}

describe('client vault: the table of lanes', () => {
  it('gives the same lanes for a list in any order', async function () {
    this.timeout(60_000)
    const first = await VaultWorld.ready({}, 50n * TON)
    const payees = [...somePayees(10), ...alike(10, 0b10110011010)]
    const someOrder = fc.shuffledSubarray(payees, { minLength: payees.length })
    expect(first.exitCode(await openLanes(first, payees, EPOCH))).to.equal(0)
    const { lanes, slots, lockedNano, lanesCount } = await first.state()
    await fc.assert(fc.asyncProperty(someOrder, async (order) => {
      const world = await VaultWorld.ready({}, 50n * TON)
      expect(world.exitCode(await openLanes(world, order, EPOCH))).to.equal(0)
      const state = await world.state()
      expect(state.lanes.map(withoutSlot)).to.deep.equal(lanes.map(withoutSlot))
      expect([state.slots, state.lockedNano, state.lanesCount]).to.deep.equal([slots, lockedNano, lanesCount])
    }), { numRuns: 8 })
  })

  it('keeps, tops up, pays and ends lanes for which a chain has no place left', async function () {
    this.timeout(60_000)
    const world = await VaultWorld.ready({}, 50n * TON)
    const crowd = alike(30, 0b01100100101)
    const all = [accountOf(world.payee.address), ...crowd]
    await openMany(world, all)
    const { lanes } = await world.state()
    expect(lanes.map(lane => Buffer.from(lane.payee).toString('hex'))).to.have.members(all.map(payee => Buffer.from(payee).toString('hex')))
    const nodes = (await dataOf(world)).refs.slice(0, 2).flatMap(half => half.refs)
    expect(Math.max(...nodes.flatMap(node => node.refs.map(chain => chain.depth())))).to.equal(CHAIN_LINKS)
    const last = crowd[29]
    // in its own epoch a lane grows, in another one it cannot be opened again
    const { epoch, cap } = await world.lane(last)
    expect(world.exitCode(await openLanes(world, [last], epoch))).to.equal(0)
    expect((await world.lane(last)).cap).to.equal(2n * cap)
    expect(world.exitCode(await openLanes(world, [last], epoch + 900n))).to.equal(105)
    const signature = world.signer.sign(world.promise(last, 50_000_000n, epoch))
    const redeemed = await world.send(world.stranger, bodies.redeem({ payee: last, cumulativeNano: 50_000_000n, signature }))
    expect(world.exitCode(redeemed)).to.equal(0)
    expect((await world.lane(last)).paid).to.equal(50_000_000n)
    expect(world.exitCode(await world.send(world.owner, bodies.startUnlock(last), TON))).to.equal(0)
    expect((await world.lane(last)).gasLeft > 0n).to.equal(true)
    const more = world.signer.sign(world.promise(last, 90_000_000n, epoch))
    expect(world.exitCode(await sendAs(world, last, bodies.redeem({ cumulativeNano: 90_000_000n, signature: more })))).to.equal(0)
    const { paid, gasLeft } = await world.lane(last)
    expect(paid).to.equal(90_000_000n)
    expect(gasLeft < 10_000_000n).to.equal(true)
    for (const payee of crowd) {
      expect(world.exitCode(await sendAs(world, payee, bodies.releaseLane()))).to.equal(0)
      expect((await world.lane(payee)).exists).to.equal(false)
    }
    expect((await world.state()).lanes.map(lane => lane.payee)).to.deep.equal([accountOf(world.payee.address)])
    expect((await world.info()).locked).to.equal((await world.lane()).cap)
  })

  it('looks as if a lane had never been there when it ends, the last of its chain and of a crowd too', async function () {
    this.timeout(60_000)
    const world = await VaultWorld.ready({}, 50n * TON)
    const payees = [...alike(20, 0b11100000111), ...somePayees(12), ...oneOfEachNode(7)]
    await openMany(world, payees)
    for (const payee of payees) {
      expect(world.exitCode(await sendAs(world, payee, bodies.releaseLane()))).to.equal(0)
    }
    const { data } = clientVaultStateInit(accountOf(world.owner.address), world.parameters)
    const never = tableOf(data ?? (await dataOf(world)))
    expect(tableOf(await dataOf(world)).map(String)).to.deep.equal(never.map(String))
    expect(await world.state()).to.deep.include({ lanes: [], slots: 0n, lanesCount: 0, lockedNano: 0n })
  })

  it('opens eight lanes within the goal in a vault of 97, each in a node of its own', async function () {
    this.timeout(60_000)
    const world = await VaultWorld.ready({}, 50n * TON)
    await openMany(world, somePayees(97))
    const gas = gasOf(await openLanes(world, oneOfEachNode(9), EPOCH + 200n), world)
    expect(gas).to.be.within(20_000, GOAL_GAS)
  })

  it('opens eight lanes in one chain, ground to be full, for no more than a wallet sends by default', async function () {
    this.timeout(60_000)
    const world = await VaultWorld.ready({}, 50n * TON)
    const ground = alike(105, 0b00011111000)
    await openMany(world, ground.slice(0, 97))
    const result = await openLanes(world, ground.slice(97), EPOCH + 200n)
    expect(world.exitCode(result)).to.equal(0)
    // at 400 nanoTON a unit, with room for what carries the messages
    expect(gasOf(result, world) * 400).to.be.within(20_000_000, 40_000_000)
  })
})
