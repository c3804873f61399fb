/** The vault's data cell, read without running the contract; accounts and keys in hex, as the rules compare them. */
import { BitString, Cell } from '@ton/core'
import { parseClientVaultState } from '../../src/index.ts'
import type { RawCell } from '../cells.ts'

export interface LaneView {
  readonly capNano: bigint
  readonly paidNano: bigint
  readonly epoch: bigint
  /** Place of its counter. */
  readonly slot: number
  readonly keyIdx: number
  /** Pinned at opening. */
  readonly key: string
  /** Unix seconds; 0: not unlocking. */
  readonly unlockAt: number
  readonly gasLeftNano: bigint
  readonly refunds: boolean
}

export interface VaultView {
  readonly lockedNano: bigint
  readonly feeAccruedNano: bigint
  /** By payee. */
  readonly lanes: ReadonlyMap<string, LaneView>
  readonly lanesCount: number
  /** Bit i: counter i belongs to a lane. */
  readonly slots: bigint
  readonly networkId: string
  readonly feeBps: number
  readonly owner: string
  readonly treasury: string
  readonly unlockSeconds: number
  readonly lastEpoch: bigint
  readonly operator: { readonly account: string, readonly dailyBudgetNano: bigint, readonly day: number, readonly spentNano: bigint }
  readonly signers: ReadonlyMap<number, { readonly key: string, readonly retired: boolean }>
}

export function hex (bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export function coreCell (cell: RawCell): Cell {
  return new Cell({ bits: new BitString(cell.data, 0, cell.bits), refs: cell.refs.map(coreCell) })
}

export function readVault (data: RawCell): VaultView {
  const state = parseClientVaultState(coreCell(data))
  return {
    lockedNano: state.lockedNano,
    feeAccruedNano: state.feeAccruedNano,
    lanesCount: state.lanesCount,
    slots: state.slots,
    feeBps: state.feeBps,
    unlockSeconds: state.unlockSeconds,
    lastEpoch: state.lastEpoch,
    networkId: hex(state.networkId),
    owner: hex(state.owner),
    treasury: hex(state.treasury),
    operator: { ...state.operator, account: hex(state.operator.account) },
    signers: new Map([...state.signers].map(([idx, signer]) => [idx, { ...signer, key: hex(signer.key) }])),
    lanes: new Map(state.lanes.map(({ payee, signerKey, ...lane }) => [hex(payee), { ...lane, key: hex(signerKey) }]))
  }
}
