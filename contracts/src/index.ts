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
export { PROVIDER_STAKE_CODE_HASH, providerStakeAddress, providerStakeStateInit } from './provider-stake.ts'
export type { ProviderStakeParameters, StakeOwner } from './provider-stake.ts'
export { providerStakeBodies } from './provider-stake-bodies.ts'
export type { SignedQuote, SignedReceipt, StakeDelegation } from './provider-stake-bodies.ts'
export { PROVIDER_STAKE_ERRORS, PROVIDER_STAKE_LIMITS, PROVIDER_STAKE_OPS } from './provider-stake-ids.ts'
export { parseProviderStakeState } from './provider-stake-state.ts'
export type { ProviderStakeState } from './provider-stake-state.ts'
export { REGISTRY_CODE_HASH, registryAddress, registryStateInit } from './registry.ts'
export type { RegistryGenesis } from './registry.ts'
export { registryBodies } from './registry-bodies.ts'
export type { RegistryEntry } from './registry-bodies.ts'
export { REGISTRY_ERRORS, REGISTRY_KINDS, REGISTRY_LIMITS, REGISTRY_NUMBERS, REGISTRY_OPS } from './registry-ids.ts'
export type { RegistryKind } from './registry-ids.ts'
export { parseRegistryState } from './registry-state.ts'
export type { ComingNumber, RegistryState } from './registry-state.ts'
