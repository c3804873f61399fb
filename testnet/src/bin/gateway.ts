/** The client gateway of a local network, as its own process with its own home. */
import { createNode } from '@cocoon-net/cocoon'
import { serveGateway } from '@cocoon-net/gateway'
import { logError, runChild } from '../network/child-main.ts'
import type { GatewayConfig } from '../network/configs.ts'
import type { CocoonNode } from '@cocoon-net/cocoon'
import type { RunningServer } from '@cocoon-net/gateway'

let node: CocoonNode | undefined
let server: RunningServer | undefined

runChild({
  start: async (config: GatewayConfig) => {
    node = await createNode({
      home: config.home,
      network: { devnet: config.genesis },
      chainUrl: config.chainUrl,
      bootstrap: config.bootstrap,
      client: { depositNano: 5_000_000_000n },
      onError: (error) => { logError('background', error) }
    })
    if (node.gateway == null) {
      throw new Error('a client has a gateway')
    }
    server = await serveGateway({ gateway: node.gateway, port: config.port })
    return { peerId: node.peerId, url: server.url }
  },
  ready: async ({ timeoutMs }: { timeoutMs: number }) => {
    await node?.ready({ timeoutMs })
    return { models: (await node?.models())?.map(model => ({ id: model.id, providers: model.providers.length })) }
  },
  job: async ({ jobId }: { jobId: string }) => node?.client?.job(jobId),
  explain: async () => node?.explain(),
  cpu: async () => process.cpuUsage()
}, async () => {
  await server?.stop()
  await node?.stop()
})
