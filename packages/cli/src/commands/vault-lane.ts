import { CLIENT_VAULT_LIMITS } from '@cocoon-net/contracts'
import { CocoonError, accountToText } from '@cocoon-net/protocol'
import { EXIT_DONE } from '../exit-codes.ts'
import { printResult } from '../output.ts'
import { withProgress } from '../progress.ts'
import { amountArgument, amountText } from '../ton-amount.ts'
import { withWriter } from './money-writer.ts'
import { planOpen } from './planned-message.ts'
import { deployedVault, findLane, freeNano, laneOf, readVault, timeText } from './vault-view.ts'
import { setUpOf, viewVault } from './vault.ts'
import { accountArgument } from './wallet-access.ts'
import { checkFunds, printPlan } from './wallet-send.ts'
import type { Command, Invocation } from '../invocation.ts'
import type { MoneyWriter } from './money-writer.ts'
import type { PlannedMessage } from './planned-message.ts'
import type { VaultView } from './vault-view.ts'
import type { OwnVault } from './vault.ts'

/** What a new vault is deployed with when the configuration does not say. */
const DEFAULT_DEPOSIT_NANO = 1_000_000_000n

function depositOf (invocation: Invocation): bigint {
  const { depositNano } = invocation.config
  return depositNano === undefined ? DEFAULT_DEPOSIT_NANO : BigInt(depositNano)
}

/** @throws {CocoonError} lane_unlocking */
function checkStays (payee: Uint8Array, unlockAt: number): void {
  if (unlockAt !== 0) {
    throw new CocoonError('lane_unlocking', `The lane of ${accountToText(payee)} unlocks until ${timeText(unlockAt)}`)
  }
}

/** @throws {CocoonError} usage */
function checkCap (capNano: bigint): void {
  const { maxCapNano } = CLIENT_VAULT_LIMITS
  if (capNano > maxCapNano) {
    throw new CocoonError('usage', `A lane locks at most ${amountText(maxCapNano)}`)
  }
}

/** The messages of an open; what the vault would refuse is refused here. */
async function planNew (invocation: Invocation, { chain, seen }: OwnVault, payee: Uint8Array, capNano: bigint): Promise<PlannedMessage[]> {
  const lane = seen.state == null ? undefined : findLane(seen.state, payee)
  if (lane !== undefined) {
    checkStays(payee, lane.unlockAt)
    throw new CocoonError('lane_open', `The lane of ${accountToText(payee)} is open, with a cap of ${amountText(lane.capNano)}`)
  }
  const { minLaneCapNano } = seen.network
  if (capNano < minLaneCapNano) {
    throw new CocoonError('lane_cap_too_small', `Providers take no lane under ${amountText(minLaneCapNano)}`)
  }
  checkCap(capNano)
  if (seen.state != null && seen.state.lanesCount >= CLIENT_VAULT_LIMITS.maxLanes) {
    throw new CocoonError('vault_full', `The vault has ${seen.state.lanesCount} lanes, and can hold no more`)
  }
  const messages: PlannedMessage[] = []
  // a new vault holds its deposit, less some gas of its first message
  const freeThenNano = seen.state == null
    ? depositOf(invocation) - CLIENT_VAULT_LIMITS.reserveBaseNano - CLIENT_VAULT_LIMITS.openGasNano
    : freeNano(seen)
  if (seen.state == null) {
    messages.push(await setUpOf(chain, seen, depositOf(invocation)))
  }
  if (freeThenNano < capNano + CLIENT_VAULT_LIMITS.reservePerLaneNano) {
    throw new CocoonError('insufficient_funds', `The vault has ${amountText(freeThenNano)} free, and the lane locks ${amountText(capNano)} and ${amountText(CLIENT_VAULT_LIMITS.reservePerLaneNano)} for its rent; \`cocoon vault deposit\` puts more in`)
  }
  messages.push(planOpen(seen.account, { payee, epoch: BigInt(seen.port.nowMs()), capNano, isNew: true }))
  return messages
}

function planRaise (seen: VaultView, payee: Uint8Array, addNano: bigint): PlannedMessage[] {
  const lane = laneOf(deployedVault(seen), payee)
  checkStays(payee, lane.unlockAt)
  checkCap(lane.capNano + addNano)
  return [planOpen(seen.account, { payee, epoch: lane.epoch, capNano: addNano, isNew: false })]
}

/**
 * Runs what a plan says through the client's own records, the node's where one runs: a lane that a gateway did not know
 * would be of no use to it.
 *
 * @throws {CocoonError} insufficient_funds, chain_unavailable, chain_rejected, not_running, wrong_wallet
 */
async function apply (invocation: Invocation, { chain, seen }: OwnVault, messages: readonly PlannedMessage[], work: (writer: MoneyWriter) => Promise<void>): Promise<number> {
  const balanceNano = await chain.wallet.balance()
  if (invocation.options.dryRun === true) {
    printPlan(invocation, chain, { messages, balanceNano })
    return EXIT_DONE
  }
  checkFunds(chain, balanceNano, messages)
  const payee = accountArgument(invocation, invocation.args[0], 'the payee of the lane')
  const lane = await withWriter(invocation, chain, async writer => withProgress(invocation.context, 'Waiting for the chain', async () => {
    await work(writer)
    return laneOf(deployedVault(await readVault(seen)), payee)
  }))
  const value = {
    network: chain.network.name,
    vault: accountToText(seen.account),
    payee: accountToText(payee),
    capNano: lane.capNano,
    paidNano: lane.paidNano,
    epoch: lane.epoch,
    balanceNano,
    balanceAfterNano: await chain.wallet.balance()
  }
  printResult(invocation.context, invocation.json, value, shown =>
    `The lane of ${shown.payee} can pay ${amountText(shown.capNano - shown.paidNano)}.\nThe wallet held ${amountText(shown.balanceNano)} and holds ${amountText(shown.balanceAfterNano)}.`)
  return EXIT_DONE
}

/** Opens a lane; where there is no vault yet, deploys it first. */
export const vaultOpen: Command = async invocation => {
  const payee = accountArgument(invocation, invocation.args[0], 'the payee of the lane')
  const capNano = amountArgument(invocation.args[1])
  const own = await viewVault(invocation)
  return apply(invocation, own, await planNew(invocation, own, payee, capNano), async writer => writer.openLane(payee, capNano))
}

/** Adds to the cap of an open lane. */
export const vaultTopUp: Command = async invocation => {
  const payee = accountArgument(invocation, invocation.args[0], 'the payee of the lane')
  const addNano = amountArgument(invocation.args[1])
  const own = await viewVault(invocation)
  return apply(invocation, own, planRaise(own.seen, payee, addNano), async writer => writer.topUpLane(payee, addNano))
}
