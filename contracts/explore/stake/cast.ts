/** Everybody who has to do with one stake, and every message that they can send, each signed and encoded once. */
import { delegationHash, quoteHash, receiptHash } from '@cocoon-net/protocol'
import { Address, beginCell } from '@ton/core'
import { providerStakeAddress, providerStakeBodies as bodies, providerStakeStateInit } from '../../src/index.ts'
import { sampleQuote, sampleReceipt } from '../../test/sample-papers.ts'
import { keyOf } from '../../test/vault-world.ts'
import { envelope, freshAccount } from '../executor.ts'
import type { SignedReceipt, StakeDelegation } from '../../src/index.ts'
import type { PapersOf } from '../../test/sample-papers.ts'
import type { Account } from '../executor.ts'
import type { StakeDeed } from './rules.ts'
import type { Quote, Receipt } from '@cocoon-net/protocol'
import type { Cell } from '@ton/core'

type Key = ReturnType<typeof keyOf>
export type StakeParty = 'owner' | 'reporter' | 'stranger'

const TON = 1_000_000_000n
const MESSAGE_VALUE = 200_000_000n
const ACCOUNTS: Readonly<Record<StakeParty, number>> = Object.freeze({ owner: 0xb0, reporter: 0xb1, stranger: 0xb2 })

export interface StakeParameters { readonly unbondSeconds: number, readonly penaltyNano: bigint }

function bytes (byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte)
}

/** One stake whose guest was replaced once: two receipt keys were delegated, one after the other. */
export class StakeCast {
  /** The owner's own, then one that is nobody's. */
  readonly ownerKeys: readonly Key[] = [keyOf(50), keyOf(60)]
  readonly receiptKeys: readonly Key[] = [keyOf(51), keyOf(52)]
  readonly start: Account
  private readonly networkId = bytes(5)
  private readonly address: Address
  private readonly papersOf: PapersOf

  constructor ({ unbondSeconds, penaltyNano }: StakeParameters, code?: Cell) {
    const parameters = { networkId: this.networkId, unbondSeconds, penaltyNano }
    const owner = { account: bytes(ACCOUNTS.owner), ownerKey: this.ownerKeys[0].publicKey }
    const init = providerStakeStateInit(owner, parameters)
    this.address = providerStakeAddress(owner, parameters)
    this.papersOf = { networkId: this.networkId, stake: Uint8Array.from(this.address.hash) }
    this.start = freshAccount(this.address, { ...init, code: code ?? init.code }, 0n)
  }

  private deed (kind: StakeDeed['kind'], label: string, from: StakeParty, body: Cell, details: Partial<StakeDeed> & { isBounced?: boolean } = {}): StakeDeed {
    const { isBounced = false, ...rest } = details
    const valueNano = details.valueNano ?? MESSAGE_VALUE
    const sender = new Address(0, Buffer.alloc(32, ACCOUNTS[from]))
    return {
      ...rest,
      kind,
      label: `${from}: ${kind} ${label}`.trimEnd(),
      sender: sender.hash.toString('hex'),
      valueNano,
      envelope: envelope(sender, this.address, valueNano, body, { bounced: isBounced })
    }
  }

  coins (from: StakeParty, valueNano: bigint): StakeDeed {
    return this.deed('coins', `${valueNano}`, from, beginCell().endCell(), { valueNano })
  }

  deposit (from: StakeParty, amountNano: bigint, valueNano: bigint = amountNano + TON / 2n): StakeDeed {
    return this.deed('deposit', `${amountNano} with ${valueNano}`, from, bodies.deposit(amountNano), { amountNano, valueNano })
  }

  unbond (from: StakeParty, amountNano: bigint): StakeDeed {
    return this.deed('unbond', `${amountNano}`, from, bodies.unbond(amountNano), { amountNano })
  }

  rebond (from: StakeParty): StakeDeed {
    return this.deed('rebond', '', from, bodies.rebond())
  }

  withdraw (from: StakeParty): StakeDeed {
    return this.deed('withdraw', '', from, bodies.withdraw())
  }

  bounced (from: StakeParty, valueNano: bigint): StakeDeed {
    return this.deed('bounced', '', from, beginCell().storeUint(0xffffffff, 32).endCell(), { valueNano, isBounced: true })
  }

  junk (from: StakeParty, label: string, body: Cell): StakeDeed {
    return this.deed('junk', label, from, body)
  }

  quote (changes: Partial<Quote> = {}): Quote {
    return sampleQuote(this.papersOf, changes)
  }

  /** Of job `job`, charging exactly the quote: 50,000 + 200 + 64,000 + 1,500. */
  receipt (job: number, changes: Partial<Receipt> = {}, quote: Quote = this.quote()): Receipt {
    return sampleReceipt(this.papersOf, quote, { jobId: bytes(job), tokens: { prompt: 1_000, cached: 16, completion: 320, reasoning: 5 }, ...changes })
  }

  sign (receipt: Receipt, key: number): SignedReceipt {
    return { receipt, signature: this.receiptKeys[key].sign(receiptHash(receipt)) }
  }

  delegation (key: number, by: number = 0, changes: { networkId?: Uint8Array, stake?: Uint8Array } = {}): StakeDelegation {
    const receiptKey = this.receiptKeys[key].publicKey
    // long gone when evidence comes
    const notAfter = 1_799_000_000n
    const { networkId = this.networkId, stake = Uint8Array.from(this.address.hash) } = changes
    return { receiptKey, notAfter, signature: this.ownerKeys[by].sign(delegationHash({ networkId, stake, receiptKey, notAfter })) }
  }

  contradiction (from: StakeParty, label: string, sound: boolean, init: { delegation: StakeDelegation, first: SignedReceipt, second: SignedReceipt }): StakeDeed {
    return this.deed('contradiction', label, from, bodies.slashContradiction(init), { sound })
  }

  overcharge (from: StakeParty, label: string, sound: boolean, init: { delegation: StakeDelegation, claim: SignedReceipt, quote: Quote, quoteKey?: number }): StakeDeed {
    const { delegation, claim, quote, quoteKey = 0 } = init
    const signature = this.receiptKeys[quoteKey].sign(quoteHash(quote))
    const jobId = Buffer.from(claim.receipt.jobId).toString('hex')
    return this.deed('overcharge', label, from, bodies.slashOvercharge({ delegation, claim, quote: { quote, signature } }), { sound, jobId })
  }
}
