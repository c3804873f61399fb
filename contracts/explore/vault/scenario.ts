/** The bounded worlds that the exploration closes over: who may send what, in which amounts, at which times. */
import { beginCell } from '@ton/core'
import { CLIENT_VAULT_OPS, clientVaultAddress, clientVaultStateInit } from '../../src/index.ts'
import { Reader } from '../cells.ts'
import { freshAccount } from '../executor.ts'
import { must } from '../violation.ts'
import { Cast, bytes } from './cast.ts'
import { checkStep, freeNano, viewOf } from './laws.ts'
import type { Deed } from './cast.ts'
import type { Account, Machine } from '../executor.ts'
import type { Cell } from '@ton/core'

const TON = 1_000_000_000n
/** Unix seconds; eight in the morning, UTC. */
export const START = 1_800_000_000
export const UNLOCK_SECONDS = 600
/** What one lane is opened with and topped up by: large enough that two redeems reach the fee's flush. */
export const CAP_NANO = 8n * TON
const EPOCH_1 = BigInt(START) * 1_000n
const EPOCH_2 = EPOCH_1 + 1n
/** At the start too far ahead; exactly an hour ahead one clock step later. */
const EPOCH_FAR = BigInt(START + UNLOCK_SECONDS - 1 + 3_600) * 1_000n
const BUDGET_NANO = 3n * CAP_NANO
/** The next day, when both epochs are out of time. */
const NEXT_DAY = 57_600

export interface Scenario {
  readonly name: string
  readonly cast: Cast
  /** Clock, unix seconds. */
  readonly clock: readonly number[]
  /** Free balance is told apart in steps of one cap, up to this many. */
  readonly freeSteps: number
  /** Most that a lane's cap grows to. */
  readonly maxCapNano: ReadonlyMap<string, bigint>
  /** Sent in every state that has to obey them. */
  readonly moves: readonly Deed[]
  /** Whether the owner also takes out what is free, wherever that is much. */
  readonly withdraws: boolean
  /** Sent in turn, some in every state, whether they have to be obeyed or refused; what they lead to is not followed. */
  readonly probes: readonly Deed[]
  readonly start: Account
  /** One way through a vault's life; its states are expanded first, so that little is enough to see much. */
  readonly life: readonly Step[]
}

/** The clock moves, or a message is sent. */
export type Step = Deed | 'clock'

/**
 * `all`: every message is followed, more states than can be seen. `lanes`: operator and deposit are fixed, and both lanes
 * do everything. `money`: operator, deposits and withdrawals too, and less redeems.
 */
export type Followed = 'all' | 'lanes' | 'money'

export interface Options {
  readonly followed: Followed
  /** The vault's code; undefined: the committed one. */
  readonly code?: Cell
  readonly feeBps?: number
}

const NAMES: Readonly<Record<Followed, string>> = Object.freeze({
  all: 'two lanes, everything',
  lanes: 'two lanes, fixed operator and deposit',
  money: 'two lanes, changing operator and deposit, fewer vouchers'
})

/** Seconds after the start: before, at and after the end of an unlock, and the next day. */
const CLOCKS: Readonly<Record<Followed, readonly number[]>> = Object.freeze({
  all: [0, UNLOCK_SECONDS - 1, UNLOCK_SECONDS, 2 * UNLOCK_SECONDS - 1, NEXT_DAY],
  lanes: [0, UNLOCK_SECONDS - 1, UNLOCK_SECONDS, NEXT_DAY],
  money: [0, UNLOCK_SECONDS, NEXT_DAY]
})

/** Free balance as the search tells it apart; −1: rent has eaten into the reserve. */
export function freeStep (account: Account, steps: number): number {
  const free = freeNano(account)
  return free < 0n ? -1 : Math.min(steps, Number(free / CAP_NANO))
}

