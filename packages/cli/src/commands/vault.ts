import { CLIENT_VAULT_LIMITS } from '@cocoon-net/contracts'
import { CocoonError, accountToText } from '@cocoon-net/protocol'
import { EXIT_DONE } from '../exit-codes.ts'
import { adminRead } from '../local-api.ts'
import { printResult } from '../output.ts'
import { withProgress } from '../progress.ts'
import { amountArgument, amountText } from '../ton-amount.ts'
import { planDeposit, planFinish, planSetUp, planUnlock, planWithdraw } from './planned-message.ts'
import { deployedVault, findLane, freeNano, laneOf, lanesText, readVault, reserveNano, timeText, vaultObject, vaultSchema, vaultText } from './vault-view.ts'
import { accountArgument, hasWallet, openChain } from './wallet-access.ts'
import { sendPlanned } from './wallet-send.ts'
import type { PlannedMessage } from './planned-message.ts'
import type { VaultObject, VaultView } from './vault-view.ts'
import type { ChainAccess } from './wallet-access.ts'
import type { Command, Invocation } from '../invocation.ts'

/** Left in the vault by `withdraw all` for the rent that is due since its last transaction: some weeks of it. */
const RENT_DUE_NANO = 10_000_000n

/** A vault with the wallet that can speak to it. */
export interface OwnVault {
  readonly chain: ChainAccess
  readonly seen: VaultView
}

/**
 * The vault of this home's wallet.
 *
 * @throws {CocoonError} config_invalid, file_unusable, key_locked, chain_unavailable
 */
export async function viewVault (invocation: Invocation): Promise<OwnVault> {
  return withProgress(invocation.context, 'Reading the chain', async () => {
    const chain = await openChain(invocation)
    return { chain, seen: await readVault({ network: chain.network, port: chain.port, owner: chain.wallet.account }) }
  })
}

async function fromNode (invocation: Invocation): Promise<VaultObject> {
  const answer = vaultSchema.safeParse(await withProgress(invocation.context, 'Asking the node', async () => adminRead(invocation, 'vault')))
  if (!answer.success) {
    throw new CocoonError('not_running', 'What answers is not a node of this version')
  }
  return answer.data
}

function show (text: (vault: VaultObject) => string): Command {
  return async invocation => {
    // where the home has no wallet, only a running node knows whose vault is meant
    const vault = await hasWallet(invocation) ? vaultObject((await viewVault(invocation)).seen) : await fromNode(invocation)
    printResult(invocation.context, invocation.json, vault, text)
    return EXIT_DONE
  }
}

/** The vault of this home, or where the home has no wallet, of the node that runs. */
export const vaultStatus: Command = show(vaultText)

export const vaultLanes: Command = show(lanesText)

/** Sends what `plan` makes of the vault as the chain shows it; what the contract would refuse, `plan` refuses. */
export async function actOnVault (invocation: Invocation, plan: (seen: VaultView, chain: ChainAccess) => PlannedMessage | Promise<PlannedMessage>): Promise<number> {
  const { chain, seen } = await viewVault(invocation)
  return sendPlanned(invocation, chain, [await plan(seen, chain)])
}

/**
 * The first message of a vault that is not deployed yet.
 *
 * @throws {CocoonError} file_unusable, key_locked
 */
export async function setUpOf (chain: ChainAccess, seen: VaultView, amountNano: bigint): Promise<PlannedMessage> {
  const { owner, vaults, account } = seen
  return planSetUp({
    vault: account,
    stateInit: vaults.stateInit(owner),
    amountNano,
    signerKey: await chain.voucherKey(),
    operator: owner
  })
}

/** Some three times the gas of a deposit: less would leave nothing in the vault. */
const LEAST_DEPOSIT_NANO = 1_000_000n

/** @throws {CocoonError} deposit_too_small */
function checkDeposit (seen: VaultView, amountNano: bigint): void {
  if (amountNano < LEAST_DEPOSIT_NANO) {
    throw new CocoonError('deposit_too_small', `A deposit is at least ${amountText(LEAST_DEPOSIT_NANO)}: less is used up by its gas`)
  }
  const { reserveBaseNano, openGasNano } = CLIENT_VAULT_LIMITS
  if (seen.state == null && amountNano < reserveBaseNano + openGasNano) {
    throw new CocoonError('deposit_too_small', `The first deposit is at least ${amountText(reserveBaseNano + openGasNano)}: ${amountText(reserveBaseNano)} of it stay in the vault for its rent`)
  }
}

/** Puts coins into the vault; the first time, this deploys it. */
export const vaultDeposit: Command = async invocation => {
  const amountNano = amountArgument(invocation.args[0])
  return actOnVault(invocation, async (seen, chain) => {
    const { port } = seen
    checkDeposit(seen, amountNano)
    return seen.state == null
      ? { ...await setUpOf(chain, seen, amountNano), isDone: async () => port.isActive(seen.account) }
      : { ...planDeposit(seen.account, amountNano), isDone: async () => await port.balance(seen.account) > seen.balanceNano }
  })
}

export const vaultWithdraw: Command = async invocation => {
  const [text] = invocation.args
  const askedNano = text === 'all' ? null : amountArgument(text)
  return actOnVault(invocation, seen => {
    const state = deployedVault(seen)
    const free = freeNano(seen)
    const amountNano = askedNano ?? free - RENT_DUE_NANO
    if (amountNano <= 0n || amountNano > free) {
      throw new CocoonError('insufficient_funds', `${amountText(free)} are free; the rest of ${amountText(seen.balanceNano)} is in lanes (${amountText(state.lockedNano)}), due as fee (${amountText(state.feeAccruedNano)}) or kept for rent (${amountText(reserveNano(state))})`)
    }
    return {
      ...planWithdraw(seen.account, amountNano),
      isDone: async () => await seen.port.balance(seen.account) <= seen.balanceNano - amountNano
    }
  })
}

export const vaultUnlock: Command = async invocation => {
  const payee = accountArgument(invocation, invocation.args[0], 'the payee of the lane')
  return actOnVault(invocation, seen => {
    const lane = laneOf(deployedVault(seen), payee)
    if (lane.unlockAt !== 0) {
      throw new CocoonError('lane_unlocking', `The lane of ${accountToText(payee)} unlocks already, until ${timeText(lane.unlockAt)}; \`cocoon vault finish\` ends it then`)
    }
    return {
      ...planUnlock(seen.account, payee),
      // a gateway that would go on with the lane would only be refused
      prepare: async writer => { await writer.retireLane(payee) },
      isDone: async () => (await seen.port.readLane(seen.account, payee))?.unlockAt !== 0
    }
  })
}

/** Ends a lane whose unlock is over: what it has left is free again. */
export const vaultFinish: Command = async invocation => {
  const payee = accountArgument(invocation, invocation.args[0], 'the payee of the lane')
  return actOnVault(invocation, seen => {
    const lane = laneOf(deployedVault(seen), payee)
    if (lane.unlockAt === 0 || lane.unlockAt * 1_000 > seen.port.nowMs()) {
      throw new CocoonError('lane_not_unlocked', `The lane of ${accountToText(payee)} ${lane.unlockAt === 0 ? 'does not unlock' : `unlocks until ${timeText(lane.unlockAt)}`}`)
    }
    return {
      ...planFinish(seen.account, payee),
      isDone: async () => findLane(deployedVault(await readVault(seen)), payee) === undefined
    }
  })
}
