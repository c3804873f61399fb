import type { RegistryState } from '@cocoon-net/contracts'

/** 32 bytes of one value. */
export function hash (fill: number): Uint8Array {
  return new Uint8Array(32).fill(fill)
}

/** A registry that lists nothing, but for what is given. */
export function registryState (init: Partial<RegistryState> = {}): RegistryState {
  return {
    governor: hash(0xaa),
    delaySeconds: 1_814_400,
    version: 0,
    nextGovernor: undefined,
    entries: [],
    comingEntries: [],
    numbers: new Map(),
    comingNumbers: new Map(),
    ...init
  }
}
