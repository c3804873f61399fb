import { join } from 'node:path'
import { loadHostKey, openHostDatastore, startNode } from '@cocoon-net/node'
import { CocoonError, devnetPreset, parseDevnetText } from '@cocoon-net/protocol'
import { seedPeerDatabase } from './seed-home.ts'
import type { CocoonPeer, HostDatastore } from '@cocoon-net/node'

export interface BootstrapPeer {
  /** The one address that the other nodes know. */
  readonly address: string
  stop (): Promise<void>
}

async function openDatabase (folder: string, seed: string | undefined): Promise<HostDatastore> {
  try {
    if (seed != null) {
      await seedPeerDatabase(folder, seed, 'bootstrap')
    }
    return await openHostDatastore(folder)
  } catch (error) {
    throw error instanceof CocoonError ? error : new CocoonError('home_locked', `another network runs in ${folder}`, { cause: error })
  }
}

/**
 * Starts the peer by which the others find each other; it neither buys nor sells. Its database is also the lock of the
 * whole network's folder.
 *
 * @throws {CocoonError} home_locked
 */
export async function startBootstrapPeer (init: { folder: string, genesis: string, seed?: string }): Promise<BootstrapPeer> {
  const { datastore, close } = await openDatabase(join(init.folder, 'bootstrap'), init.seed)
  let peer: CocoonPeer
  const { genesis, registry } = parseDevnetText(init.genesis)
  try {
    peer = await startNode({
      network: devnetPreset(genesis, registry),
      privateKey: await loadHostKey(datastore),
      datastore,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      bootstrap: []
    })
  } catch (error) {
    await close()
    throw error
  }
  return {
    address: peer.host.libp2p.getMultiaddrs()[0].toString(),
    stop: async () => {
      await peer.stop()
      await close()
    }
  }
}
