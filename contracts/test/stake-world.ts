import { delegationHash, quoteHash, receiptHash } from '@cocoon-net/protocol'
import { internal } from '@ton/sandbox'
import { expect } from 'aegir/chai'
import { parseProviderStakeState, providerStakeAddress, providerStakeBodies, providerStakeStateInit } from '../src/index.ts'
import { freshChain } from './fresh-chain.ts'
import { sampleQuote, sampleReceipt } from './sample-papers.ts'
import { START, TON, accountOf, keyOf } from './vault-world.ts'
import type { ProviderStakeParameters, ProviderStakeState, SignedQuote, SignedReceipt, StakeDelegation, StakeOwner } from '../src/index.ts'
import type { Quote, Receipt } from '@cocoon-net/protocol'
import type { Address, Cell } from '@ton/core'
import type { Blockchain, SandboxContract, SendMessageResult, TreasuryContract } from '@ton/sandbox'

type Wallet = SandboxContract<TreasuryContract>
type Key = ReturnType<typeof keyOf>

export const DAY = 86_400
export const UNBOND_SECONDS = 14 * DAY
export const PENALTY = 5n * TON

/** Nobody has a key to it. */
export const NOBODY = new Uint8Array(32)

function bytes (byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte)
}

/** One stake on the emulator, with everybody who has to do with it. */
export class StakeWorld {
  readonly chain: Blockchain
  readonly owner: Wallet
  readonly reporter: Wallet
  readonly stranger: Wallet
  readonly parameters: ProviderStakeParameters
  readonly stakeOwner: StakeOwner
  readonly address: Address
  readonly ownerKey = keyOf(50)
  /** Of the provider's guest. */
  readonly receiptKey = keyOf(51)

  private constructor (chain: Blockchain, wallets: readonly Wallet[], overrides: Partial<ProviderStakeParameters>, owner?: Uint8Array) {
    this.chain = chain;
    [this.owner, this.reporter, this.stranger] = wallets
    this.parameters = { networkId: bytes(5), unbondSeconds: UNBOND_SECONDS, penaltyNano: PENALTY, ...overrides }
    this.stakeOwner = { account: owner ?? accountOf(this.owner.address), ownerKey: this.ownerKey.publicKey }
    this.address = providerStakeAddress(this.stakeOwner, this.parameters)
  }

  /** Not deployed yet. */
  static async create (overrides: Partial<ProviderStakeParameters> = {}, owner?: Uint8Array): Promise<StakeWorld> {
    const chain = await freshChain()
    const wallets = await Promise.all(['owner', 'reporter', 'stranger'].map(async name => chain.treasury(name)))
    return new StakeWorld(chain, wallets, overrides, owner)
  }

  /** With this much bonded. */
  static async ready (bondedNano: bigint = 100n * TON, overrides: Partial<ProviderStakeParameters> = {}): Promise<StakeWorld> {
    const world = await StakeWorld.create(overrides)
    const code = world.exitCode(await world.deposit(bondedNano))
    if (code !== 0) {
      throw new Error(`the deposit failed with ${code}`)
    }
    return world
  }

  async deposit (amountNano: bigint, value: bigint = amountNano + TON): Promise<SendMessageResult> {
    return this.send(this.owner, providerStakeBodies.deposit(amountNano), value)
  }

  async send (from: Wallet, body: Cell, value: bigint = TON / 20n): Promise<SendMessageResult> {
    const stateInit = providerStakeStateInit(this.stakeOwner, this.parameters)
    return this.chain.sendMessage(internal({ from: from.address, to: this.address, value, body, stateInit, bounce: true }))
  }

  quote (changes: Partial<Quote> = {}): Quote {
    return sampleQuote({ networkId: this.parameters.networkId, stake: accountOf(this.address) }, changes)
  }

  /** An honest receipt, unless changed. */
  receipt (changes: Partial<Receipt> = {}, quote: Quote = this.quote()): Receipt {
    return sampleReceipt({ networkId: this.parameters.networkId, stake: accountOf(this.address) }, quote, changes)
  }

