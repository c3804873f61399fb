import { createHash } from 'node:crypto'

/** 32 bytes that depend on the network's seed and on what they are for. Nobody's real keys come from here. */
export function seededBytes (seed: string, purpose: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(`cocoon/testnet/seed/v1\0${seed}\0${purpose}`).digest())
}

/** A source of sampling seeds from 0 to 2³² − 1 that gives the same row for the same network seed. */
export function seededSequence (seed: string, purpose: string): () => number {
  let count = 0
  return () => new DataView(seededBytes(seed, `${purpose}\0${count++}`).buffer).getUint32(0)
}
