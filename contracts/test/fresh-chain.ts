import { Blockchain, Executor } from '@ton/sandbox'
import type { BlockchainSnapshot } from '@ton/sandbox'

/** The emulator's clock in all tests, unix seconds. */
export const START = 1_800_000_000

/** Everybody who has a wallet when a test begins. */
const NAMES = ['owner', 'operator', 'payee', 'stranger', 'treasury', 'reporter', 'governor', 'successor'] as const

let first: Promise<{ executor: Executor, snapshot: BlockchainSnapshot }> | undefined

async function build (): Promise<{ executor: Executor, snapshot: BlockchainSnapshot }> {
  const executor = await Executor.create()
  const chain = await Blockchain.create({ executor })
  chain.now = START
  for (const name of NAMES) {
    await chain.treasury(name)
  }
  return { executor, snapshot: chain.snapshot() }
}

/** A chain of its own, on the emulator that all tests share, with everybody's wallet on it. */
export async function freshChain (): Promise<Blockchain> {
  first ??= build()
  const { executor, snapshot } = await first
  const chain = await Blockchain.create({ executor })
  await chain.loadFrom(snapshot)
  return chain
}
