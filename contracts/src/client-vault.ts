import { Cell, beginCell, contractAddress } from '@ton/core'
import { uint256Of } from './bytes.ts'
import { clientVaultBodies } from './client-vault-bodies.ts'
import { HASH, HEX } from './compiled/client-vault.ts'
import type { LaneOrder } from './client-vault-bodies.ts'
import type { Address, StateInit } from '@ton/core'

/** What a vault's address follows from, besides its owner. Accounts and ids are 32 bytes. */
export interface ClientVaultParameters {
  readonly networkId: Uint8Array
  /** Coordination fee in basis points, at most 100. */
  readonly feeBps: number
  readonly treasury: Uint8Array
  readonly unlockSeconds: number
}

export const CLIENT_VAULT_CODE_HASH: string = HASH

const COUNTER_CELL_BITS = 21 * 48
const MARKS_BITS = 256
/** lastEpoch, lanesCount, slots, day, no coins spent. */
const LOW_HALF_BITS = 64 + 8 + 112 + 32 + 4

let parsedCode: Cell | undefined

function code (): Cell {
  parsedCode ??= Cell.fromBoc(Buffer.from(HEX, 'hex'))[0]
  return parsedCode
}

function fourTimes (child: Cell, bits: number = 0): Cell {
  return beginCell().storeUint(0, bits).storeRef(child).storeRef(child).storeRef(child).storeRef(child).endCell()
}

/** 105 counters at zero. */
function noCounters (): Cell {
  return fourTimes(beginCell().storeUint(0, COUNTER_CELL_BITS).endCell(), COUNTER_CELL_BITS)
}

/** Code and first data of the one vault that an owner can have under these parameters. */
export function clientVaultStateInit (owner: Uint8Array, parameters: ClientVaultParameters): StateInit {
  const terms = beginCell().storeUint(uint256Of(parameters.treasury), 256).storeUint(parameters.unlockSeconds, 32).endCell()
  const cold = beginCell()
    .storeUint(uint256Of(owner), 256)
    .storeUint(0, 256) // operator
    .storeCoins(0) // daily budget
    .storeRef(terms)
    .storeMaybeRef(null) // signers
    .storeMaybeRef(null) // lanes beyond the chains
    .endCell()
  const noChain = beginCell().endCell()
  const noLanes = fourTimes(noChain, MARKS_BITS)
  const low = fourTimes(noLanes, LOW_HALF_BITS)
  const high = fourTimes(noLanes)
  const data = beginCell()
    .storeCoins(0) // locked
    .storeCoins(0) // feeAccrued
    .storeRef(low)
    .storeRef(high)
    .storeRef(noCounters())
    .storeUint(uint256Of(parameters.networkId), 256)
    .storeUint(parameters.feeBps, 16)
    .storeRef(cold)
    .endCell()
  return { code: code(), data }
}

export function clientVaultAddress (owner: Uint8Array, parameters: ClientVaultParameters): Address {
  return contractAddress(0, clientVaultStateInit(owner, parameters))
}

/** The vault contract under one network's parameters, as payments use it. */
export interface ClientVault {
  account(owner: Uint8Array): Uint8Array
  stateInit(owner: Uint8Array): StateInit
  deployBody(init: { signerKey: Uint8Array, operator: Uint8Array, dailyBudgetNano?: bigint }): Cell
  openLanesBody(init: { epoch: bigint, keyIdx: number, lanes: readonly LaneOrder[] }): Cell
  /** To be sent by the payee's own wallet, so that the body need not name it; `clientVaultBodies.redeem` is for anyone. */
  redeemBody(init: { payee: Uint8Array, cumulativeNano: bigint, signature: Uint8Array }): Cell
  closeLaneBody(init: Parameters<typeof clientVaultBodies.closeLane>[0]): Cell
}

export function clientVault (parameters: ClientVaultParameters): ClientVault {
  return {
    account: (owner) => Uint8Array.from(clientVaultAddress(owner, parameters).hash),
    stateInit: (owner) => clientVaultStateInit(owner, parameters),
    deployBody: clientVaultBodies.setUp,
    openLanesBody: clientVaultBodies.openLanes,
    redeemBody: ({ cumulativeNano, signature }) => clientVaultBodies.redeem({ cumulativeNano, signature }),
    closeLaneBody: clientVaultBodies.closeLane
  }
}
