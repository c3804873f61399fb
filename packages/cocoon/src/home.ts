import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { loadHostKey, openHostDatastore } from '@cocoon-net/node'
import { CocoonError } from '@cocoon-net/protocol'
import { ed25519Signer, loadOrCreateKey, openKeyValue } from '@cocoon-net/settlement'
import type { HostDatastore } from '@cocoon-net/node'
import type { KeyFileOptions, KeyValue, Signer } from '@cocoon-net/settlement'
import type { PrivateKey } from '@libp2p/interface'

/** The open home of one node: its keys, one file each, and its databases. The peers' database is the lock. */
export interface Home {
  readonly datastore: HostDatastore['datastore']
  readonly privateKey: PrivateKey
  /** Makes the key at the first call; files have mode 0600, and are sealed when there is a passphrase. */
  signer(name: 'wallet' | 'receipt' | 'voucher'): Promise<Signer>
  keyValue(name: 'client' | 'provider' | 'receipts' | 'collateral'): Promise<KeyValue>
  close(): Promise<void>
}

/** @throws {CocoonError} home_locked when another process uses it, file_unusable */
export async function openHome (folder: string, keys: Pick<KeyFileOptions, 'passphrase'> = {}): Promise<Home> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  let store: HostDatastore
  try {
    store = await openHostDatastore(join(folder, 'peers'))
  } catch (error) {
    throw new CocoonError('home_locked', `${folder} is in use or cannot be opened`, { cause: error })
  }
  return {
    datastore: store.datastore,
    privateKey: await loadHostKey(store.datastore),
    signer: async (name) => ed25519Signer(await loadOrCreateKey(join(folder, 'keys', `${name}.key`), keys)),
    keyValue: async (name) => openKeyValue(join(folder, name)),
    close: async () => { await store.close() }
  }
}
