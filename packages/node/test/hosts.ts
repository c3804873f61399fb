import { devnetPreset } from '@cocoon-net/protocol'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createHost } from '../src/host/create-host.ts'
import type { Host, HostInit } from '../src/host/create-host.ts'

/** A devnet of its own for each test file. */
export function testNetwork (seed: number): ReturnType<typeof devnetPreset> {
  return devnetPreset(new Uint8Array(32).fill(seed))
}

let next = 0

/** Whole hosts on the memory transport, without ports; `stopAll` ends every one of them. */
export function hostFactory (network: HostInit['network']): { make(options?: Partial<HostInit>): Promise<Host>, stopAll(): Promise<void> } {
  const made: Host[] = []
  return {
    make: async (options = {}) => {
      const host = await createHost({
        network,
        privateKey: await generateKeyPair('Ed25519'),
        listen: [`/memory/node-${process.pid}-${next++}`],
        bootstrap: [],
        roles: { provider: false, client: false, light: false },
        transports: 'memory',
        ...options
      })
      made.push(host)
      return host
    },
    stopAll: async () => {
      await Promise.all(made.splice(0).map(async host => host.stop()))
    }
  }
}
