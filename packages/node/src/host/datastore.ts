import { chmod, mkdir } from 'node:fs/promises'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { LevelDatastore } from 'datastore-level'
import { Key } from 'interface-datastore'
import type { PrivateKey } from '@libp2p/interface'
import type { Datastore } from 'interface-datastore'

export interface HostDatastore {
  readonly datastore: Datastore
  close(): Promise<void>
}

const IDENTITY_KEY = new Key('/cocoon/identity')

/** Opens the peer store's database in a folder that only its owner can read; the folder is made when missing. */
export async function openHostDatastore (folder: string): Promise<HostDatastore> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  const store = new LevelDatastore(folder)
  await store.open()
  return { datastore: store, close: async () => { await store.close() } }
}

/** The node's libp2p key, made and stored at the first call. */
export async function loadHostKey (datastore: Datastore): Promise<PrivateKey> {
  if (await datastore.has(IDENTITY_KEY)) {
    return privateKeyFromProtobuf(await datastore.get(IDENTITY_KEY))
  }
  const key = await generateKeyPair('Ed25519')
  await datastore.put(IDENTITY_KEY, privateKeyToProtobuf(key))
  return key
}
