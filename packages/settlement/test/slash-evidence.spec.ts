import { providerStakeAddress, providerStakeBodies, providerStakeStateInit } from '@cocoon-net/contracts'
import { accountFromAddress, chargeNano, delegationHash, quoteHash, receiptHash } from '@cocoon-net/protocol'
import { Blockchain, internal } from '@ton/sandbox'
import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { ed25519Signer } from '../src/signer.ts'
import { findContradiction, slashEvidence } from '../src/slash-evidence.ts'
import { readStake } from '../src/stake-reader.ts'
import { network, nonce } from './fixtures.ts'
import { START_SECONDS } from './vault-chain.ts'
import type { SignedReceipt } from '../src/slash-evidence.ts'
import type { StakeOnChain } from '../src/stake-reader.ts'
import type { Quote, Receipt } from '@cocoon-net/protocol'
import type { Address, Cell } from '@ton/core'
import type { BlockchainSnapshot } from '@ton/sandbox'

const SEED = 20_261_121
const BONDED_NANO = 100_000_000_000n
const ownerKey = ed25519Signer(nonce(60))
const receiptKey = ed25519Signer(nonce(61))

/** A stake with 100 TON bonded, on the emulator. */
class StakeChain {
  readonly chain: Blockchain
  readonly owner: Address
  readonly reporter: Address
  readonly address: Address
  readonly #start: BlockchainSnapshot

  private constructor (chain: Blockchain, owner: Address, reporter: Address, address: Address) {
    this.chain = chain
    this.owner = owner
    this.reporter = reporter
    this.address = address
    this.#start = chain.snapshot()
  }

  static async create (terms: typeof network.stake = network.stake): Promise<StakeChain> {
    const chain = await Blockchain.create()
    chain.now = START_SECONDS
    const [owner, reporter] = await Promise.all([chain.treasury('owner'), chain.treasury('reporter')])
    const stakeOwner = { account: accountFromAddress(owner.address), ownerKey: ownerKey.publicKey }
    const parameters = { networkId: network.networkId, ...terms }
    const address = providerStakeAddress(stakeOwner, parameters)
    await chain.sendMessage(internal({
      from: owner.address, to: address, value: BONDED_NANO + 1_000_000_000n, bounce: true, body: providerStakeBodies.deposit(BONDED_NANO), stateInit: providerStakeStateInit(stakeOwner, parameters)
    }))
    return new StakeChain(chain, owner.address, reporter.address, address)
  }

