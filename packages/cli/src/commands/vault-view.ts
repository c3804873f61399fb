import { CLIENT_VAULT_LIMITS, clientVault, parseClientVaultState } from '@cocoon-net/contracts'
import { CocoonError, accountToText } from '@cocoon-net/protocol'
import { tableText, tonText } from '../output.ts'
import { amountText } from '../ton-amount.ts'
import { friendlyText } from './wallet-access.ts'
import type { ChainAccess } from './wallet-access.ts'
import type { ClientVault, ClientVaultState, VaultLaneState } from '@cocoon-net/contracts'

/** A wallet's vault as the chain shows it. */
export interface VaultView {
  readonly chain: ChainAccess
  readonly vaults: ClientVault
  readonly account: Uint8Array
  readonly balanceNano: bigint
  /** null before the vault is deployed */
  readonly state: ClientVaultState | null
}

/** @throws {CocoonError} chain_unavailable */
export async function readVault (chain: ChainAccess): Promise<VaultView> {
  const vaults = clientVault({ networkId: chain.network.networkId, ...chain.network.vault })
  const account = vaults.account(chain.wallet.account)
  const [balanceNano, data] = await Promise.all([chain.port.balance(account), chain.port.data(account)])
  return { chain, vaults, account, balanceNano, state: data == null ? null : parseClientVaultState(data) }
}

/** @throws {CocoonError} vault_missing */
export function deployedVault (view: VaultView): ClientVaultState {
  if (view.state == null) {
    throw new CocoonError('vault_missing', `The vault ${accountToText(view.account)} is not deployed`)
  }
  return view.state
}

export function findLane (state: ClientVaultState, payee: Uint8Array): VaultLaneState | undefined {
  return state.lanes.find(lane => Buffer.compare(lane.payee, payee) === 0)
}

/** @throws {CocoonError} lane_unknown */
export function laneOf (state: ClientVaultState, payee: Uint8Array): VaultLaneState {
  const lane = findLane(state, payee)
  if (lane === undefined) {
    throw new CocoonError('lane_unknown', `The vault has no lane for ${accountToText(payee)}; \`cocoon vault lanes\` lists what it has`)
  }
  return lane
}

/** What the vault keeps for its rent. */
export function reserveNano (state: ClientVaultState): bigint {
  return CLIENT_VAULT_LIMITS.reserveBaseNano + BigInt(state.lanesCount) * CLIENT_VAULT_LIMITS.reservePerLaneNano
}

/** What is neither locked in lanes, nor owed as fee, nor kept for rent. */
export function freeNano (view: VaultView): bigint {
  const { state, balanceNano } = view
  if (state == null) {
    return 0n
  }
  const free = balanceNano - state.lockedNano - state.feeAccruedNano - reserveNano(state)
  return free > 0n ? free : 0n
}

export function timeText (unixSeconds: number): string {
  return new Date(unixSeconds * 1_000).toISOString()
}

function laneRow (lane: VaultLaneState): Record<string, unknown> & { payee: string, capNano: bigint, paidNano: bigint, leftNano: bigint, unlocksAt: string | null } {
  return {
    payee: accountToText(lane.payee),
    capNano: lane.capNano,
    paidNano: lane.paidNano,
    leftNano: lane.capNano - lane.paidNano,
    epoch: lane.epoch,
    keyIdx: lane.keyIdx,
    unlocksAt: lane.unlockAt === 0 ? null : timeText(lane.unlockAt),
    gasLeftNano: lane.gasLeftNano
  }
}

/** The vault as an object for programs; amounts in nanoTON. */
export function vaultObject (view: VaultView): Record<string, unknown> {
  const { chain, state, account, balanceNano } = view
  return {
    network: chain.network.name,
    vault: accountToText(account),
    owner: accountToText(chain.wallet.account),
    deployed: state != null,
    balanceNano,
    lockedNano: state?.lockedNano ?? 0n,
    feeAccruedNano: state?.feeAccruedNano ?? 0n,
    reserveNano: state == null ? 0n : reserveNano(state),
    freeNano: freeNano(view),
    feeBps: chain.network.vault.feeBps,
    unlockSeconds: chain.network.vault.unlockSeconds,
    lanes: (state?.lanes ?? []).map(laneRow)
  }
}

export function lanesText (view: VaultView): string {
  const rows = (view.state?.lanes ?? []).map(laneRow)
  return rows.length === 0
    ? 'No lanes.'
    : tableText(['lane of', 'cap, TON', 'paid, TON', 'left, TON', 'unlocks'], rows.map(row => [row.payee, tonText(row.capNano), tonText(row.paidNano), tonText(row.leftNano), row.unlocksAt ?? 'no']))
}

export function vaultText (view: VaultView): string {
  const { state, chain } = view
  const head = `vault     ${friendlyText(view.account, chain.network)} (${chain.network.name})`
  if (state == null) {
    return `${head}\nNot deployed yet: \`cocoon vault deposit AMOUNT\` deploys it, and so does a gateway when it starts.`
  }
  return [
    head,
    `owner     ${friendlyText(chain.wallet.account, chain.network)}`,
    `balance   ${amountText(view.balanceNano)}`,
    `in lanes  ${amountText(state.lockedNano)}`,
    `fee due   ${amountText(state.feeAccruedNano)}`,
    `for rent  ${amountText(reserveNano(state))}`,
    `free      ${amountText(freeNano(view))}`,
    lanesText(view)
  ].join('\n')
}
