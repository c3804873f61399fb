/**
 * @packageDocumentation
 *
 * End-to-end encryption of a job: the request is sealed with HPKE to a key that attestation vouches for, the answer
 * comes back as chunks under keys exported from the same context.
 *
 * @example
 *
 * ```typescript
 * import { generateHpkeKeyPair, openRequest, sealRequest } from '@cocoon-net/sealing'
 *
 * const keyPair = await generateHpkeKeyPair()
 * const bindingHash = new Uint8Array(32)
 * const header = new Uint8Array([1])
 * const sealed = await sealRequest({ ...keyPair, bindingHash, header, payload: new Uint8Array(1024) })
 * const opened = await openRequest({ keyPair, bindingHash, header, ciphertext: sealed.ciphertext })
 * ```
 */
export type { ChunkOpener, ChunkSealer } from './chunk-cipher.ts'
export { ReplayGuard } from './replay-guard.ts'
export type { ReplayGuardInit } from './replay-guard.ts'
export { openRequest, prepareSeal, sealRequest } from './request-seal.ts'
export type { OpenRequestInit, OpenedJob, PreparedSeal, SealRequestInit, SealedRequest } from './request-seal.ts'
export { exportHpkePrivateKey, generateHpkeKeyPair, importHpkeKeyPair } from './suite.ts'
export type { HpkeKeyPair } from './suite.ts'
export { xWingSource } from './x-wing.ts'
