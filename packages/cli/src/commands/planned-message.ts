import { CLIENT_VAULT_LIMITS, clientVaultBodies, providerStakeBodies } from '@cocoon-net/contracts'
import { accountToText } from '@cocoon-net/protocol'
import { tonText } from '../output.ts'
import type { MoneyWriter } from './money-writer.ts'
import type { WalletMessage } from '@cocoon-net/settlement'
import type { Cell } from '@ton/core'

/** A message with what it is for and what it costs, so that it can be shown before it is sent. */
export interface PlannedMessage extends WalletMessage {
  readonly what: string
  /** what it moves to its goal, nanoTON */
  readonly movesNano: bigint
  /** all that is spent on the way, at most: wallet, forwarding, the contract's execution, nanoTON */
  readonly costNano: bigint
  /** What comes back to the wallet for it when all goes well, nanoTON */
  readonly bringsNano?: bigint
  /** What must be done before it is sent; what it gives becomes part of the message. */
  prepare? (writer: MoneyWriter): Promise<Partial<WalletMessage> | void>
  /** Whether the chain shows its effect; without it the wallet's own transaction is the effect. */
  isDone? (): Promise<boolean>
}

// All in, for the dearest state of a vault, as contracts/gas-snapshot.json has them, rounded up; a wallet that is not
// deployed yet costs a little more, which the rounding covers.
const COST_NANO = Object.freeze({
  transfer: 5_000_000n,
  deposit: 8_000_000n,
  setUp: 48_000_000n,
  openLane: 15_000_000n,
  startUnlock: 15_000_000n,
  finishUnlock: 15_000_000n,
  withdraw: 10_000_000n,
  closeLane: 16_000_000n,
  role: 10_000_000n,
  flushFee: 10_000_000n,
  report: 12_000_000n,
  stakeSetUp: 25_000_000n,
  stakeStep: 10_000_000n
})

/** Sent along so that a step never lacks gas; what it does not need comes back. */
const GAS_VALUE_NANO = 50_000_000n
/** 0.01 TON goes to the payee as its notice, 0.01 TON waits in the lane for its redeem. */
const UNLOCK_NOTICE_NANO = 20_000_000n

export function planTransfer (to: Uint8Array, amountNano: bigint): PlannedMessage {
  // a wallet that was never used takes coins only when they do not bounce
  return { to, valueNano: amountNano, bounce: false, what: `transfer to ${accountToText(to)}`, movesNano: amountNano, costNano: COST_NANO.transfer }
}

export function planDeposit (vault: Uint8Array, amountNano: bigint): PlannedMessage {
  return { to: vault, valueNano: amountNano, body: clientVaultBodies.topUp(), what: 'deposit into the vault', movesNano: amountNano, costNano: COST_NANO.deposit }
}

/** The first message of a vault: its code, its first signer, its first coins. */
export function planSetUp (init: { vault: Uint8Array, stateInit: NonNullable<WalletMessage['init']>, amountNano: bigint, signerKey: Uint8Array, operator: Uint8Array }): PlannedMessage {
  return {
    to: init.vault,
    valueNano: init.amountNano,
    init: init.stateInit,
    body: clientVaultBodies.setUp({ signerKey: init.signerKey, operator: init.operator }),
    what: `deploy the vault with its first deposit, of which ${tonText(CLIENT_VAULT_LIMITS.reserveBaseNano)} TON stay in it for its rent`,
    movesNano: init.amountNano,
    costNano: COST_NANO.setUp
  }
}

export function planOpen (vault: Uint8Array, lane: { payee: Uint8Array, epoch: bigint, capNano: bigint, isNew: boolean }): PlannedMessage {
  return {
    to: vault,
    valueNano: GAS_VALUE_NANO + (lane.isNew ? 0n : lane.capNano),
    body: clientVaultBodies.openLanes({ epoch: lane.epoch, keyIdx: 0, lanes: [{ payee: lane.payee, capNano: lane.capNano }] }),
    what: `${lane.isNew ? 'open a lane for' : 'raise the cap of the lane of'} ${accountToText(lane.payee)}`,
    movesNano: lane.capNano,
    costNano: COST_NANO.openLane
  }
}

export function planUnlock (vault: Uint8Array, payee: Uint8Array): PlannedMessage {
  return {
    to: vault,
    valueNano: GAS_VALUE_NANO,
    body: clientVaultBodies.startUnlock(payee),
    what: `start the unlock of the lane of ${accountToText(payee)}`,
    movesNano: UNLOCK_NOTICE_NANO,
    costNano: COST_NANO.startUnlock
  }
}

export function planFinish (vault: Uint8Array, payee: Uint8Array): PlannedMessage {
  return {
    to: vault,
    valueNano: GAS_VALUE_NANO,
    body: clientVaultBodies.finishUnlock(payee),
    what: `end the unlocked lane of ${accountToText(payee)}`,
    movesNano: 0n,
    costNano: COST_NANO.finishUnlock
  }
}