function junk (cast: Cast): Deed[] {
  const short = (op: number): Cell => beginCell().storeUint(op, 32).storeUint(15, 4).endCell()
  // messages without fields take whatever follows their opcode
  const bare = ['unlockNotice', 'topUp', 'releaseLane', 'flushFee']
  const ops = Object.entries(CLIENT_VAULT_OPS).filter(([name]) => !bare.includes(name))
  return [
    cast.junk('owner', 'unknown', beginCell().storeUint(0x43560099, 32).endCell()),
    cast.junk('owner', 'two bits', beginCell().storeUint(3, 2).endCell()),
    cast.junk('A', 'notice', beginCell().storeUint(CLIENT_VAULT_OPS.unlockNotice, 32).storeUint(0, 256 + 64 + 32).endCell()),
    ...ops.map(([name, op]) => cast.junk('owner', `${name} cut short`, short(op)))
  ]
}

function vouchers (cast: Cast): { good: Deed[], bad: Deed[] } {
  // no multiple of what the fee rounds to
  const part = CAP_NANO * 2n / 5n + 33n
  const over = CAP_NANO * 3n / 2n
  const good: Deed[] = []
  for (const epoch of [EPOCH_1, EPOCH_2]) {
    for (const keyIdx of [0, 1]) {
      good.push(cast.redeem('A', 'A', epoch, keyIdx, part), cast.redeem('stranger', 'A', epoch, keyIdx, over), cast.redeem('B', 'B', epoch, keyIdx, CAP_NANO * 3n))
    }
  }
  const bad = [
    // dust, as somebody would who wants the lane's gas used up
    cast.redeem('owner', 'A', EPOCH_1, 0, 1_000_000n),
    cast.redeem('stranger', 'B', EPOCH_1, 0, 1_000_000n),
    cast.redeem('A', 'A', EPOCH_1, 0, part, over),
    cast.redeem('A', 'A', EPOCH_2, 1, part, part + 1n),
    cast.redeem('A', 'A', EPOCH_1 + 1n, 0, over),
    cast.redeem('owner', 'B', EPOCH_1, 0, 0n),
    cast.redeem('B', 'A', EPOCH_2, 0, over)
  ]
  return { good, bad }
}

function wrongSenders (cast: Cast): Deed[] {
  const out: Deed[] = []
  for (const from of ['operator', 'stranger', 'A', 'treasury']) {
    out.push(cast.setUp(from, TON), cast.addSigner(from, 1), cast.retireSigner(from, 0), cast.setOperator(from, 'stranger', 100n * TON), cast.withdraw(from, 1n))
    if (from !== 'operator') {
      out.push(cast.open(from, EPOCH_1, 0, { A: CAP_NANO }, 10n * TON), cast.open(from, EPOCH_2, 0, { B: CAP_NANO }), cast.startUnlock(from, 'A'), cast.startUnlock(from, 'B'))
    }
    if (from !== 'A') {
      out.push(cast.release(from))
    }
  }
  return out
}

function lifeOf (cast: Cast): Step[] {
  return [
    cast.open('operator', EPOCH_1, 0, { A: CAP_NANO, B: CAP_NANO }),
    cast.redeem('A', 'A', EPOCH_1, 0, CAP_NANO * 2n / 5n + 33n),
    cast.startUnlock('owner', 'A'),
    cast.startUnlock('owner', 'B'),
    cast.addSigner('owner', 1),
    'clock',
    'clock',
    cast.finishUnlock('owner', 'A'),
    cast.close('owner', 'B', EPOCH_1, 0, CAP_NANO / 2n),
    cast.retireSigner('owner', 0),
    cast.open('operator', EPOCH_2, 1, { A: CAP_NANO }),
    cast.redeem('stranger', 'A', EPOCH_2, 1, CAP_NANO * 3n / 2n)
  ]
}

