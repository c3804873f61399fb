import { NO_ACCOUNT, decodeBinding, encodeWith, challengeCodec, toHex } from '@cocoon-net/protocol'
import { ed25519Signer } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { eventually } from './eventually.ts'
import { createAttacker } from './hostile.ts'
import { testNetwork } from './hosts.ts'
import { recordedEngine } from './recording.ts'
import { delegate, ownerKey } from './stakes/samples.ts'
import { PRICES, createTrade, readAll } from './trade.ts'
import type { Attacker } from './hostile.ts'
import type { TestClient, TestProvider, Trade } from './trade.ts'
import type { EvidenceStore, ReceiptLog } from '../src/index.ts'
import type { CocoonError, Prices } from '@cocoon-net/protocol'
import type { SlashEvidence } from '@cocoon-net/settlement'

const TON = 1_000_000_000n
const id = (n: number): Uint8Array => new Uint8Array(32).fill(n)

type Cheat = (honest: ReceiptLog) => ReceiptLog

const overcharge: Cheat = (honest) => ({ record: async (receipt) => honest.record({ ...receipt, chargeNano: receipt.chargeNano * 2n }) })
const doubleReceipt: Cheat = (honest) => ({ record: async (receipt) => honest.record({ ...receipt, seq: 0 }) })

