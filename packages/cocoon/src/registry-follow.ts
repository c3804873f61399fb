import { join } from 'node:path'
import { registryFile } from './registry-memory.ts'
import { registryRules } from './registry-rules.ts'
import { createRegistryWatch } from './registry-watch.ts'
import type { RegistryReader } from './registry-read.ts'
import type { Policy } from '@cocoon-net/attestation'
import type { NetworkRules } from '@cocoon-net/node'
import type { NetworkPreset } from '@cocoon-net/protocol'

/** A devnet's blocks come at once, and whoever changes its registry wants to see what follows. */
const DEVNET_REFRESH_MS = 2_000
const PUBLIC_REFRESH_MS = 60_000

/** The registry of a network, as a node's roles ask it. */
export interface FollowedRegistry {
  /** What the network allows, on top of a policy of one's own. */
  rules (policy: Policy): NetworkRules
  stop (): Promise<void>
}

export interface FollowRegistryInit {
  readonly network: NetworkPreset
  /** The node's home; `registry.json` in it remembers what was seen. */
  readonly folder: string
  readonly reader: RegistryReader
  onError? (error: unknown): void
}

/**
 * Follows the network's registry beside the node's work; for a network that has none there is nothing to follow.
 *
 * @throws {CocoonError} file_unusable
 */
export async function followRegistry (init: FollowRegistryInit): Promise<FollowedRegistry> {
  const { network, reader, onError } = init
  if (network.registry == null) {
    return { rules: policy => registryRules({ network, policy, current: () => null }), stop: async () => {} }
  }
  const watch = createRegistryWatch({
    account: network.registry,
    reader,
    memory: registryFile(join(init.folder, 'registry.json')),
    refreshMs: network.kind === 'devnet' ? DEVNET_REFRESH_MS : PUBLIC_REFRESH_MS,
    onError
  })
  await watch.start()
  return { rules: policy => registryRules({ network, policy, current: watch.current }), stop: watch.stop }
}
