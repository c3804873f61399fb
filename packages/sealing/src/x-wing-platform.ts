export interface MlKemAndX25519Secrets { readonly ssMlKem: Uint8Array, readonly ssX25519: Uint8Array }

/** What X-Wing needs of a platform; `P` is how it holds the keys of the two schemes. Secrets that it gives are the caller's to wipe. */
export interface XWingPlatform<P> {
  /** Of an ML-KEM-768 seed (64 bytes) and an X25519 scalar (32 bytes). */
  privateParts(mlKemSeed: Uint8Array, scalar: Uint8Array): Promise<{ readonly parts: P, readonly mlKemPublic: Uint8Array, readonly x25519Public: Uint8Array }>
  /** Of an encapsulation key (1,184 bytes) and a point (32 bytes). */
  publicParts(mlKemPublic: Uint8Array, x25519Public: Uint8Array): Promise<P>
  encapsulate(recipient: P): Promise<MlKemAndX25519Secrets & { readonly ctMlKem: Uint8Array, readonly ctX25519: Uint8Array }>
  decapsulate(recipient: P, ctMlKem: Uint8Array, ctX25519: Uint8Array): Promise<MlKemAndX25519Secrets>
  /** SHA3-256. */
  sha3(input: Uint8Array): Uint8Array
  shake256(input: Uint8Array, lengthBytes: number): Uint8Array
}
