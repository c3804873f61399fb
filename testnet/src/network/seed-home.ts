import { join } from 'node:path'
import { openHostDatastore, loadHostKey } from '@cocoon-net/node'
import { CocoonError } from '@cocoon-net/protocol'
import { loadOrCreateKey } from '@cocoon-net/settlement'
import { generateKeyPairFromSeed, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { Key } from 'interface-datastore'
import { seededBytes } from './seed.ts'

/** Where a node's peer database keeps its libp2p key. */
const IDENTITY_KEY = new Key('/cocoon/identity')

/** Puts the libp2p key that the seed gives into a peer database that has none. */
export async function seedPeerDatabase (folder: string, seed: string, name: string): Promise<void> {
  const { datastore, close } = await openHostDatastore(folder)
  try {
    const key = await generateKeyPairFromSeed('Ed25519', seededBytes(seed, `${name}/peer`))
    if (!await datastore.has(IDENTITY_KEY)) {
      await datastore.put(IDENTITY_KEY, privateKeyToProtobuf(key))
    }
    if (!(await loadHostKey(datastore)).equals(key)) {
      throw new CocoonError('file_unusable', `${folder} holds the key of another seed`)
    }
  } finally {
    await close()
  }
}

/** Gives a node's home the keys that the seed gives, before the node opens it. */
export async function seedHome (home: string, seed: string, name: string): Promise<void> {
  await Promise.all(['wallet', 'receipt', 'voucher'].map(async key =>
    loadOrCreateKey(join(home, 'keys', `${key}.key`), { random: () => seededBytes(seed, `${name}/${key}`) })))
  await seedPeerDatabase(join(home, 'peers'), seed, name)
}
