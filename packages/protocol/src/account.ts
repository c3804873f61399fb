import { Address } from '@ton/core'
import { CocoonError } from './errors.ts'

/** No account. */
export const NO_ACCOUNT: Uint8Array = new Uint8Array(32)

/**
 * The 32-byte basechain account of a TON address in any notation.
 *
 * @throws {CocoonError} usage
 */
export function accountFromText (textual: string): Uint8Array {
  let address: Address
  try {
    address = Address.parse(textual)
  } catch (error) {
    throw new CocoonError('usage', 'not a TON address', { cause: error })
  }
  return accountFromAddress(address)
}

/** @throws {CocoonError} usage when the address is not in the basechain */
export function accountFromAddress (address: Address): Uint8Array {
  if (address.workChain !== 0) {
    throw new CocoonError('usage', 'the address is outside the basechain')
  }
  return new Uint8Array(address.hash)
}

export function addressOfAccount (account: Uint8Array): Address {
  return new Address(0, Buffer.from(account))
}

/** Raw notation, `0:hex`. */
export function accountToText (account: Uint8Array): string {
  return addressOfAccount(account).toRawString()
}
