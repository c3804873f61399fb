import { devnetPolicy } from '@cocoon-net/attestation'
import { CocoonError } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { testNetwork } from '../hosts.ts'
import { createTrade, readAll } from '../trade.ts'
import type { NetworkRules } from '../../src/index.ts'
import type { InferenceJob } from '../../src/index.ts'
import type { TestClient, TestProvider, Trade } from '../trade.ts'
import type { Policy } from '@cocoon-net/attestation'

describe('what the network allows', () => {
  let trade: Trade
  let seed = 120
  let policy: Policy
  let refusal: CocoonError | null
  let listed: boolean | null
  const rules: NetworkRules = { policy: () => policy, refusal: () => refusal, stakeRefusal: () => null, leastStakeNano: () => 0n, isListed: () => listed }

  beforeEach(() => {
    trade = createTrade(testNetwork(seed++))
    policy = devnetPolicy(trade.network)
    refusal = null
    listed = null
  })
  afterEach(async () => trade.stop())

  const errorOf = async (job: Promise<InferenceJob>): Promise<CocoonError> => job.then(() => { throw new Error('it was answered') }, (error: CocoonError) => error)

  const market = async (role: { onlyListedModels?: boolean } = {}): Promise<{ provider: TestProvider, client: TestClient }> => {
    const provider = await trade.provider({ seed: 1 })
    const client = await trade.client({ seed: 101, role: { rules, warmProviders: 0, ...role } })
    await client.knows(1)
    return { provider, client }
  }

  it('is asked for every request: a provider that was verified under an earlier policy is verified again', async () => {
    const { provider, client } = await market()
    expect((await readAll(await client.ask())).tokens).to.equal(12)
    policy = { ...policy, name: 'devnet (registry, version 2)', measurements: [] }
    const error = await errorOf(client.ask())
    expect([error.code, error.message]).to.deep.equal(['evidence_refused', 'measurement: the measurement is not on the allow-list of the devnet (registry, version 2) policy'])
    expect(client.client.explain().at(-1)?.considered).to.deep.equal([{ peer: provider.id, outcome: 'evidence_refused', tier: 'simulated', why: error.message }])
    expect(provider.engine.runs).to.equal(1)
  })

  it('ages what was verified', async () => {
    const { client } = await market()
    policy = { ...policy, mostEvidenceAgeMs: 3_600_000 }
    expect((await readAll(await client.ask())).tokens).to.equal(12)
    policy = { ...policy, mostEvidenceAgeMs: 0 }
    const error = await errorOf(client.ask())
    expect([error.code, error.message]).to.deep.equal(['expired', 'expiry: the beacon is older than the 0 s that the devnet policy allows'])
  })

  it('ends all buying while vaults are not allowed, and says so of every candidate', async () => {
    const { provider, client } = await market()
    refusal = new CocoonError('registry_refused', 'the vault code is not listed')
    expect((await errorOf(client.ask())).code).to.equal('registry_refused')
    await client.client.warm()
    expect(client.client.explain().at(-1)).to.deep.include({ taken: null, considered: [{ peer: provider.id, outcome: 'registry_refused', tier: 'simulated', why: 'the vault code is not listed' }] })
    expect([provider.engine.runs, provider.counters.refusals]).to.deep.equal([0, []])
    refusal = null
    expect((await readAll(await client.ask())).tokens).to.equal(12)
  })

  it('ends all selling while vaults are not allowed', async () => {
    let refused: CocoonError | null = null
    const provider = await trade.provider({ seed: 1, refusal: () => refused })
    const client = await trade.client({ seed: 101, role: { warmProviders: 0 } })
    await client.knows(1)
    refused = new CocoonError('registry_refused')
    expect((await errorOf(client.ask())).code).to.equal('registry_refused')
    expect([provider.engine.runs, provider.counters.refusals]).to.deep.equal([0, ['infer registry_refused']])
    refused = null
    expect((await readAll(await client.ask())).tokens).to.equal(12)
  })

  it('shows whether models are listed, and refuses those that are not only when it is told to', async () => {
    const { client } = await market()
    const strict = await trade.client({ seed: 102, role: { rules, warmProviders: 0, onlyListedModels: true } })
    await strict.knows(1)
    for (const [is, strictly] of [[null, 'done'], [true, 'done'], [false, 'model_unlisted']] as const) {
      listed = is
      expect((await client.client.models()).map(({ isListed }) => isListed)).to.deep.equal([is])
      expect((await readAll(await client.ask())).tokens).to.equal(12)
      expect(await strict.ask().then(async job => (await readAll(job)).summary.attempts.at(-1)?.outcome, (error: CocoonError) => error.code)).to.equal(strictly)
    }
  })
})
