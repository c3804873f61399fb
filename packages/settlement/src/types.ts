/** Names one lane for its life. Accounts are 32-byte basechain accounts; `epoch` is unix milliseconds. */
export interface LaneId {
  readonly vault: Uint8Array
  readonly payee: Uint8Array
  readonly epoch: bigint
}

/** What the vault's `lane` get method shows. */
export interface LaneOnChain {
  readonly capNano: bigint
  readonly paidNano: bigint
  readonly epoch: bigint
  readonly keyIdx: number
  /** unix seconds, 0 while the lane is not unlocking */
  readonly unlockAt: number
  readonly gasLeftNano: bigint
  /** true when only one of two endpoints shows it: it may end a lane's use, and confirms nothing */
  readonly isDoubtful?: boolean
}

export function hex (bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

export function unhex (text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'))
}

/** A text that names the lane in maps, stores and logs. */
export function laneKeyOf (id: LaneId): string {
  return `${hex(id.vault)}:${hex(id.payee)}:${id.epoch}`
}
