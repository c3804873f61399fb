import { PROVIDER_STAKE_LIMITS, parseProviderStakeState, providerStakeAddress, providerStakeStateInit } from '@cocoon-net/contracts'
import { CocoonError, accountFromAddress, accountToText, buildDelegationCell, cellToBytes, delegationHash, fromHex, toHex } from '@cocoon-net/protocol'
import { ed25519Signer } from '@cocoon-net/settlement'
import { EXIT_DONE } from '../exit-codes.ts'
import { printResult } from '../output.ts'
import { withProgress } from '../progress.ts'
import { amountArgument, amountText } from '../ton-amount.ts'
import { planBond, planRebond, planStakeWithdraw, planUnbond } from './planned-message.ts'
import { timeText } from './vault-view.ts'
import { friendlyText, madeSeedOf, networkOfConfig, openChain, walletAccountOf } from './wallet-access.ts'
import { sendPlanned } from './wallet-send.ts'
import type { PlannedMessage } from './planned-message.ts'
import type { ChainAccess } from './wallet-access.ts'
import type { Command, Invocation } from '../invocation.ts'
import type { ProviderStakeState, StakeOwner } from '@cocoon-net/contracts'
import type { NetworkPreset } from '@cocoon-net/protocol'
import type { Signer } from '@cocoon-net/settlement'

const DEFAULT_DAYS = 30
const MAX_DAYS = 366
const DAY_SECONDS = 86_400

/** The key that signs delegations; made when it is first needed, apart from the wallet's. */
async function ownerKeyOf (invocation: Invocation): Promise<Signer> {
  return ed25519Signer(await madeSeedOf(invocation, 'stake'))
}

function stakeAccount (owner: StakeOwner, network: NetworkPreset): Uint8Array {
  return accountFromAddress(providerStakeAddress(owner, { networkId: network.networkId, ...network.stake }))
}

interface StakeView {
  readonly chain: ChainAccess
  readonly owner: StakeOwner
  readonly account: Uint8Array
  readonly balanceNano: bigint
  /** null before the stake is deployed */
  readonly state: ProviderStakeState | null
}

async function readStake (chain: ChainAccess, owner: StakeOwner): Promise<StakeView> {
  const account = stakeAccount(owner, chain.network)
  const [balanceNano, data] = await Promise.all([chain.port.balance(account), chain.port.data(account)])
  return { chain, owner, account, balanceNano, state: data == null ? null : parseProviderStakeState(data) }
}

async function viewStake (invocation: Invocation): Promise<StakeView> {
  return withProgress(invocation.context, 'Reading the chain', async () => {
    const chain = await openChain(invocation)
    const { publicKey: ownerKey } = await ownerKeyOf(invocation)
    return readStake(chain, { account: chain.wallet.account, ownerKey })
  })
}

/** @throws {CocoonError} stake_missing */
function deployedStake (view: StakeView): ProviderStakeState {
  if (view.state == null) {
    throw new CocoonError('stake_missing', `The stake ${accountToText(view.account)} is not deployed`)
  }
  return view.state
}

/** What a withdrawal would bring now, as the contract reckons it. */
function dueNano (view: StakeView, nowMs: number): bigint {
  const { state, balanceNano } = view
  if (state == null) {
    return 0n
  }
  const heldNano = nowMs >= state.readyAt * 1_000 ? 0n : state.unbondingNano
  const due = balanceNano - PROVIDER_STAKE_LIMITS.reserveNano - state.bondedNano - heldNano
  return due > 0n ? due : 0n
}

export const stakeStatus: Command = async invocation => {
  const view = await viewStake(invocation)
  const { state, chain } = view
  const due = dueNano(view, chain.port.nowMs())
  const value = {
    network: chain.network.name,
    stake: accountToText(view.account),
    owner: accountToText(chain.wallet.account),
    ownerKey: toHex(view.owner.ownerKey),
    deployed: state != null,
    slashed: state?.slashed ?? false,
    balanceNano: view.balanceNano,
    bondedNano: state?.bondedNano ?? 0n,
    unbondingNano: state?.unbondingNano ?? 0n,
    readyAt: state == null || state.unbondingNano === 0n ? null : timeText(state.readyAt),
    withdrawableNano: due,
    unbondSeconds: chain.network.stake.unbondSeconds,
    penaltyNano: chain.network.stake.penaltyNano
  }
  printResult(invocation.context, invocation.json, value, shown => [
    `stake        ${friendlyText(view.account, chain.network)} (${shown.network})`,
    ...(shown.deployed ? [] : ['Not deployed yet: `cocoon stake deposit AMOUNT` deploys it.']),
    ...(shown.slashed ? ['SLASHED: a key of this stake contradicted itself; it never counts again.'] : []),
    `bonded       ${amountText(shown.bondedNano)}`,
    `unbonding    ${amountText(shown.unbondingNano)}${shown.readyAt === null ? '' : `, until ${shown.readyAt}`}`,
    `to withdraw  ${amountText(shown.withdrawableNano)}`
  ].join('\n'))
  return EXIT_DONE
}

/** Sends what `plan` makes of the stake as the chain shows it; what the contract would refuse, `plan` refuses. */
async function act (invocation: Invocation, plan: (view: StakeView) => { message: PlannedMessage, isDone (after: StakeView): boolean }): Promise<number> {
  const view = await viewStake(invocation)
  const { message, isDone } = plan(view)
  return sendPlanned(invocation, view.chain, [{ ...message, isDone: async () => isDone(await readStake(view.chain, view.owner)) }])
}

