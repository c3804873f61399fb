import { registryAddress, registryBodies as bodies, registryStateInit } from '../src/index.ts'
import { billOf } from './gas-table.ts'
import { RegistryWorld } from './registry-world.ts'
import { TON } from './vault-world.ts'
import { RealWallet } from './wallets.ts'
import type { GasTable } from './gas-table.ts'
import type { WalletVersion } from './wallets.ts'
import type { RegistryEntry } from '../src/index.ts'
import type { Cell } from '@ton/core'

/** The named steps of a registry of 64 entries. */
export async function measureRegistry (version: WalletVersion): Promise<GasTable> {
  const table: GasTable = {}
  const { chain, genesis } = await RegistryWorld.create()
  const governor = new RealWallet(chain, version, 41)
  await governor.fund(10n * TON)
  const entries = Array.from({ length: 64 }, (_, i): RegistryEntry => ({ kind: 'measurement', hash: new Uint8Array(32).fill(i) }))
  const ours = { ...genesis, governor: governor.account, entries, numbers: new Map([[0, 17n]]) }
  const address = registryAddress(ours)
  await governor.send({ to: address, value: TON, init: registryStateInit(ours) })
  const take = async (name: string, body: Cell): Promise<void> => {
    const before = await governor.balance()
    const result = await governor.send({ to: address, value: TON / 20n, body })
    table[name] = billOf(result, governor, address, before - await governor.balance())
  }
  const entry: RegistryEntry = { kind: 'model', hash: new Uint8Array(32).fill(99) }
  await take('registry: propose an entry', bodies.proposeEntry(entry))
  await take('registry: tighten a number', bodies.tightenNumber(0, 18n))
  chain.now = (chain.now ?? 0) + genesis.delaySeconds
  await take('registry: list an entry', bodies.listEntry(entry))
  await take('registry: remove an entry', bodies.removeEntry(entry))
  return table
}
