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
export { CLIENT_VAULT_CODE_HASH, clientVault, clientVaultAddress, clientVaultStateInit } from './client-vault.ts'
export type { ClientVault, ClientVaultParameters } from './client-vault.ts'
export { clientVaultBodies } from './client-vault-bodies.ts'
export type { LaneOrder, PayeeWallet } from './client-vault-bodies.ts'
export { CLIENT_VAULT_ERRORS, CLIENT_VAULT_LIMITS, CLIENT_VAULT_OPS } from './client-vault-ids.ts'
export { parseClientVaultState } from './client-vault-state.ts'
export type { ClientVaultState, VaultLaneState } from './client-vault-state.ts'
