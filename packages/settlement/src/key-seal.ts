import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { CocoonError } from '@cocoon-net/protocol'
import { hex, unhex } from './types.ts'

const CIPHER = 'aes-256-gcm'
const CIPHER_KEY_BYTES = 32
const SALT_BYTES = 16
/** NIST SP 800-38D: 96 bits, fresh at each write. */
const NONCE_BYTES = 12
const TAG_BYTES = 16
const SEED_BYTES = 32
/** scrypt (RFC 7914) at 2¹⁷, r 8, p 1: 128 MB and about half a second for each guess. */
const DEFAULT_LOG2_COST = 17
/** What a file may ask this process to spend. */
const MAX_LOG2_COST = 20
const BLOCK_SIZE = 8

async function deriveKey (passphrase: string, salt: Uint8Array, log2Cost: number): Promise<Buffer> {
  const cost = 2 ** log2Cost
  // scrypt needs 128 · r · N bytes; twice that is the limit
  const options = { cost, blockSize: BLOCK_SIZE, parallelization: 1, maxmem: 256 * BLOCK_SIZE * cost }
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFKC'), salt, CIPHER_KEY_BYTES, options, (error, key) => {
      if (error == null) {
        resolve(key)
      } else {
        reject(error)
      }
    })
  })
}

/** The passphrase-protected form of a 32-byte seed: one line of text, `scrypt$log2N$salt$nonce$ciphertext‖tag` in hex. */
export async function sealSeed (seed: Uint8Array, passphrase: string, opts: { log2Cost?: number } = {}): Promise<string> {
  const log2Cost = opts.log2Cost ?? DEFAULT_LOG2_COST
  const [salt, nonce] = [randomBytes(SALT_BYTES), randomBytes(NONCE_BYTES)]
  const cipher = createCipheriv(CIPHER, await deriveKey(passphrase, salt, log2Cost), nonce)
  const sealed = Buffer.concat([cipher.update(seed), cipher.final(), cipher.getAuthTag()])
  return ['scrypt', log2Cost, hex(salt), hex(nonce), hex(sealed)].join('$')
}

const SEALED = new RegExp(`^scrypt\\$(\\d{1,2})\\$([0-9a-f]{${SALT_BYTES * 2}})\\$([0-9a-f]{${NONCE_BYTES * 2}})\\$([0-9a-f]{${(SEED_BYTES + TAG_BYTES) * 2}})$`)

/** Whether a text is what {@link sealSeed} writes. */
export function isSealed (text: string): boolean {
  return SEALED.test(text)
}

/** @throws {CocoonError} key_locked when the passphrase is wrong, file_unusable */
export async function openSeed (text: string, passphrase: string): Promise<Uint8Array> {
  const parts = SEALED.exec(text)
  const log2Cost = Number(parts?.[1])
  if (parts == null || log2Cost > MAX_LOG2_COST) {
    throw new CocoonError('file_unusable', 'not a protected key')
  }
  const [salt, nonce, sealed] = parts.slice(2).map(unhex)
  const decipher = createDecipheriv(CIPHER, await deriveKey(passphrase, salt, log2Cost), nonce)
  decipher.setAuthTag(sealed.subarray(SEED_BYTES))
  try {
    return Uint8Array.from(Buffer.concat([decipher.update(sealed.subarray(0, SEED_BYTES)), decipher.final()]))
  } catch {
    // the cause is left out: it says nothing that the code does not say
    throw new CocoonError('key_locked')
  }
}
