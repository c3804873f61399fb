import { Cell, Dictionary, beginCell, contractAddress } from '@ton/core'
import { HASH, HEX } from './compiled/client-vault.ts'
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

/** Opcodes, as in `messages.tolk`. */
export const CLIENT_VAULT_OPS = Object.freeze({
  setUp: 0x43560000,
  topUp: 0x43560001,
  addSigner: 0x43560002,
  setOperator: 0x43560003,
  openLanes: 0x43560004,
  redeem: 0x43560005,
  startUnlock: 0x43560006,
  finishUnlock: 0x43560007,
  releaseLane: 0x43560008,
  withdraw: 0x43560009,
  flushFee: 0x4356000a,
  unlockNotice: 0x43560010
})

/** Exit codes, as in `errors.tolk`. */
export const CLIENT_VAULT_ERRORS = Object.freeze({
  notOwner: 101,
  notOperator: 102,
  signerExists: 103,
  noSigner: 104,
  epoch: 105,
  noLane: 106,
  signature: 107,
  nothingDue: 108,
  solvency: 109,
  unlocking: 110,
  notUnlocked: 111,
  tooManyLanes: 112,
  notPayee: 113,
  lowValue: 114,
  badConfig: 115,
  unknownOp: 0xffff
})

function big (bytes: Uint8Array): bigint {
  if (bytes.byteLength !== 32) {
    throw new RangeError('32 bytes expected')
  }
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

let parsedCode: Cell | undefined

function code (): Cell {
  parsedCode ??= Cell.fromBoc(Buffer.from(HEX, 'hex'))[0]
  return parsedCode
}

/** Code and first data of the one vault that an owner can have under these parameters. */
export function clientVaultStateInit (owner: Uint8Array, parameters: ClientVaultParameters): StateInit {
  const config = beginCell()
    .storeUint(big(parameters.networkId), 256)
    .storeUint(big(owner), 256)
    .storeUint(parameters.feeBps, 16)
    .storeUint(big(parameters.treasury), 256)
    .storeUint(parameters.unlockSeconds, 32)
    .endCell()
  const data = beginCell()
    .storeRef(config)
    .storeUint(0, 256) // operator
    .storeUint(0, 64) // lastEpoch
    .storeCoins(0) // locked
    .storeCoins(0) // feeAccrued
    .storeUint(0, 16) // lanesCount
    .storeMaybeRef(null) // signers
    .storeMaybeRef(null) // lanes
    .endCell()
  return { code: code(), data }
}

export function clientVaultAddress (owner: Uint8Array, parameters: ClientVaultParameters): Address {
  return contractAddress(0, clientVaultStateInit(owner, parameters))
}

export interface LaneOrder { readonly payee: Uint8Array, readonly capNano: bigint }

/** Bodies of the messages a vault takes. */
export const clientVaultBodies = Object.freeze({
  setUp: (init: { signerKey: Uint8Array, operator: Uint8Array }): Cell =>
    beginCell().storeUint(CLIENT_VAULT_OPS.setUp, 32).storeUint(big(init.signerKey), 256).storeUint(big(init.operator), 256).endCell(),
  topUp: (): Cell => beginCell().storeUint(CLIENT_VAULT_OPS.topUp, 32).endCell(),
  addSigner: (init: { idx: number, key: Uint8Array }): Cell =>
    beginCell().storeUint(CLIENT_VAULT_OPS.addSigner, 32).storeUint(init.idx, 8).storeUint(big(init.key), 256).endCell(),
  setOperator: (operator: Uint8Array): Cell =>
    beginCell().storeUint(CLIENT_VAULT_OPS.setOperator, 32).storeUint(big(operator), 256).endCell(),
  openLanes: (init: { epoch: bigint, keyIdx: number, lanes: readonly LaneOrder[] }): Cell => {
    const lanes = Dictionary.empty(Dictionary.Keys.BigUint(256), Dictionary.Values.BigVarUint(4))
    for (const { payee, capNano } of init.lanes) {
      lanes.set(big(payee), capNano)
    }
    return beginCell().storeUint(CLIENT_VAULT_OPS.openLanes, 32).storeUint(init.epoch, 64).storeUint(init.keyIdx, 8).storeDict(lanes).endCell()
  },
  redeem: (init: { payee: Uint8Array, cumulativeNano: bigint, signature: Uint8Array }): Cell =>
    beginCell().storeUint(CLIENT_VAULT_OPS.redeem, 32).storeUint(big(init.payee), 256).storeUint(init.cumulativeNano, 64).storeBuffer(Buffer.from(init.signature), 64).endCell(),
  startUnlock: (payee: Uint8Array): Cell => beginCell().storeUint(CLIENT_VAULT_OPS.startUnlock, 32).storeUint(big(payee), 256).endCell(),
  finishUnlock: (payee: Uint8Array): Cell => beginCell().storeUint(CLIENT_VAULT_OPS.finishUnlock, 32).storeUint(big(payee), 256).endCell(),
  releaseLane: (): Cell => beginCell().storeUint(CLIENT_VAULT_OPS.releaseLane, 32).endCell(),
  withdraw: (amountNano: bigint): Cell => beginCell().storeUint(CLIENT_VAULT_OPS.withdraw, 32).storeCoins(amountNano).endCell(),
  flushFee: (): Cell => beginCell().storeUint(CLIENT_VAULT_OPS.flushFee, 32).endCell()
})

/** The vault contract under one network's parameters, as payments use it. */
export interface ClientVault {
  account(owner: Uint8Array): Uint8Array
  stateInit(owner: Uint8Array): StateInit
  deployBody(init: { signerKey: Uint8Array, operator: Uint8Array }): Cell
  openLanesBody(init: { epoch: bigint, keyIdx: number, lanes: readonly LaneOrder[] }): Cell
  redeemBody(init: { payee: Uint8Array, cumulativeNano: bigint, signature: Uint8Array }): Cell
}

export function clientVault (parameters: ClientVaultParameters): ClientVault {
  return {
    account: (owner) => Uint8Array.from(clientVaultAddress(owner, parameters).hash),
    stateInit: (owner) => clientVaultStateInit(owner, parameters),
    deployBody: clientVaultBodies.setUp,
    openLanesBody: clientVaultBodies.openLanes,
    redeemBody: clientVaultBodies.redeem
  }
}
