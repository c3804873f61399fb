import { newestVersions } from '@cocoon-net/attestation'
import { CocoonError, fromHex, sha256, toHex } from '@cocoon-net/protocol'
import { MAX_COLLATERAL_BYTES, MAX_STORED_COLLATERAL } from './constants.ts'
import type { CollateralVersions } from '@cocoon-net/attestation'
import type { KeyValue } from '@cocoon-net/settlement'

export interface StoredCollateral {
  /** SHA-256 of the bytes, hex: the content id. */
  readonly id: string
  /** What it is for: see `collateralNeeds`. */
  readonly subject: string
  /** When it came, unix milliseconds. */
  readonly atMs: number
  readonly data: Uint8Array
}

/** Which roots versions belong to: simulated ones say nothing about hardware. */
export type VersionScope = 'hardware' | 'simulated'

/** Collateral that evidence was verified with, on disk and in memory. */
export interface CollateralStore {
  bySubject(subject: string): StoredCollateral | undefined
  byId(id: string): StoredCollateral | undefined
  /** Keeps what has verified evidence, in place of what was kept for the subject; on disk when it resolves. */
  keep(subject: string, data: Uint8Array, atMs: number): Promise<void>
  /** The highest versions ever seen. */
  versions(scope: VersionScope): CollateralVersions
  /** Never lowers one; on disk when it resolves. */
  remember(scope: VersionScope, seen: CollateralVersions): Promise<void>
}

const ITEM = 'item/'
const VERSIONS = 'versions/'
const SYNC: { keyEncoding?: 'utf8', sync: boolean } = { sync: true }
/** Platforms are few; beyond this somebody makes them up. */
const MAX_VERSIONS = 4_096

export function contentIdOf (data: Uint8Array): string {
  return toHex(sha256(data))
}

function parseItem (subject: string, text: string): StoredCollateral {
  const { atMs, data } = JSON.parse(text) as { atMs: number, data: string }
  const bytes = fromHex(data)
  return { id: contentIdOf(bytes), subject, atMs, data: bytes }
}

/**
 * Reads all of the store; it is bounded.
 *
 * @throws {CocoonError} file_unusable: remembered versions are never silently forgotten
 */
export async function openCollateralStore (kv: KeyValue): Promise<CollateralStore> {
  const items = new Map<string, StoredCollateral>()
  const ids = new Map<string, string>()
  const versions: Record<VersionScope, CollateralVersions> = { hardware: {}, simulated: {} }
  try {
    await kv.open()
    for (const scope of ['hardware', 'simulated'] as const) {
      versions[scope] = JSON.parse(await kv.get(`${VERSIONS}${scope}`) ?? '{}') as CollateralVersions
    }
    for (const [key, text] of await kv.iterator({ gte: ITEM, lt: `${ITEM}\uffff`, limit: 2 * MAX_STORED_COLLATERAL }).all()) {
      const item = parseItem(key.slice(ITEM.length), text)
      items.set(item.subject, item)
      ids.set(item.id, item.subject)
    }
  } catch (cause) {
    throw new CocoonError('file_unusable', 'the store of collateral and its highest versions cannot be read', { cause })
  }

  let writing = Promise.resolve()
  const drop = async (item: StoredCollateral): Promise<void> => {
    items.delete(item.subject)
    ids.delete(item.id)
    await kv.del(`${ITEM}${item.subject}`)
  }

  return {
    bySubject: (subject) => items.get(subject),
    byId: (id) => items.get(ids.get(id) ?? ''),
    keep: async (subject, data, atMs) => {
      const known = items.get(subject)
      if (data.byteLength > MAX_COLLATERAL_BYTES || (known != null && known.atMs >= atMs)) {
        return
      }
      if (known != null) {
        ids.delete(known.id)
      }
      const item: StoredCollateral = { id: contentIdOf(data), subject, atMs, data: data.slice() }
      items.delete(subject)
      items.set(subject, item)
      ids.set(item.id, subject)
      await kv.put(`${ITEM}${subject}`, JSON.stringify({ atMs, data: toHex(data) }))
      if (items.size > MAX_STORED_COLLATERAL) {
        await drop([...items.values()].reduce((oldest, other) => other.atMs < oldest.atMs ? other : oldest))
      }
    },
    versions: (scope) => versions[scope],
    remember: async (scope, seen) => {
      const next = newestVersions(versions[scope], seen)
      if (next === versions[scope] || Object.keys(next).length > MAX_VERSIONS) {
        return
      }
      versions[scope] = next
      // One after the other, or a lower state could land last.
      writing = writing.catch(() => {}).then(async () => kv.put(`${VERSIONS}${scope}`, JSON.stringify(versions[scope]), SYNC))
      await writing
    }
  }
}