/** Bonds an amount; the first time, this deploys the stake. */
export const stakeDeposit: Command = async invocation => {
  const amountNano = amountArgument(invocation.args[0])
  return act(invocation, view => {
    const { state, account, balanceNano, chain } = view
    if (state?.slashed === true) {
      throw new CocoonError('stake_slashed', `The stake ${accountToText(account)} was slashed`)
    }
    const wantedNano = PROVIDER_STAKE_LIMITS.reserveNano + (state?.bondedNano ?? 0n) + (state?.unbondingNano ?? 0n)
    return {
      message: planBond({
        stake: account,
        amountNano,
        missingNano: wantedNano > balanceNano ? wantedNano - balanceNano : 0n,
        stateInit: state == null ? providerStakeStateInit(view.owner, { networkId: chain.network.networkId, ...chain.network.stake }) : undefined
      }),
      isDone: after => (after.state?.bondedNano ?? 0n) >= (state?.bondedNano ?? 0n) + amountNano
    }
  })
}

/** Begins to take out an amount, or all of it. */
export const stakeUnbond: Command = async invocation => {
  const [text] = invocation.args
  const askedNano = text === 'all' ? null : amountArgument(text)
  return act(invocation, view => {
    const { bondedNano } = deployedStake(view)
    const amountNano = askedNano ?? bondedNano
    if (bondedNano === 0n) {
      throw new CocoonError('nothing_due', 'Nothing is bonded')
    }
    if (amountNano > bondedNano) {
      throw new CocoonError('insufficient_funds', `${amountText(bondedNano)} are bonded`)
    }
    return { message: planUnbond(view.account, amountNano), isDone: after => deployedStake(after).bondedNano <= bondedNano - amountNano }
  })
}

/** Bonds again all that is on its way out. */
export const stakeRebond: Command = async invocation => act(invocation, view => {
  if (deployedStake(view).unbondingNano === 0n) {
    throw new CocoonError('nothing_due', 'Nothing is on its way out')
  }
  return { message: planRebond(view.account), isDone: after => deployedStake(after).unbondingNano === 0n }
})

/** Takes out what has unbonded. */
export const stakeWithdraw: Command = async invocation => act(invocation, view => {
  const state = deployedStake(view)
  const due = dueNano(view, view.chain.port.nowMs())
  if (due === 0n) {
    throw new CocoonError('stake_not_ready', state.unbondingNano === 0n ? 'Nothing is unbonded; `cocoon stake unbond` begins it' : `The stake unbonds until ${timeText(state.readyAt)}`)
  }
  return { message: planStakeWithdraw(view.account, due), isDone: after => after.balanceNano <= view.balanceNano - due }
})

function daysOf (invocation: Invocation): number {
  const { days } = invocation.options
  const count = days === undefined ? DEFAULT_DAYS : Number(days)
  if (!Number.isInteger(count) || count < 1 || count > MAX_DAYS) {
    throw new CocoonError('usage', `--days is a whole number from 1 to ${MAX_DAYS}`)
  }
  return count
}

/** Of the provider that is started from this home; made when it was never started. */
async function ownReceiptKey (invocation: Invocation): Promise<Uint8Array> {
  return ed25519Signer(await madeSeedOf(invocation, 'receipt')).publicKey
}

async function receiptKeyOf (invocation: Invocation): Promise<Uint8Array> {
  const { receiptKey } = invocation.options
  if (receiptKey === undefined) {
    return ownReceiptKey(invocation)
  }
  if (typeof receiptKey !== 'string' || !/^[0-9a-f]{64}$/i.test(receiptKey)) {
    throw new CocoonError('usage', '--receipt-key has 64 hex digits')
  }
  return fromHex(receiptKey.toLowerCase())
}

/** The public key that a provider started from this home signs its receipts with: what its stake's owner delegates to. */
export const stakeReceiptKey: Command = async invocation => {
  const receiptKey = toHex(await ownReceiptKey(invocation))
  printResult(invocation.context, invocation.json, { receiptKey }, shown => shown.receiptKey)
  return EXIT_DONE
}

/** Signs, with the stake's owner key, that a receipt key speaks for the stake. Needs no chain. */
export const stakeDelegate: Command = async invocation => {
  const network = networkOfConfig(invocation)
  const days = daysOf(invocation)
  const receiptKey = await receiptKeyOf(invocation)
  const account = await walletAccountOf(invocation)
  const owner = await ownerKeyOf(invocation)
  const stake = stakeAccount({ account, ownerKey: owner.publicKey }, network)
  const notAfter = BigInt(Math.floor(invocation.context.nowMs() / 1_000) + days * DAY_SECONDS)
  const delegation = { networkId: network.networkId, stake, receiptKey, notAfter }
  const value = {
    network: network.name,
    stake: accountToText(stake),
    owner: accountToText(account),
    ownerKey: toHex(owner.publicKey),
    receiptKey: toHex(receiptKey),
    notAfter: timeText(Number(notAfter)),
    delegation: toHex(cellToBytes(buildDelegationCell(delegation))),
    signature: toHex(owner.sign(delegationHash(delegation)))
  }
  printResult(invocation.context, invocation.json, value, shown =>
    `${shown.receiptKey} speaks for the stake ${shown.stake} until ${shown.notAfter}.\ndelegation  ${shown.delegation}\nsignature   ${shown.signature}`)
  return EXIT_DONE
}
