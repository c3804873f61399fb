/**
 * @packageDocumentation
 *
 * The TON contracts of Cocoon: compiled code and typed bodies.
 *
 * @example
 *
 * ```typescript
 * import { clientVault } from '@cocoon-net/contracts'
 *
 * const none = new Uint8Array(32)
 * const vault = clientVault({ networkId: none, feeBps: 0, treasury: none, unlockSeconds: 600 })
 * console.info(vault.account(none).byteLength) // 32
 * ```
 */
export { CLIENT_VAULT_CODE_HASH, CLIENT_VAULT_ERRORS, CLIENT_VAULT_OPS, clientVault, clientVaultAddress, clientVaultBodies, clientVaultStateInit } from './client-vault.ts'
export type { ClientVault, ClientVaultParameters, LaneOrder } from './client-vault.ts'
