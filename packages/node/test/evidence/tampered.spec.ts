import { simulationRootSeed } from '@cocoon-net/attestation'
import { simulatedCollector, withTurnedBit } from '@cocoon-net/attestation-simulated'
import { expect } from 'aegir/chai'
import { testNetwork } from '../hosts.ts'
import { createTrade, readAll } from '../trade.ts'
import type { TestClient, TestProvider } from '../trade.ts'

describe('a provider whose evidence has one bit turned', () => {
  const network = testNetwork(67)
  const trade = createTrade(network)
  let tampered: TestProvider
  let honest: TestProvider
  let client: TestClient

  before(async function () {
    this.timeout(30_000)
    const rootSeed = simulationRootSeed(network)
    // The cheaper one is asked first.
    tampered = await trade.provider({ seed: 1, collector: withTurnedBit(simulatedCollector({ rootSeed })), prices: { prompt: 1n, cached: 1n, completion: 1n, reasoning: 1n } })
    honest = await trade.provider({ seed: 2 })
    client = await trade.client({ seed: 101, role: { warmProviders: 0 } })
    await client.knows(2)
  })
  after(async () => { await trade.stop() })

  it('is refused with a code, the next one answers, and the client says why', async () => {
    const { reason, summary } = await readAll(await client.ask({ limits: { prefer: 'price' } }))
    expect(reason).to.equal('stop')
    expect(summary.attempts).to.deep.equal([{ provider: tampered.id, outcome: 'evidence_refused' }, { provider: honest.id, outcome: 'done' }])
    const told = client.client.explain().at(-1)
    expect(JSON.stringify(told)).to.include('evidence_refused').and.include('signature')
    expect(tampered.outcomes).to.deep.equal([])
  })
})