  sign (receipt: Receipt, key: Key = this.receiptKey): SignedReceipt {
    return { receipt, signature: key.sign(receiptHash(receipt)) }
  }

  signQuote (quote: Quote, key: Key = this.receiptKey): SignedQuote {
    return { quote, signature: key.sign(quoteHash(quote)) }
  }

  delegation (changes: { networkId?: Uint8Array, stake?: Uint8Array, by?: Key, receiptKey?: Uint8Array, notAfter?: bigint } = {}): StakeDelegation {
    const receiptKey = changes.receiptKey ?? this.receiptKey.publicKey
    const notAfter = changes.notAfter ?? BigInt(START + DAY)
    const hash = delegationHash({ networkId: changes.networkId ?? this.parameters.networkId, stake: changes.stake ?? accountOf(this.address), receiptKey, notAfter })
    return { receiptKey, notAfter, signature: (changes.by ?? this.ownerKey).sign(hash) }
  }

  /** Two receipts that the guest's key signed for one job and checkpoint. */
  contradiction (first: Receipt, second: Receipt, delegation: StakeDelegation = this.delegation()): Cell {
    return providerStakeBodies.slashContradiction({ delegation, first: this.sign(first), second: this.sign(second) })
  }

  overcharge (receipt: Receipt, quote: Quote = this.quote(), delegation: StakeDelegation = this.delegation()): Cell {
    return providerStakeBodies.slashOvercharge({ delegation, claim: this.sign(receipt), quote: this.signQuote(quote) })
  }

  async state (): Promise<ProviderStakeState> {
    const { accountState } = await this.chain.getContract(this.address)
    if (accountState?.type !== 'active' || accountState.state.data == null) {
      throw new Error('the stake is not there')
    }
    return parseProviderStakeState(accountState.state.data)
  }

  async balance (): Promise<bigint> {
    return (await this.chain.getContract(this.address)).balance
  }

  async withdrawable (): Promise<bigint> {
    const { stackReader: s } = await this.chain.runGetMethod(this.address, 'stake_info')
    s.skip(9)
    return s.readBigNumber()
  }

  private transaction (result: SendMessageResult): SendMessageResult['transactions'][number] {
    const tx = result.transactions.find(t => t.inMessage?.info.dest?.toString() === this.address.toString())
    if (tx == null) {
      throw new Error('the stake received nothing')
    }
    return tx
  }

  /** Exit code of the stake's own transaction. */
  exitCode (result: SendMessageResult): number {
    const tx = this.transaction(result)
    if (tx.description.type !== 'generic' || tx.description.computePhase.type !== 'vm') {
      throw new Error('the stake did not run')
    }
    return tx.description.computePhase.exitCode
  }

  /** What an account received from the stake in this result, nanoTON. */
  received (result: SendMessageResult, account: Uint8Array): bigint {
    let sum = 0n
    for (const tx of result.transactions) {
      const info = tx.inMessage?.info
      if (info?.type === 'internal' && info.src.equals(this.address) && Buffer.from(account).equals(info.dest.hash)) {
        sum += info.value.coins
      }
    }
    return sum
  }

  /** Runs an action that must be refused with this code and change neither state nor, beyond rent, balance. */
  async refused (action: () => Promise<SendMessageResult>, code: number): Promise<void> {
    const before = { state: await this.state(), balance: await this.balance() }
    const result = await action()
    const got = this.exitCode(result)
    if (got !== code) {
      throw new Error(`expected exit code ${code}, got ${got}`)
    }
    expect(await this.state()).to.deep.equal(before.state)
    const { description } = this.transaction(result)
    const rent = description.type === 'generic' ? description.storagePhase?.storageFeesCollected ?? 0n : 0n
    expect(before.balance - await this.balance(), 'moved by rent alone').to.equal(rent)
  }
}
