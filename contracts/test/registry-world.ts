import { internal } from '@ton/sandbox'
import { expect } from 'aegir/chai'
import { REGISTRY_LIMITS, parseRegistryState, registryAddress, registryStateInit } from '../src/index.ts'
import { START, freshChain } from './fresh-chain.ts'
import { accountOf } from './vault-world.ts'
import type { RegistryGenesis, RegistryState } from '../src/index.ts'
import type { Address, Cell } from '@ton/core'
import type { Blockchain, SandboxContract, SendMessageResult, TreasuryContract } from '@ton/sandbox'

type Wallet = SandboxContract<TreasuryContract>

/** One registry on the emulator. */
export class RegistryWorld {
  readonly chain: Blockchain
  readonly governor: Wallet
  readonly successor: Wallet
  readonly stranger: Wallet
  readonly genesis: RegistryGenesis
  readonly address: Address

  private constructor (chain: Blockchain, wallets: readonly Wallet[], overrides: Partial<RegistryGenesis>) {
    this.chain = chain;
    [this.governor, this.successor, this.stranger] = wallets
    this.genesis = { governor: accountOf(this.governor.address), delaySeconds: REGISTRY_LIMITS.delaySeconds, entries: [], numbers: new Map(), ...overrides }
    this.address = registryAddress(this.genesis)
  }

  static async create (overrides: Partial<RegistryGenesis> = {}): Promise<RegistryWorld> {
    const chain = await freshChain()
    const wallets = await Promise.all(['governor', 'successor', 'stranger'].map(async name => chain.treasury(name)))
    const world = new RegistryWorld(chain, wallets, overrides)
    await chain.sendMessage(internal({ from: world.stranger.address, to: world.address, value: 1_000_000_000n, stateInit: registryStateInit(world.genesis), bounce: true }))
    return world
  }

  async send (from: Wallet, body: Cell, value: bigint = 50_000_000n): Promise<SendMessageResult> {
    return this.chain.sendMessage(internal({ from: from.address, to: this.address, value, body, bounce: true }))
  }

  async govern (body: Cell): Promise<void> {
    expect(this.exitCode(await this.send(this.governor, body))).to.equal(0)
  }

  wait (seconds: number): void {
    this.chain.now = (this.chain.now ?? START) + seconds
  }

  async state (): Promise<RegistryState> {
    const { accountState } = await this.chain.getContract(this.address)
    if (accountState?.type !== 'active' || accountState.state.data == null) {
      throw new Error('the registry is not there')
    }
    return parseRegistryState(accountState.state.data)
  }

  async balance (): Promise<bigint> {
    return (await this.chain.getContract(this.address)).balance
  }

  private transaction (result: SendMessageResult): SendMessageResult['transactions'][number] {
    const tx = result.transactions.find(t => t.inMessage?.info.dest?.toString() === this.address.toString())
    if (tx == null) {
      throw new Error('the registry received nothing')
    }
    return tx
  }

  exitCode (result: SendMessageResult): number {
    const tx = this.transaction(result)
    if (tx.description.type !== 'generic' || tx.description.computePhase.type !== 'vm') {
      throw new Error('the registry did not run')
    }
    return tx.description.computePhase.exitCode
  }

  rentOf (result: SendMessageResult): bigint {
    const { description } = this.transaction(result)
    return description.type === 'generic' ? description.storagePhase?.storageFeesCollected ?? 0n : 0n
  }

  /** Runs an action that must be refused with this code and change neither state nor, beyond rent, balance. */
  async refused (from: Wallet, body: Cell, code: number): Promise<void> {
    const before = { state: await this.state(), balance: await this.balance() }
    const result = await this.send(from, body)
    expect(this.exitCode(result)).to.equal(code)
    expect(await this.state()).to.deep.equal(before.state)
    expect(before.balance - await this.balance(), 'moved by rent alone').to.equal(this.rentOf(result))
  }
}
