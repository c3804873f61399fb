import { CLIENT_VAULT_LIMITS, clientVault, parseClientVaultState } from '@cocoon-net/contracts'
import { CocoonError, accountToText } from '@cocoon-net/protocol'
import { z } from 'zod'
import { printable, tableText, tonText } from '../output.ts'
import { amountText } from '../ton-amount.ts'
import { friendlyText } from './wallet-access.ts'
import type { ClientVault, ClientVaultState, VaultLaneState } from '@cocoon-net/contracts'
import type { NetworkPreset } from '@cocoon-net/protocol'
import type { TonReader } from '@cocoon-net/settlement'

/** Whose vault, and where it is read. */
export interface VaultSource {
  readonly network: NetworkPreset
  readonly port: TonReader
  /** 32 bytes. */
  readonly owner: Uint8Array
}

/** A wallet's vault as the chain shows it. */
export interface VaultView extends VaultSource {
  readonly vaults: ClientVault
  readonly account: Uint8Array
  readonly balanceNano: bigint
  /** null before the vault is deployed */
  readonly state: ClientVaultState | null
}

/** @throws {CocoonError} chain_unavailable */
export async function readVault ({ network, port, owner }: VaultSource): Promise<VaultView> {
  const vaults = clientVault({ networkId: network.networkId, ...network.vault })
  const account = vaults.account(owner)
  const [balanceNano, data] = await Promise.all([port.balance(account), port.data(account)])
  return { network, port, owner, vaults, account, balanceNano, state: data == null ? null : parseClientVaultState(data) }
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

function laneRow (lane: VaultLaneState): VaultObject['lanes'][number] {
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

const nano = z.union([z.bigint(), z.string().regex(/^\d{1,20}$/).transform(BigInt)])

/** A vault for programs; amounts in nanoTON. */
export const vaultSchema = z.object({
  network: z.string(),
  vault: z.string(),
  address: z.string(),
  owner: z.string(),
  ownerAddress: z.string(),
  deployed: z.boolean(),
  balanceNano: nano,
  lockedNano: nano,
  feeAccruedNano: nano,
  reserveNano: nano,
  freeNano: nano,
  feeBps: z.number(),
  unlockSeconds: z.number(),
  lanes: z.array(z.object({
    payee: z.string(),
    capNano: nano,
    paidNano: nano,
    leftNano: nano,
    epoch: nano,
    keyIdx: z.number(),
    unlocksAt: z.string().nullable(),
    gasLeftNano: nano
  }))
})

export type VaultObject = z.output<typeof vaultSchema>

export function vaultObject (view: VaultView): VaultObject {
  const { network, owner, state, account, balanceNano } = view
  return {
    network: network.name,
    vault: accountToText(account),
    address: friendlyText(account, network),
    owner: accountToText(owner),
    ownerAddress: friendlyText(owner, network),
    deployed: state != null,
    balanceNano,
    lockedNano: state?.lockedNano ?? 0n,
    feeAccruedNano: state?.feeAccruedNano ?? 0n,
    reserveNano: state == null ? 0n : reserveNano(state),
    freeNano: freeNano(view),
    feeBps: network.vault.feeBps,
    unlockSeconds: network.vault.unlockSeconds,
    lanes: (state?.lanes ?? []).map(laneRow)
  }
}

export function lanesText ({ lanes }: VaultObject): string {
  return lanes.length === 0
    ? 'No lanes.'
    : tableText(['lane of', 'cap, TON', 'paid, TON', 'left, TON', 'unlocks'], lanes.map(lane => [lane.payee, tonText(lane.capNano), tonText(lane.paidNano), tonText(lane.leftNano), lane.unlocksAt ?? 'no']))
}

export function vaultText (vault: VaultObject): string {
  const head = printable(`vault     ${vault.address} (${vault.network})`)
  if (!vault.deployed) {
    return `${head}\nNot deployed yet: \`cocoon vault deposit AMOUNT\` deploys it, and so does a gateway when it starts.`
  }
  return [
    head,
    printable(`owner     ${vault.ownerAddress}`),
    `balance   ${amountText(vault.balanceNano)}`,
    `in lanes  ${amountText(vault.lockedNano)}`,
    `fee due   ${amountText(vault.feeAccruedNano)}`,
    `for rent  ${amountText(vault.reserveNano)}`,
    `free      ${amountText(vault.freeNano)}`,
    lanesText(vault)
  ].join('\n')
}
