import { concat, fromHex, sha256, toHex, utf8 } from './bytes.ts'

export type NetworkKind = 'mainnet' | 'testnet' | 'devnet'

/** Parameters that go into every vault's StateInit, so that nodes can derive and compare its address. */
export interface VaultParameters {
  /** Coordination fee in basis points, at most 100 (1 %). */
  readonly feeBps: number
  /** Basechain account that receives the fee, 32 bytes. */
  readonly treasury: Uint8Array
  /** How long an unlock takes, in seconds. */
  readonly unlockSeconds: number
}

/** Parameters that go into every stake's StateInit. */
export interface StakeParameters {
  /** How long stake that is on its way out can still be slashed, in seconds. */
  readonly unbondSeconds: number
  /** What a charge above the quote costs, nanoTON. */
  readonly penaltyNano: bigint
}

export interface FirstContactCredit {
  readonly enabled: boolean
  /** Most that one vault may owe before its lane has proven itself, in nanoTON. */
  readonly perVaultNano: bigint
  /** Most that a provider risks on first contacts in a day, in nanoTON. */
  readonly perDayNano: bigint
}

export interface NetworkPreset {
  readonly name: string
  readonly kind: NetworkKind
  /** 32 bytes; in every signed object. */
  readonly networkId: Uint8Array
  /** Basechain account of the contract that says what the network allows, 32 bytes; null while none is deployed. */
  readonly registry: Uint8Array | null
  /** TON's own global id, part of wallet v5 addresses and signatures. */
  readonly tonGlobalId: number
  readonly vault: VaultParameters
  readonly stake: StakeParameters
  /** Number of buckets that DHT keys and gossip topics are spread over. */
  readonly buckets: number
  readonly firstContactCredit: FirstContactCredit
  /** Providers refuse smaller lanes: redeeming them would cost more than they hold. */
  readonly minLaneCapNano: bigint
}

/** The devnet's TON global id: neither mainnet's (-239) nor testnet's (-3). */
export const DEVNET_GLOBAL_ID = -1_217

/**
 * networkId = SHA-256("cocoon/network/v1\0" ‖ zero state's root hash ‖ its file hash ‖ workchain as int8 ‖ registry hash).
 * The registry hash is the registry's account, which commits to its code and to all that it begins with; zero for none.
 */
export function networkIdOf (init: { rootHash: Uint8Array, fileHash: Uint8Array, workchain: number, registryHash: Uint8Array }): Uint8Array {
  for (const hash of [init.rootHash, init.fileHash, init.registryHash]) {
    if (hash.byteLength !== 32) {
      throw new RangeError('hashes have 32 bytes')
    }
  }
  return sha256(concat(utf8('cocoon/network/v1\0'), init.rootHash, init.fileHash, Uint8Array.of(init.workchain & 0xff), init.registryHash))
}

/** First 16 hex digits of the network id: part of every protocol id and topic. */
export function networkTag (network: Pick<NetworkPreset, 'networkId'>): string {
  return toHex(network.networkId.subarray(0, 8))
}

const ZERO_32 = new Uint8Array(32)

// Many times what an overcharge could ever bring: a client never vouches above the quote.
const PENALTY_NANO = 5_000_000_000n

function freezePreset (preset: NetworkPreset): NetworkPreset {
  Object.freeze(preset.vault)
  Object.freeze(preset.stake)
  Object.freeze(preset.firstContactCredit)
  return Object.freeze(preset)
}

// Root and file hashes of the public networks' zero states, as in TON's published global configurations.
export const MAINNET: NetworkPreset = freezePreset({
  name: 'mainnet',
  kind: 'mainnet',
  networkId: networkIdOf({
    rootHash: fromHex('17a3a92992aabea785a7a090985a265cd31f323d849da51239737e321fb05569'),
    fileHash: fromHex('5e994fcf4d425c0a6ce6a792594b7173205f740a39cd56f537defd28b48a0f6e'),
    workchain: 0,
    registryHash: ZERO_32
  }),
  registry: null,
  tonGlobalId: -239,
  // No treasury is chosen yet, so no fee is taken.
  vault: { feeBps: 0, treasury: ZERO_32, unlockSeconds: 72 * 3_600 },
  // Longer than any dispute, shorter than what the registry waits before it loosens anything.
  stake: { unbondSeconds: 14 * 86_400, penaltyNano: PENALTY_NANO },
  buckets: 16,
  firstContactCredit: { enabled: false, perVaultNano: 0n, perDayNano: 0n },
  minLaneCapNano: 20_000_000n
})

export const TESTNET: NetworkPreset = freezePreset({
  name: 'testnet',
  kind: 'testnet',
  networkId: networkIdOf({
    rootHash: fromHex('823f81f306ff02694f935cf5021548e3ce2b86b529812af6a12148879e95a128'),
    fileHash: fromHex('67e20ac184b9e039a62667acc3f9c00f90f359a76738233379efa47604980ce8'),
    workchain: 0,
    registryHash: ZERO_32
  }),
  registry: null,
  tonGlobalId: -3,
  vault: { feeBps: 0, treasury: ZERO_32, unlockSeconds: 3_600 },
  stake: { unbondSeconds: 86_400, penaltyNano: PENALTY_NANO },
  buckets: 4,
  firstContactCredit: { enabled: false, perVaultNano: 0n, perDayNano: 0n },
  minLaneCapNano: 20_000_000n
})

/**
 * The preset of one devnet. Its genesis is 32 random bytes, so that two devnets on one LAN never mix.
 *
 * @param genesis - 32 bytes
 * @param registry - account of the registry that the devnet was made with, 32 bytes; null for none
 * @throws {RangeError} genesis or registry is not 32 bytes
 */
export function devnetPreset (genesis: Uint8Array, registry: Uint8Array | null = null): NetworkPreset {
  return freezePreset({
    name: 'devnet',
    kind: 'devnet',
    networkId: networkIdOf({ rootHash: genesis, fileHash: ZERO_32, workchain: 0, registryHash: registry ?? ZERO_32 }),
    registry,
    tonGlobalId: DEVNET_GLOBAL_ID,
    vault: { feeBps: 100, treasury: sha256(utf8('cocoon/devnet-treasury/v1')), unlockSeconds: 600 },
    stake: { unbondSeconds: 1_200, penaltyNano: PENALTY_NANO },
    buckets: 1,
    firstContactCredit: { enabled: true, perVaultNano: 3_000_000n, perDayNano: 1_000_000_000n },
    minLaneCapNano: 20_000_000n
  })
}

const DEVNET_TEXT = /^[0-9a-fA-F]{64}(?:[0-9a-fA-F]{64})?$/

/** How a devnet is named to those who join it: its genesis, and the account of its registry when it has one; 64 or 128 hex digits. */
export function devnetText (genesis: Uint8Array, registry: Uint8Array | null): string {
  return toHex(genesis) + (registry == null ? '' : toHex(registry))
}

/**
 * What a devnet is named by, taken apart.
 *
 * @throws {RangeError} text is neither 64 nor 128 hex digits
 */
export function parseDevnetText (text: string): { readonly genesis: Uint8Array, readonly registry: Uint8Array | null } {
  if (!DEVNET_TEXT.test(text)) {
    throw new RangeError('a devnet is named by the 64 hex digits of its genesis, and 64 more of its registry when it has one')
  }
  const bytes = fromHex(text)
  return { genesis: bytes.slice(0, 32), registry: bytes.byteLength === 32 ? null : bytes.slice(32) }
}