  async reset (): Promise<void> {
    await this.chain.loadFrom(this.#start)
  }

  get account (): Uint8Array {
    return accountFromAddress(this.address)
  }

  /** True when the stake executed what anybody sent it. */
  async report (body: Cell): Promise<boolean> {
    const { transactions } = await this.chain.sendMessage(internal({ from: this.reporter, to: this.address, value: 50_000_000n, body, bounce: true }))
    const description = transactions.find(tx => tx.inMessage?.info.dest?.toString() === this.address.toString())?.description
    return description?.type === 'generic' && description.computePhase.type === 'vm' && description.computePhase.exitCode === 0
  }

  async unbond (amountNano: bigint): Promise<void> {
    await this.chain.sendMessage(internal({ from: this.owner, to: this.address, value: 50_000_000n, body: providerStakeBodies.unbond(amountNano), bounce: true }))
  }

  async state (): Promise<StakeOnChain | null> {
    return readStake({
      contract: async account => {
        const { accountState } = await this.chain.getContract(this.address)
        if (accountState?.type !== 'active' || accountState.state.code == null || accountState.state.data == null) {
          return null
        }
        expect(account).to.deep.equal(this.account)
        return { codeHash: accountState.state.code.hash().toString('hex'), data: accountState.state.data }
      }
    }, network, this.account)
  }

  quote (changes: Partial<Quote> = {}): Quote {
    return {
      networkId: network.networkId,
      stake: this.account,
      model: nonce(7),
      prices: { prompt: 50_000_000n, cached: 12_500_000n, completion: 200_000_000n, reasoning: 300_000_000n },
      maxTokens: 4_096,
      windowNano: 1_000_000n,
      hedgeFeeNano: 2_000n,
      slaClass: 0,
      orderHash: nonce(0),
      validUntilMs: BigInt(START_SECONDS) * 1_000n,
      feeBps: 100,
      ...changes
    }
  }

  /** Honest, unless changed. */
  receipt (quote: Quote, changes: Partial<Receipt> = {}): Receipt {
    const tokens = changes.tokens ?? { prompt: 1_001, cached: 17, completion: 321, reasoning: 5 }
    return {
      networkId: network.networkId,
      stake: this.account,
      vault: nonce(11),
      payee: nonce(12),
      laneEpoch: 5n,
      jobId: nonce(13),
      seq: 3,
      bindingHash: nonce(14),
      tier: 'silver',
      tokens,
      chargeNano: chargeNano(tokens, quote.prices),
      quoteHash: quoteHash(quote),
      mcSeqno: 99,
      reqCommit: nonce(15),
      ansCommit: nonce(16),
      auditRoot: nonce(17),
      ...changes
    }
  }

  delegation (): Parameters<typeof slashEvidence>[1] {
    const delegation = { networkId: network.networkId, stake: this.account, receiptKey: receiptKey.publicKey, notAfter: BigInt(START_SECONDS) }
    return { delegation, signature: ownerKey.sign(delegationHash(delegation)) }
  }
}

function signed (receipt: Receipt): SignedReceipt {
  return { receipt, signature: receiptKey.sign(receiptHash(receipt)) }
}

function signedQuote (quote: Quote): { quote: Quote, signature: Uint8Array } {
  return { quote, signature: receiptKey.sign(quoteHash(quote)) }
}

const small = fc.integer({ min: 0, max: 1 })
/** Two statements of one provider: alike, or apart in one thing or another. */
const statements = fc.record({ job: small, seq: small, prompt: small, cached: small, completion: small, reasoning: small, answer: small, other: small, over: fc.bigInt({ min: -2n, max: 2n }), overHedge: fc.boolean() })

describe('slash-evidence', () => {
  let stake: StakeChain

  before(async () => {
    stake = await StakeChain.create()
  })

  beforeEach(async () => stake.reset())

  it('finds what the compiled contract slashes for, and nothing else', async function () {
    this.timeout(60_000)
    await fc.assert(fc.asyncProperty(statements, async (s) => {
      await stake.reset()
      const quote = signedQuote(stake.quote({ hedgeFeeNano: s.overHedge ? 1_000_000_000n : 2_000n }))
      const base = stake.receipt(quote.quote)
      const tokens = {
        prompt: base.tokens.prompt + s.prompt, cached: base.tokens.cached + s.cached, completion: base.tokens.completion + s.completion, reasoning: base.tokens.reasoning + s.reasoning
      }
      const most = chargeNano(tokens, quote.quote.prices)
      const first = signed(base)
      const second = signed(stake.receipt(quote.quote, {
        tokens, chargeNano: most + s.over, jobId: nonce(13 + s.job), seq: 3 + s.seq, ansCommit: nonce(16 + s.answer), mcSeqno: 99 + s.other, reqCommit: nonce(15 + s.other)
      }))
      const found = findContradiction(second, [first], quote)
      const delegation = stake.delegation()
      const e1 = await stake.report(slashEvidence({ kind: 'E1', first, second }, delegation).body)
      await stake.reset()
      const e2 = await stake.report(slashEvidence({ kind: 'E2', claim: second, quote }, delegation).body)
      // What is an overcharge beside is told as the contradiction that costs more.
      expect(found?.kind ?? null).to.equal(e1 && s.job === 0 && s.seq === 0 ? 'E1' : e2 ? 'E2' : null)
    }), { seed: SEED, numRuns: 60 })
  })

  it('takes all of the stake for two receipts of one step', async () => {
    const quote = signedQuote(stake.quote())
    const first = signed(stake.receipt(quote.quote))
    const second = signed(stake.receipt(quote.quote, { ansCommit: nonce(99) }))
    const found = findContradiction(second, [signed(stake.receipt(quote.quote, { seq: 2 })), first], quote)
    expect(found).to.deep.equal({ kind: 'E1', first, second })
    const evidence = slashEvidence(found ?? expect.fail('nothing found'), stake.delegation())
    expect([evidence.kind, evidence.stake, evidence.jobId]).to.deep.equal(['E1', stake.account, nonce(13)])
    expect(await stake.report(evidence.body)).to.equal(true)
    expect(await stake.state()).to.deep.equal({ bondedNano: 0n, isSlashed: true, ownerKey: ownerKey.publicKey })
  })

  it('takes the penalty for a charge above the quote by one nanoTON', async () => {
    const quote = signedQuote(stake.quote())
    const honest = stake.receipt(quote.quote)
    const found = findContradiction(signed({ ...honest, chargeNano: honest.chargeNano + 1n }), [], quote)
    expect(found?.kind).to.equal('E2')
    expect(await stake.report(slashEvidence(found ?? expect.fail('nothing found'), stake.delegation()).body)).to.equal(true)
    expect(await stake.state()).to.deep.equal({ bondedNano: BONDED_NANO - network.stake.penaltyNano, isSlashed: false, ownerKey: ownerKey.publicKey })
  })

  it('finds nothing where what is signed is for another stake, network or quote', () => {
    const quote = signedQuote(stake.quote())
    const honest = stake.receipt(quote.quote)
    for (const changes of [{ stake: nonce(77) }, { networkId: nonce(77) }, { quoteHash: nonce(77) }]) {
      expect(findContradiction(signed({ ...honest, chargeNano: honest.chargeNano + 1n, ...changes }), [], quote), Object.keys(changes)[0]).to.equal(null)
    }
    for (const changes of [{ stake: nonce(77) }, { networkId: nonce(77) }]) {
      expect(findContradiction(signed({ ...honest, ansCommit: nonce(99), ...changes }), [signed(honest)], quote), Object.keys(changes)[0]).to.equal(null)
    }
  })

  it('builds nothing with the delegation of another stake', () => {
    const quote = signedQuote(stake.quote())
    const honest = stake.receipt(quote.quote)
    const { delegation, signature } = stake.delegation()
    const claim = signed({ ...honest, chargeNano: honest.chargeNano + 1n })
    for (const changes of [{ stake: nonce(77) }, { networkId: nonce(77) }]) {
      expect(() => slashEvidence({ kind: 'E2', claim, quote }, { delegation: { ...delegation, ...changes }, signature })).to.throw(RangeError, 'another stake')
    }
  })

  it('reads what is bonded, and counts what unbonds as nothing', async () => {
    expect(await stake.state()).to.deep.equal({ bondedNano: BONDED_NANO, isSlashed: false, ownerKey: ownerKey.publicKey })
    await stake.unbond(BONDED_NANO - 1n)
    expect((await stake.state())?.bondedNano).to.equal(1n)
  })

  it('takes no account for a stake that is not deployed, or is of other code, data or terms', async () => {
    const { accountState } = await stake.chain.getContract(stake.address)
    const state = accountState?.type === 'active' ? accountState.state : expect.fail('not deployed')
    const codeHash = state.code?.hash().toString('hex') ?? ''
    const data = state.data ?? expect.fail('no data')
    const read = async (contract: { codeHash: string, data: Cell } | null, account = stake.account, terms = network.stake): Promise<StakeOnChain | null> =>
      readStake({ contract: async () => contract }, { networkId: network.networkId, stake: terms }, account)
    expect(await read({ codeHash, data })).to.not.equal(null)
    expect(await read(null)).to.equal(null)
    expect(await read({ codeHash: '00'.repeat(32), data })).to.equal(null)
    expect(await read({ codeHash, data: data.refs[0] })).to.equal(null)
    expect(await read({ codeHash, data }, nonce(3))).to.equal(null)
    expect(await read({ codeHash, data }, stake.account, { ...network.stake, unbondSeconds: 1 })).to.equal(null)
    const other = await StakeChain.create({ ...network.stake, penaltyNano: network.stake.penaltyNano + 1n })
    expect(await other.state()).to.equal(null)
  })
})
