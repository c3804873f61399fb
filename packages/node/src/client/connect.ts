import { CocoonError } from '@cocoon-net/protocol'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import * as Digest from 'multiformats/hashes/digest'
import type { Offer } from '@cocoon-net/protocol'
import type { Connection, Libp2p } from '@libp2p/interface'

/**
 * A connection to the provider of an offer: one that is open, or a new one.
 *
 * @throws {CocoonError} wrong_peer
 */
export async function connectTo (libp2p: Pick<Libp2p, 'getConnections' | 'dial'>, offer: Offer, signal: AbortSignal): Promise<Connection> {
  const peer = peerIdFromMultihash(Digest.decode(offer.peerId))
  const addresses = offer.addresses.map(address => multiaddr(address))
  const connection = libp2p.getConnections(peer)[0] ?? await libp2p.dial(addresses.length > 0 ? addresses : peer, { signal })
  if (!connection.remotePeer.equals(peer)) {
    throw new CocoonError('wrong_peer')
  }
  return connection
}
