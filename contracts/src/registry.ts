import { Cell, Dictionary, beginCell, contractAddress } from '@ton/core'
import { uint256Of } from './bytes.ts'
import { HASH, HEX } from './compiled/registry.ts'
import { entryKey } from './registry-bodies.ts'
import type { RegistryEntry } from './registry-bodies.ts'
import type { Address, StateInit } from '@ton/core'

/** What a registry begins with; its address follows from all of it. */
export interface RegistryGenesis {
  /** Basechain account, 32 bytes. */
  readonly governor: Uint8Array
  /** How long a loosening waits. */
  readonly delaySeconds: number
  readonly entries: readonly RegistryEntry[]
  /** By id of `REGISTRY_NUMBERS`, unsigned 64 bits each. */
  readonly numbers: ReadonlyMap<number, bigint>
}

export const REGISTRY_CODE_HASH: string = HASH

let parsedCode: Cell | undefined

function code (): Cell {
  parsedCode ??= Cell.fromBoc(Buffer.from(HEX, 'hex'))[0]
  return parsedCode
}

export function registryStateInit (genesis: RegistryGenesis): StateInit {
  const listed = Dictionary.empty(Dictionary.Keys.BigUint(264), Dictionary.Values.Bool())
  for (const entry of genesis.entries) {
    listed.set(entryKey(entry), true)
  }
  const values = Dictionary.empty(Dictionary.Keys.Uint(8), Dictionary.Values.BigUint(64))
  for (const [id, value] of genesis.numbers) {
    values.set(id, value)
  }
  const lists = beginCell()
    .storeDict(listed)
    .storeUint(listed.size, 16)
    .storeMaybeRef(null) // pending
    .storeUint(0, 8)
    .endCell()
  const numbers = beginCell().storeDict(values).storeMaybeRef(null).endCell()
  const data = beginCell()
    .storeUint(uint256Of(genesis.governor), 256)
    .storeUint(genesis.delaySeconds, 32)
    .storeUint(0, 32) // version
    .storeUint(0, 256) // next governor
    .storeUint(0, 32)
    .storeRef(lists)
    .storeRef(numbers)
    .endCell()
  return { code: code(), data }
}

export function registryAddress (genesis: RegistryGenesis): Address {
  return contractAddress(0, registryStateInit(genesis))
}