describe('stakes between a provider and a client', () => {
  let trade: Trade
  let seed = 150
  let attacker: Attacker | undefined
  let bonded: Map<string, bigint>
  let written: Array<{ evidence: SlashEvidence, provider: string }>
  let evidence: EvidenceStore & { held: string[] }

  beforeEach(() => {
    trade = createTrade(testNetwork(seed++))
    bonded = new Map()
    written = []
    const held: string[] = []
    evidence = { held, stakes: () => held, put: async (evidence, provider) => { written.push({ evidence, provider }) } }
  })
  afterEach(async () => {
    await attacker?.stop()
    attacker = undefined
    await trade.stop()
  })

  const seller = async (init: { seed: number, stakeNano?: bigint, endsSeconds?: bigint, prices?: Prices, receiptLog?: Cheat, answerTokens?: number, account?: Uint8Array }): Promise<TestProvider> => {
    const { seed, stakeNano, endsSeconds = BigInt(Math.floor(Date.now() / 1_000)) + 3_600n, prices, receiptLog, answerTokens = 12, account = id(seed + 100) } = init
    const receiptSigner = ed25519Signer(id(seed))
    if (stakeNano != null) {
      bonded.set(toHex(account), stakeNano)
    }
    const stake = stakeNano == null ? null : { account, delegation: async () => delegate({ networkId: trade.network.networkId, stake: account, receiptKey: receiptSigner.publicKey, notAfter: endsSeconds }) }
    return trade.provider({ seed, receiptSigner, stake, receiptLog, ...(prices == null ? {} : { prices }), engine: recordedEngine({ answerTokens }) })
  }
  const buyer = async (providers: number, role: { minStakeNano?: bigint } = {}): Promise<TestClient> => {
    const client = await trade.client({
      seed: 101,
      role: {
        warmProviders: 0,
        readStake: async account => {
          const bondedNano = bonded.get(toHex(account))
          return bondedNano == null ? null : { bondedNano, isSlashed: false, ownerKey: ownerKey.publicKey }
        },
        evidence,
        ...role
      }
    })
    await client.knows(providers)
    return client
  }
  /** Waits until the stakes of this many providers are read. */
  const staked = async (client: TestClient, providers: number): Promise<void> => {
    await eventually(async () => {
      await client.client.warm()
      return (await client.client.models()).flatMap(model => model.providers).filter(({ stakeFault }) => stakeFault == null).length === providers
    })
  }
  const errorOf = async (work: Promise<unknown>): Promise<CocoonError> => work.then(() => { throw new Error('it was answered') }, (error: CocoonError) => error)
  const considered = (client: TestClient): Record<string, string> => Object.fromEntries(client.client.explain().at(-1)?.considered.map(({ peer, outcome }) => [peer, outcome]) ?? [])

  it('stand in the binding, the offer with its delegation, the evidence and the receipts', async () => {
    const provider = await seller({ seed: 1, stakeNano: 20n * TON })
    const client = await buyer(1)
    await staked(client, 1)
    const job = await client.ask()
    await readAll(job)
    const [listing] = await client.client.models()
    expect(listing.providers.map(({ stakeNano, stakeFault }) => [stakeNano, stakeFault])).to.deep.equal([[20n * TON, null]])
    const [taken] = client.client.explain().at(-1)?.considered ?? []
    expect([taken.outcome, taken.why]).to.deep.equal(['taken', `${job.tierNote} Its stake: 20 TON.`])
    attacker = await createAttacker(trade, provider, 60)
    const answer = await attacker.exchange('attest', encodeWith(challengeCodec, { t: 'challenge', networkId: trade.network.networkId, nonce: id(1) }))
    const shown = attacker.offer.offer
    expect([answer.delegation, decodeBinding(answer.binding as Uint8Array).stake]).to.deep.equal([shown.delegation, id(101)])
    expect(shown.stake).to.deep.equal(id(101))
  })

  it('are none by default', async () => {
    const provider = await seller({ seed: 1 })
    const client = await buyer(1)
    expect((await client.client.models())[0].providers[0]).to.deep.include({ stakeNano: 0n, stakeFault: 'stake_none' })
    attacker = await createAttacker(trade, provider, 60)
    expect([attacker.offer.offer.stake, attacker.offer.offer.delegation]).to.deep.equal([NO_ACCOUNT, null])
  })

  it('decide who is asked: nobody under the stake wanted, with the reason for each', async () => {
    const none = await seller({ seed: 1 })
    const small = await seller({ seed: 2, stakeNano: 10n * TON - 1n })
    const enough = await seller({ seed: 3, stakeNano: 10n * TON, prices: { ...PRICES, completion: 2n * PRICES.completion } })
    const client = await buyer(3)
    await readAll(await client.ask({ limits: { minStakeNano: 10n * TON } }))
    expect(considered(client)).to.deep.equal({ [none.id]: 'stake_none', [small.id]: 'stake_too_small', [enough.id]: 'taken' })
    const error = await errorOf(client.ask({ limits: { minStakeNano: 10n * TON + 1n } }))
    expect(error.code).to.equal('stake_too_small')
    expect(considered(client)).to.deep.equal({ [none.id]: 'stake_none', [small.id]: 'stake_too_small', [enough.id]: 'stake_too_small' })
    expect(client.client.explain().at(-1)?.considered.find(({ peer }) => peer === small.id)?.why).to.equal('Its stake is below what is asked for. Its stake: 9.999999999 TON.')
    expect([none.engine.runs, small.engine.runs, enough.engine.runs]).to.deep.equal([0, 0, 1])
  })

  it('are asked for of every request where the client is set so, and a request may ask for less', async () => {
    const provider = await seller({ seed: 1, stakeNano: TON })
    const client = await buyer(1, { minStakeNano: 2n * TON })
    await client.client.warm()
    expect(provider.counters.refusals).to.deep.equal([])
    expect((await errorOf(client.ask())).code).to.equal('stake_too_small')
    await readAll(await client.ask({ limits: { minStakeNano: TON } }))
    expect(provider.engine.runs).to.equal(1)
  })

  it('make up for a tenth of the price', async () => {
    const cheap = await seller({ seed: 1, prices: PRICES })
    const bondedWell = await seller({ seed: 2, stakeNano: 90n * TON, prices: { ...PRICES, completion: PRICES.completion * 11n / 10n, reasoning: PRICES.reasoning * 11n / 10n } })
    const client = await buyer(2)
    await staked(client, 1)
    expect((await readAll(await client.ask())).summary.attempts).to.deep.equal([{ provider: bondedWell.id, outcome: 'done' }])
    bonded.clear()
    const other = await trade.client({ seed: 102, role: { warmProviders: 0, readStake: async () => null } })
    await other.knows(2)
    await other.client.warm()
    expect((await readAll(await other.ask())).summary.attempts).to.deep.equal([{ provider: cheap.id, outcome: 'done' }])
  })

  it('are lost by an overcharge: it is not paid, kept as evidence, and nobody on that stake is asked again', async () => {
    const cheat = await seller({ seed: 1, stakeNano: 20n * TON, receiptLog: overcharge })
    const accomplice = await seller({ seed: 2, stakeNano: 20n * TON, account: id(101), prices: { ...PRICES, completion: 2n * PRICES.completion } })
    const honest = await seller({ seed: 3, stakeNano: TON, prices: { ...PRICES, completion: 9n * PRICES.completion } })
    const client = await buyer(3)
    await client.client.warm()
    const job = await client.ask()
    expect((await errorOf(readAll(job))).code).to.equal('provider_contradicts')
    const [{ paidNano }] = await client.payments.ledger()
    expect(paidNano <= 12n * PRICES.completion / 1_000_000n + 150n).to.equal(true)
    const at = client.client.explain().at(-1)?.considered.filter(({ peer }) => peer === cheat.id)
    expect(at?.map(({ outcome }) => outcome)).to.deep.equal(['taken', 'provider_contradicts'])
    expect(client.counters.all.filter(([name]) => name === 'cocoon_contradictions_total')).to.deep.equal([['cocoon_contradictions_total', { kind: 'E2' }]])
    expect(written.map(({ evidence, provider }) => [evidence.kind, evidence.stake, toHex(evidence.jobId), provider])).to.deep.equal([['E2', id(101), job.jobId, cheat.id]])
    await readAll(await client.ask())
    expect(considered(client)).to.deep.equal({ [cheat.id]: 'barred', [accomplice.id]: 'barred', [honest.id]: 'taken' })
    await client.client.warm()
    expect([cheat.engine.runs, accomplice.engine.runs]).to.deep.equal([1, 0])
  })

  it('are lost by two receipts of one step', async () => {
    const cheat = await seller({ seed: 1, stakeNano: 20n * TON, receiptLog: doubleReceipt, answerTokens: 40 })
    const client = await buyer(1)
    await client.client.warm()
    const job = await client.ask()
    expect((await errorOf(readAll(job))).code).to.equal('provider_contradicts')
    expect(written.map(({ evidence, provider }) => [evidence.kind, provider])).to.deep.equal([['E1', cheat.id]])
  })

  it('or not: a cheat without one is barred, and there is nothing to report', async () => {
    const cheat = await seller({ seed: 1, receiptLog: overcharge })
    const client = await buyer(1)
    expect((await errorOf(readAll(await client.ask()))).code).to.equal('provider_contradicts')
    expect((await errorOf(client.ask())).code).to.equal('no_provider')
    expect(considered(client)).to.deep.equal({ [cheat.id]: 'barred' })
    expect(written).to.deep.equal([])
  })

  it('are not lost by a cheat that names the stake of another: it is barred, they are not', async () => {
    const owner = await seller({ seed: 1, stakeNano: 20n * TON, prices: { ...PRICES, completion: 9n * PRICES.completion } })
    const stranger = ed25519Signer(id(99))
    const delegation = async (): Promise<ReturnType<typeof delegate>> =>
      delegate({ networkId: trade.network.networkId, stake: id(101), receiptKey: ed25519Signer(id(2)).publicKey, notAfter: BigInt(Math.floor(Date.now() / 1_000)) + 3_600n }, stranger)
    const cheat = await trade.provider({ seed: 2, receiptSigner: ed25519Signer(id(2)), stake: { account: id(101), delegation }, receiptLog: overcharge, engine: recordedEngine({ answerTokens: 12 }) })
    const client = await buyer(2)
    expect((await errorOf(readAll(await client.ask()))).code).to.equal('provider_contradicts')
    await readAll(await client.ask())
    expect(considered(client)).to.deep.equal({ [cheat.id]: 'barred', [owner.id]: 'taken' })
    expect(written).to.deep.equal([])
  })

  it('that evidence is held against from before are not used', async () => {
    const provider = await seller({ seed: 1, stakeNano: 20n * TON })
    evidence.held.push(toHex(id(101)))
    const client = await buyer(1)
    expect((await errorOf(client.ask())).code).to.equal('no_provider')
    expect(considered(client)).to.deep.equal({ [provider.id]: 'barred' })
  })

  it('do not hold a provider that cannot show its delegation', async () => {
    expect((await errorOf(seller({ seed: 1, stakeNano: TON, endsSeconds: 1n }))).code).to.equal('delegation_unusable')
  })
})
