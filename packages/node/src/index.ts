/**
 * @packageDocumentation
 *
 * The Cocoon libp2p node: discovery, offers, and the attest, infer, quote and pay services. Provider and client are
 * roles of the same node.
 *
 * @example
 *
 * ```typescript
 * import { startNode } from '@cocoon-net/node'
 * import { devnetPreset } from '@cocoon-net/protocol'
 * import { generateKeyPair } from '@libp2p/crypto/keys'
 *
 * // A bootstrap peer: neither provider nor client.
 * const node = await startNode({
 *   network: devnetPreset(new Uint8Array(32)),
 *   privateKey: await generateKeyPair('Ed25519'),
 *   listen: ['/ip4/127.0.0.1/tcp/0'],
 *   bootstrap: []
 * })
 * await node.stop()
 * ```
 */
export type { InferenceEvent, InferenceJob, InferenceRequest, JobSummary, ModelListing, ModelProvider } from './client/api.ts'
export { TIER_NOTES } from './client/tiers.ts'
export type { Preference, RequestLimits } from './client/choose.ts'
export type { Client, Explanation } from './client/client.ts'
export type { ClosedLane } from './client/close-lane.ts'
export type { EvidenceStore } from './client/contradictions.ts'
export { noCounters } from './counters.ts'
export type { Counters } from './counters.ts'
export { openCollateralStore } from './evidence/collateral-store.ts'
export type { CollateralStore, StoredCollateral, VersionScope } from './evidence/collateral-store.ts'
export { openTsmCollector } from './evidence/tsm-collector.ts'
export type { TsmCollectorInit } from './evidence/tsm-collector.ts'
export { TSM_DIRECTORY } from './evidence/tsm-report.ts'
export type { ReportFiles } from './evidence/tsm-report.ts'
export { VENDOR_URLS } from './evidence/vendor-collateral.ts'
export type { VendorInit, VendorUrls } from './evidence/vendor-collateral.ts'
export { loadHostKey, openHostDatastore } from './host/datastore.ts'
export type { HostDatastore } from './host/datastore.ts'
export { startNode } from './node.ts'
export type { ClientRoleInit, CocoonPeer, NodeInit } from './node.ts'
export type { Beacon } from './provider/identity.ts'
export type { JobOutcome } from './provider/job.ts'
export type { Provider, ProviderInit } from './provider/provider.ts'
export type { ReceiptLog, ReceiptStore, SignedReceipt } from './provider/receipt-log.ts'
export type { NetworkRules } from './rules.ts'
export type { ProviderStake, ShownDelegation } from './stakes/delegated-stake.ts'
export type { ReadStake } from './stakes/stake-book.ts'
