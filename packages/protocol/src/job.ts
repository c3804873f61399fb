import { concat, sha256, u32be, utf8 } from './bytes.ts'

/**
 * jobId = SHA-256("cocoon/job/v1" ‖ bindingHash ‖ SHA-256(ciphertext) ‖ providerNonce). The ciphertext is enc ‖ ct.
 * The provider's nonce is fresh per job, so a client cannot make two jobs collide.
 */
export function jobIdOf (init: { bindingHash: Uint8Array, ciphertext: Uint8Array, providerNonce: Uint8Array }): Uint8Array {
  return sha256(concat(utf8('cocoon/job/v1'), init.bindingHash, sha256(init.ciphertext), init.providerNonce))
}

/** h₀ = SHA-256("cocoon/running/v1\0" ‖ jobId). */
export function runningHashStart (jobId: Uint8Array): Uint8Array {
  return sha256(concat(utf8('cocoon/running/v1\0'), jobId))
}

/** hᵢ₊₁ = SHA-256(hᵢ ‖ u32 id). */
export function runningHashNext (hash: Uint8Array, id: number): Uint8Array {
  return sha256(concat(hash, u32be(id)))
}

/** Salted commitment to the request: SHA-256("cocoon/req-commit/v1\0" ‖ salt ‖ SHA-256(padded plaintext)). */
export function requestCommitment (salt: Uint8Array, plaintext: Uint8Array): Uint8Array {
  return sha256(concat(utf8('cocoon/req-commit/v1\0'), salt, sha256(plaintext)))
}

/** Salted commitment to the answer so far: SHA-256("cocoon/ans-commit/v1\0" ‖ salt ‖ running hash). */
export function answerCommitment (salt: Uint8Array, runningHash: Uint8Array): Uint8Array {
  return sha256(concat(utf8('cocoon/ans-commit/v1\0'), salt, runningHash))
}
