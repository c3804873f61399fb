/** One client gateway of a local network, as its own process with its own home. */
import { announceNode, ensureToken, moneyActions, nodeReads, readToken } from '@cocoon-net/cli'
import { createNode } from '@cocoon-net/cocoon'
import { createAdmin, serveAdmin, serveHandler } from '@cocoon-net/gateway'
import { logError, runChild, tellParent } from '../network/child-main.ts'
import { writeHomeConfig } from '../network/home-config.ts'
import { watchJobs } from '../network/job-watch.ts'
import { seedHome } from '../network/seed-home.ts'
import type { GatewayConfig } from '../network/configs.ts'
import type { CocoonNode } from '@cocoon-net/cocoon'
import type { RunningServer } from '@cocoon-net/gateway'

/** How long a gateway that can serve already looks for the providers that it does not know yet. */
const LOOK_FOR_ALL_MS = 5_000
const POLL_MS = 50

let node: CocoonNode | undefined
let server: RunningServer | undefined
let adminServer: RunningServer | undefined
let withdrawNode: (() => Promise<void>) | undefined
let stopWatching: (() => void) | undefined

async function models (): Promise<Array<{ id: string, providers: number }>> {
  return (await node?.models() ?? []).map(model => ({ id: model.id, providers: model.providers.length }))
}

/** For `cocoon vault`, `wallet` and the like; the token lies in the gateway's home. */
async function serveAdministration (asked: CocoonNode, { home, chainUrl, genesis }: GatewayConfig, port: number): Promise<void> {
  await ensureToken(home)
  const reads = nodeReads(asked, { endpoint: chainUrl, devnetGenesis: genesis })
  const onInternalError = (error: unknown): void => { logError('administration', error) }
  adminServer = await serveAdmin({ port, admin: createAdmin({ token: await readToken(home), reads, actions: moneyActions(asked), onInternalError }) })
  withdrawNode = await announceNode(home, adminServer.url)
}

runChild({
  start: async (config: GatewayConfig) => {
    await writeHomeConfig(config.home, config)
    if (config.seed != null) {
      await seedHome(config.home, config.seed, config.name)
    }
    node = await createNode({
      home: config.home,
      network: { devnet: config.genesis },
      chainUrl: config.chainUrl,
      bootstrap: config.bootstrap,
      client: { depositNano: 5_000_000_000n },
      onError: (error) => { logError('background', error) }
    })
    const { client, gateway } = node
    if (client == null || gateway == null) {
      throw new Error('a client has a gateway')
    }
    const handler = watchJobs(gateway, {
      job: jobId => client.job(jobId),
      onJob: job => { tellParent('job', job) },
      onRefusal: refusal => { tellParent('refusal', refusal) }
    })
    stopWatching = handler.stop
    server = await serveHandler({ handler, port: config.port })
    if (config.adminPort != null) {
      await serveAdministration(node, config, config.adminPort)
    }
    return { peerId: node.peerId, url: server.url, adminUrl: adminServer?.url }
  },
  ready: async ({ timeoutMs, providers = 1 }: { timeoutMs: number, providers?: number }) => {
    await node?.ready({ timeoutMs })
    const endMs = Date.now() + Math.min(timeoutMs, LOOK_FOR_ALL_MS)
    let found = await models()
    while (Math.max(0, ...found.map(model => model.providers)) < providers && Date.now() < endMs) {
      await new Promise(resolve => { setTimeout(resolve, POLL_MS) })
      found = await models()
    }
    return { models: found }
  },
  job: async ({ jobId }: { jobId: string }) => node?.client?.job(jobId),
  explain: async () => node?.explain(),
  wallet: async () => node?.wallet(),
  cpu: async () => process.cpuUsage()
}, async () => {
  stopWatching?.()
  await server?.stop()
  await withdrawNode?.()
  await adminServer?.stop()
  await node?.stop()
})