/** Two lanes (A and B), two epochs, two voucher signers, every message. */
export async function twoLanes (machine: Machine, options: Options): Promise<Scenario> {
  const cast = new Cast(2, 2)
  const { start, setUp } = await born(machine, cast, options)
  const { good, bad } = vouchers(cast)
  const opens = [
    cast.open('operator', EPOCH_1, 0, { A: CAP_NANO, B: CAP_NANO }),
    cast.open('operator', EPOCH_1, 0, { A: CAP_NANO }),
    cast.open('owner', EPOCH_1, 1, { B: CAP_NANO }),
    cast.open('operator', EPOCH_2, 1, { A: CAP_NANO }),
    cast.open('owner', EPOCH_2, 0, { B: CAP_NANO })
  ]
  const ends = [
    cast.startUnlock('owner', 'A'),
    cast.startUnlock('owner', 'B'),
    cast.finishUnlock('owner', 'A'),
    cast.finishUnlock('owner', 'B'),
    cast.release('A'),
    cast.close('stranger', 'B', EPOCH_1, 0, CAP_NANO / 2n),
    cast.close('owner', 'B', EPOCH_1, 1, CAP_NANO * 2n),
    cast.close('B', 'B', EPOCH_2, 0, CAP_NANO / 2n)
  ]
  const roles = [cast.addSigner('owner', 1), cast.retireSigner('owner', 0), cast.flushFee('stranger')]
  const payments = [
    cast.setOperator('owner', '', 0n),
    cast.setOperator('owner', 'operator', BUDGET_NANO),
    cast.topUp('stranger', CAP_NANO),
    cast.bounced('A', CAP_NANO)
  ]
  const [redeemed, left] = options.followed === 'money' ? [good.filter(deed => deed.sender === cast.at('stranger')), good] : [good, []]
  const moves = [...opens, ...redeemed, ...ends, ...roles, ...options.followed === 'lanes' ? [] : payments]
  const probes = [
    ...bad,
    ...wrongSenders(cast),
    ...junk(cast),
    setUp,
    cast.addSigner('owner', 0),
    cast.retireSigner('owner', 7),
    cast.release('B'),
    cast.startUnlock('owner', 'A', 29_999_999n),
    cast.startUnlock('operator', 'A'),
    cast.startUnlock('operator', 'B'),
    cast.finishUnlock('stranger', 'A'),
    cast.finishUnlock('A', 'B'),
    cast.open('owner', EPOCH_1, 0, { A: 0n }),
    cast.open('owner', EPOCH_1, 7, { A: CAP_NANO }),
    cast.open('operator', EPOCH_1, 0, { A: BUDGET_NANO + 1n }, 100n * TON),
    cast.open('owner', EPOCH_1, 0, { A: 1_000n * TON }),
    cast.open('owner', EPOCH_2, 0, { A: CAP_NANO }),
    cast.open('owner', EPOCH_FAR, 0, { B: CAP_NANO }),
    cast.open('owner', EPOCH_FAR + 1n, 0, { B: CAP_NANO }),
    cast.close('stranger', 'A', EPOCH_1, 0, CAP_NANO, 'B'),
    cast.close('stranger', 'A', EPOCH_1, 1, CAP_NANO),
    cast.withdraw('owner', 1_000n * TON),
    cast.plainCoins('A', 1n),
    cast.bounced('B', 10_000_000n),
    ...left,
    ...payments
  ].filter(deed => !moves.includes(deed))
  return {
    name: NAMES[options.followed],
    cast,
    clock: CLOCKS[options.followed].map(offset => START + offset),
    freeSteps: 2,
    maxCapNano: new Map([[cast.at('A'), 2n * CAP_NANO], [cast.at('B'), CAP_NANO]]),
    moves,
    withdraws: options.followed !== 'lanes',
    probes,
    start,
    life: lifeOf(cast)
  }
}

/** A vault that was deployed and set up, by running its first message too. */
export async function born (machine: Machine, cast: Cast, options: Options): Promise<{ start: Account, setUp: Deed }> {
  const parameters = {
    networkId: bytes(cast.networkId),
    feeBps: options.feeBps ?? 100,
    treasury: bytes(cast.at('treasury')),
    unlockSeconds: UNLOCK_SECONDS
  }
  const owner = bytes(cast.at('owner'))
  cast.aim(clientVaultAddress(owner, parameters))
  const init = clientVaultStateInit(owner, parameters)
  const account = freshAccount(clientVaultAddress(owner, parameters), { ...init, code: options.code ?? init.code }, 3n * CAP_NANO + TON)
  const setUp = cast.setUp('owner', BUDGET_NANO)
  const step = await machine.run(account, setUp.envelope, START)
  must(checkStep(account, setUp, step, START), 'authority', () => 'the set-up failed')
  must(new Reader(step.account.data).bitsLeft > 0 && viewOf(step.account).signers.size === 1, 'effect', () => 'no signer')
  return { start: step.account, setUp }
}
