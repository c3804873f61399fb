import { demoModelPath, llamaEngine } from '@cocoon-net/engine'
import { syntheticEngine } from '@cocoon-net/engine/synthetic'
import type { ProviderConfig } from './configs.ts'
import type { Engine } from '@cocoon-net/engine'

/** The engine that a process of the local network runs. */
export function engineOf (config: Pick<ProviderConfig, 'engine' | 'modelFile' | 'contextLength' | 'parallel'>): Engine {
  return config.engine === 'synthetic'
    ? syntheticEngine({ answerTokens: 256 })
    : llamaEngine({ models: [{ file: config.modelFile ?? demoModelPath(), contextLength: config.contextLength }], parallel: config.parallel })
}
