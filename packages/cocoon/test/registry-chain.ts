import { REGISTRY_CODE_HASH, registryStateInit } from '@cocoon-net/contracts'
import { beginCell } from '@ton/core'
import type { RegistryMemory, SeenRegistry } from '../src/registry-memory.ts'
import type { RegistryReader } from '../src/registry-read.ts'
import type { ContractOnChain } from '@cocoon-net/settlement'
import type { Cell } from '@ton/core'

export const GOVERNOR = new Uint8Array(32).fill(0xaa)

/** Data of a registry under a version of its life; the emulator's tests show that the contract writes the same. */
export function registryData (version: number, entries: Parameters<typeof registryStateInit>[0]['entries'] = [], numbers: ReadonlyMap<number, bigint> = new Map()): Cell {
  const { data } = registryStateInit({ governor: GOVERNOR, delaySeconds: 60, entries, numbers })
  if (data == null) {
    throw new Error('a registry has data')
  }
  const slice = data.beginParse()
  const [governor, delay] = [slice.loadUintBig(256), slice.loadUint(32)]
  slice.skip(32)
  return beginCell().storeUint(governor, 256).storeUint(delay, 32).storeUint(version, 32).storeSlice(slice).endCell()
}

/** An endpoint whose answer the test sets. */
export class TestReader implements RegistryReader {
  answer: ContractOnChain | null | Error
  reads = 0

  constructor (data: Cell) {
    this.answer = { codeHash: REGISTRY_CODE_HASH, data }
  }

  show (data: Cell, codeHash = REGISTRY_CODE_HASH): void {
    this.answer = { codeHash, data }
  }

  readonly contract: RegistryReader['contract'] = async () => {
    this.reads++
    if (this.answer instanceof Error) {
      throw this.answer
    }
    return this.answer
  }
}

/** What a file would hold. */
export class TestMemory implements RegistryMemory {
  kept: SeenRegistry | null = null
  writes = 0
  fails = false

  async load (): Promise<SeenRegistry | null> {
    return this.kept
  }

  async save (_account: Uint8Array, seen: SeenRegistry): Promise<void> {
    if (this.fails) {
      throw new Error('the disk is full')
    }
    this.writes++
    this.kept = seen
  }
}
