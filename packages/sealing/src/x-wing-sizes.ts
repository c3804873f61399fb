/** Sizes of draft-connolly-cfrg-xwing-kem §5 (ML-KEM-768 of FIPS 203, X25519 of RFC 7748), and the DER that wraps the parts. */
import { fromHex } from '@cocoon-net/protocol'

export const ML_KEM_SEED_BYTES = 64
export const ML_KEM_PUBLIC_BYTES = 1_184
export const ML_KEM_CIPHERTEXT_BYTES = 1_088
export const X25519_BYTES = 32
export const X_WING_PUBLIC_BYTES = ML_KEM_PUBLIC_BYTES + X25519_BYTES
export const X_WING_ENC_BYTES = ML_KEM_CIPHERTEXT_BYTES + X25519_BYTES

/** PKCS #8 up to the scalar of an X25519 key (RFC 8410): all heads have fixed lengths. */
export const X25519_PKCS8_HEAD = fromHex('302e020100300506032b656e04220420')