export function planWithdraw (vault: Uint8Array, amountNano: bigint): PlannedMessage {
  return {
    to: vault,
    valueNano: GAS_VALUE_NANO,
    body: clientVaultBodies.withdraw(amountNano),
    what: 'withdraw from the vault',
    movesNano: amountNano,
    costNano: COST_NANO.withdraw
  }
}

/** A deposit into a stake; with `stateInit` it deploys the stake. `missingNano`: what its rent reserve lacks. */
export function planBond (init: { stake: Uint8Array, amountNano: bigint, missingNano: bigint, stateInit?: WalletMessage['init'] }): PlannedMessage {
  return {
    to: init.stake,
    valueNano: init.amountNano + init.missingNano + GAS_VALUE_NANO,
    init: init.stateInit,
    body: providerStakeBodies.deposit(init.amountNano),
    what: `${init.stateInit === undefined ? 'deposit into the stake' : 'deploy the stake with its first deposit'}${init.missingNano === 0n ? '' : `, and ${tonText(init.missingNano)} TON that stay in it for its rent`}`,
    movesNano: init.amountNano + init.missingNano,
    costNano: init.stateInit === undefined ? COST_NANO.stakeStep : COST_NANO.stakeSetUp
  }
}

export function planUnbond (stake: Uint8Array, amountNano: bigint): PlannedMessage {
  return { to: stake, valueNano: GAS_VALUE_NANO, body: providerStakeBodies.unbond(amountNano), what: 'unbond', movesNano: 0n, costNano: COST_NANO.stakeStep }
}

export function planRebond (stake: Uint8Array): PlannedMessage {
  return { to: stake, valueNano: GAS_VALUE_NANO, body: providerStakeBodies.rebond(), what: 'bond again what unbonds', movesNano: 0n, costNano: COST_NANO.stakeStep }
}

export function planStakeWithdraw (stake: Uint8Array, dueNano: bigint): PlannedMessage {
  return { to: stake, valueNano: GAS_VALUE_NANO, body: providerStakeBodies.withdraw(), what: 'withdraw from the stake', movesNano: dueNano, costNano: COST_NANO.stakeStep }
}

export function planAddSigner (vault: Uint8Array, idx: number, key: Uint8Array): PlannedMessage {
  return { to: vault, valueNano: GAS_VALUE_NANO, body: clientVaultBodies.addSigner({ idx, key }), what: `write voucher signer ${idx}`, movesNano: 0n, costNano: COST_NANO.role }
}

export function planRetireSigner (vault: Uint8Array, idx: number): PlannedMessage {
  return { to: vault, valueNano: GAS_VALUE_NANO, body: clientVaultBodies.retireSigner(idx), what: `retire voucher signer ${idx}`, movesNano: 0n, costNano: COST_NANO.role }
}

export function planOperator (vault: Uint8Array, operator: Uint8Array, dailyBudgetNano: bigint): PlannedMessage {
  return { to: vault, valueNano: GAS_VALUE_NANO, body: clientVaultBodies.setOperator(operator, dailyBudgetNano), what: 'change the operator', movesNano: 0n, costNano: COST_NANO.role }
}

export function planFlushFee (vault: Uint8Array, dueNano: bigint): PlannedMessage {
  return { to: vault, valueNano: GAS_VALUE_NANO, body: clientVaultBodies.flushFee(), what: 'pay the accrued fee to the treasury', movesNano: dueNano, costNano: COST_NANO.flushFee }
}

/** Its body has the payee's signature, which is made when it is sent. */
export function planClose (vault: Uint8Array, { payee, dueNano }: { payee: Uint8Array, dueNano: bigint }): PlannedMessage {
  return {
    to: vault,
    valueNano: GAS_VALUE_NANO,
    what: `end the lane of ${accountToText(payee)} together with its payer`,
    movesNano: 0n,
    bringsNano: dueNano,
    costNano: COST_NANO.closeLane
  }
}

export function planRelease (vault: Uint8Array): PlannedMessage {
  return { to: vault, valueNano: GAS_VALUE_NANO, body: clientVaultBodies.releaseLane(), what: 'redeem what the lane holds, then end it for its payer', movesNano: 0n, costNano: COST_NANO.closeLane }
}

export function planReport (stake: Uint8Array, { kind, body, takenNano, gainNano }: { kind: 'E1' | 'E2', body: Cell, takenNano: bigint, gainNano: bigint }): PlannedMessage {
  return {
    to: stake,
    valueNano: GAS_VALUE_NANO,
    body,
    what: `report ${kind === 'E1' ? 'a contradiction' : 'an overcharge'}: ${takenNano} nanoTON of the stake are taken`,
    movesNano: 0n,
    bringsNano: gainNano,
    costNano: COST_NANO.report
  }
}
