/**
 * @packageDocumentation
 *
 * Off-chain payments: vouchers on lanes, the write-ahead store, the TON port.
 */

export { systemClock } from './clock.ts'
export { createClientPayments } from './client-payments.ts'
export { DEFAULT_SPENDING_LIMITS } from './spending.ts'
export { readLedger } from './ledger.ts'
export { agreeingPort } from './agreeing-port.ts'
export { changePassphrase, importKey, loadKey, loadOrCreateKey } from './key-file.ts'
export { acceptPay, beginJob, chainUpdate, debtNano, exposureNano, finishJob, newLane, recoverJobs, redeemableNano, unallocatedNano, vestJob } from './lane.ts'
export { createProviderPayments } from './provider-payments.ts'
export { ed25519Signer, seedFromMnemonic, verifyEd25519 } from './signer.ts'
export { openKeyValue } from './store.ts'
export { createTonPort } from './ton-port.ts'
export { laneKeyOf } from './types.ts'
export { createWallet, walletAccount } from './wallet.ts'
export type { Clock } from './clock.ts'
export type { ClientJob } from './client-job.ts'
export type { ClientLane, ClientPayments, ClientPaymentsInit } from './client-payments.ts'
export type { LedgerRow } from './ledger.ts'
export type { SpendingLimits } from './spending.ts'
export type { LaneJob, LaneState, SettledJob } from './lane.ts'
export type { JobMeter, OpenedLane, ProviderPayments, ProviderPaymentsInit, Settlement } from './provider-payments.ts'
export type { KeyFileOptions } from './key-file.ts'
export type { Signer } from './signer.ts'
export type { KeyValue } from './store.ts'
export type { TonPort, TonReader } from './ton-port.ts'
export type { LaneId, LaneOnChain } from './types.ts'
export type { VaultContract } from './vault-contract.ts'
export type { Wallet, WalletMessage } from './wallet.ts'
