/**
 * An account, key or hash as the integer that cells hold.
 *
 * @throws {RangeError} not 32 bytes
 */
export function uint256Of (bytes: Uint8Array): bigint {
  if (bytes.byteLength !== 32) {
    throw new RangeError('32 bytes expected')
  }
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

export function bytes32Of (value: bigint): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'))
}
