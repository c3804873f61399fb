import { Cell, beginCell, contractAddress } from '@ton/core'
import { uint256Of } from './bytes.ts'
import { HASH, HEX } from './compiled/provider-stake.ts'
import type { Address, StateInit } from '@ton/core'

/** What a stake's address follows from, besides its owner. */
export interface ProviderStakeParameters {
  /** 32 bytes. */
  readonly networkId: Uint8Array
  readonly unbondSeconds: number
  /** Taken for a charge above the quote; at least 0.01 TON. */
  readonly penaltyNano: bigint
}

/** Who a stake belongs to: a basechain wallet, and the Ed25519 key that signs delegations. 32 bytes each. */
export interface StakeOwner {
  readonly account: Uint8Array
  readonly ownerKey: Uint8Array
}

export const PROVIDER_STAKE_CODE_HASH: string = HASH

let parsedCode: Cell | undefined

function code (): Cell {
  parsedCode ??= Cell.fromBoc(Buffer.from(HEX, 'hex'))[0]
  return parsedCode
}

/** Code and first data of the one stake that an owner can have under these parameters. */
export function providerStakeStateInit (owner: StakeOwner, parameters: ProviderStakeParameters): StateInit {
  const terms = beginCell().storeUint(parameters.unbondSeconds, 32).storeUint(parameters.penaltyNano, 64).endCell()
  const data = beginCell()
    .storeUint(0, 64) // bonded
    .storeUint(0, 64) // unbonding
    .storeUint(0, 32) // readyAt
    .storeBit(false) // slashed
    .storeUint(uint256Of(parameters.networkId), 256)
    .storeUint(uint256Of(owner.account), 256)
    .storeUint(uint256Of(owner.ownerKey), 256)
    .storeRef(terms)
    .storeMaybeRef(null) // punished
    .endCell()
  return { code: code(), data }
}

export function providerStakeAddress (owner: StakeOwner, parameters: ProviderStakeParameters): Address {
  return contractAddress(0, providerStakeStateInit(owner, parameters))
}
