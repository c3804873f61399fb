/** One provider of a local network, as its own process with its own home. Its evidence is SIMULATED: not private. */
import { simulationRootSeed } from '@cocoon-net/attestation'
import { simulatedCollector, withTurnedBit } from '@cocoon-net/attestation-simulated'
import { createNode, networkOf } from '@cocoon-net/cocoon'
import { CHEATS } from '../network/cheats.ts'
import { logError, runChild } from '../network/child-main.ts'
import { engineOf } from '../network/engine-of.ts'
import { writeHomeConfig } from '../network/home-config.ts'
import { bondStake, prepareStake } from '../network/provider-stake.ts'
import { seedHome } from '../network/seed-home.ts'
import { seededSequence } from '../network/seed.ts'
import type { EngineConfig, ProviderConfig } from '../network/configs.ts'
import type { CocoonNode } from '@cocoon-net/cocoon'
import type { Engine } from '@cocoon-net/engine'

let node: CocoonNode | undefined
let engine: Engine | undefined
let warming: Promise<void> | undefined
let nextSeed: (() => number) | undefined

function engineFor (config: EngineConfig): Engine {
  engine ??= engineOf(config, () => nextSeed?.() ?? crypto.getRandomValues(new Uint32Array(1))[0])
  return engine
}

async function warm (config: EngineConfig): Promise<void> {
  warming ??= engineFor(config).start()
  await warming
}

runChild({
  warm,
  start: async (config: ProviderConfig) => {
    await writeHomeConfig(config.home, config)
    if (config.seed != null) {
      await seedHome(config.home, config.seed, config.name)
      nextSeed = seededSequence(config.seed, `${config.name}/sampling`)
    }
    await warm(config)
    const network = { devnet: config.genesis }
    const preset = networkOf(network)
    const stake = await prepareStake({ home: config.home, name: config.name, network: preset, seed: config.seed })
    const collector = simulatedCollector({ rootSeed: simulationRootSeed(preset), format: config.evidence })
    node = await createNode({
      home: config.home,
      network,
      chainUrl: config.chainUrl,
      bootstrap: config.bootstrap,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      client: false,
      provider: {
        engine: engineFor(config),
        prices: { prompt: BigInt(config.prices.prompt), completion: BigInt(config.prices.completion) },
        windowNano: BigInt(config.windowNano),
        stakeFile: stake.file,
        receiptLog: config.cheat == null ? undefined : CHEATS[config.cheat],
        // For fault tests: evidence with one bit turned.
        collector: config.tampered === true ? withTurnedBit(collector) : collector
      },
      onError: (error) => { logError('background', error) }
    })
    const { money } = node
    if (money != null) {
      // Nobody waits for it: what it sells is named by its stake already.
      bondStake({ stake, amountNano: BigInt(config.stakeNano), network: preset, chainUrl: config.chainUrl, money }).catch((error: unknown) => { logError('stake', error) })
    }
    return { peerId: node.peerId, addresses: node.addresses }
  },
  settle: async () => node?.provider?.settle(),
  summary: async () => node?.provider?.summary(),
  wallet: async () => node?.wallet(),
  cpu: async () => process.cpuUsage()
}, async () => {
  await node?.stop()
  await engine?.stop()
})
