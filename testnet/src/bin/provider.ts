/** One provider of a local network, as its own process with its own home. Its evidence is SIMULATED: not private. */
import { simulationRootSeed } from '@cocoon-net/attestation'
import { simulatedCollector } from '@cocoon-net/attestation-simulated'
import { createNode, networkOf } from '@cocoon-net/cocoon'
import { logError, runChild } from '../network/child-main.ts'
import { engineOf } from '../network/engine-of.ts'
import type { ProviderConfig } from '../network/configs.ts'
import type { CocoonNode } from '@cocoon-net/cocoon'

let node: CocoonNode | undefined

runChild({
  start: async (config: ProviderConfig) => {
    const network = { devnet: config.genesis }
    node = await createNode({
      home: config.home,
      network,
      chainUrl: config.chainUrl,
      bootstrap: config.bootstrap,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      client: false,
      provider: {
        engine: engineOf(config),
        prices: { prompt: BigInt(config.prices.prompt), completion: BigInt(config.prices.completion) },
        windowNano: BigInt(config.windowNano),
        collector: config.tampered === true ? tampered(network) : simulatedCollector({ rootSeed: simulationRootSeed(networkOf(network)) })
      },
      onError: (error) => { logError('background', error) }
    })
    return { peerId: node.peerId, addresses: node.addresses }
  },
  settle: async () => node?.provider?.settle(),
  summary: async () => node?.provider?.summary(),
  cpu: async () => process.cpuUsage()
}, async () => { await node?.stop() })

/** For fault tests: evidence with one bit turned. */
function tampered (network: { devnet: string }): ReturnType<typeof simulatedCollector> {
  const honest = simulatedCollector({ rootSeed: simulationRootSeed(networkOf(network)) })
  return {
    kind: honest.kind,
    collect: async (reportData, options) => {
      const evidence = await honest.collect(reportData, options)
      evidence[evidence.byteLength - 1] ^= 1
      return evidence
    }
  }
}
