import { demoModelPath, llamaEngine } from '@cocoon-net/engine'
import { syntheticEngine } from '@cocoon-net/engine/synthetic'
import type { EngineConfig } from './configs.ts'
import type { Engine } from '@cocoon-net/engine'

/** The engine that a process of the local network runs. `randomSeed` serves requests that name no seed. */
export function engineOf (config: EngineConfig, randomSeed?: () => number): Engine {
  return config.engine === 'synthetic'
    ? syntheticEngine({ answerTokens: 256 })
    : llamaEngine({ models: [{ file: config.modelFile ?? demoModelPath(), contextLength: config.contextLength }], parallel: config.parallel, randomSeed })
}
