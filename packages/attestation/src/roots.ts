/**
 * Pinned roots: SHA-256 of each root's SubjectPublicKeyInfo, so that a re-issued certificate over the same key stays
 * pinned and another key never is.
 */
export interface TrustedRoots {
  readonly intel: readonly string[]
  /** By product line, as AMD names it. */
  readonly amd: Readonly<Record<AmdProduct, readonly string[]>>
  readonly nvidia: readonly string[]
  /** Of NVIDIA's manifests of known-good digests; none when left out. */
  readonly nvidiaManifests?: readonly string[]
}

export const AMD_PRODUCTS = Object.freeze(['Milan', 'Genoa', 'Turin'] as const)
export type AmdProduct = typeof AMD_PRODUCTS[number]

export const PRODUCTION_ROOTS: TrustedRoots = Object.freeze({
  // Intel SGX Root CA, until 2049: certificates.trustedservices.intel.com/IntelSGXRootCA.der
  intel: Object.freeze(['a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e']),
  // AMD Root Keys: kdsintf.amd.com/vcek/v1/<product>/cert_chain
  amd: Object.freeze({
    Milan: Object.freeze(['9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9']),
    Genoa: Object.freeze(['429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831']),
    Turin: Object.freeze(['4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08'])
  }),
  // NVIDIA Device Identity CA
  nvidia: Object.freeze(['a90c4eb5acfd3e3d03a25db6a26b84f720ad0503196c627c21ddd48dd85b06a4']),
  // NVIDIA CoRIM signing Root CA, until 2053
  nvidiaManifests: Object.freeze(['dec1dc316477aa851eebdf51327ae9f864bc8d89254657ed1e7eb9168af1e1a3'])
})
