import { setImmediate } from 'node:timers/promises'
import { devnetPreset, vestedNano } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { eventually } from './eventually.ts'
import { recordedEngine } from './recording.ts'
import { PRICES, WINDOW_NANO, createTrade, readAll } from './trade.ts'
import type { TestClient, TestProvider, Trade } from './trade.ts'
import type { NetworkPreset } from '@cocoon-net/protocol'

/** Without credit a lane that has paid a window gets one window ahead; with credit this much. */
function network (seed: number, perVaultNano: bigint): NetworkPreset {
  return { ...devnetPreset(new Uint8Array(32).fill(seed)), firstContactCredit: { enabled: perVaultNano > 0n, perVaultNano, perDayNano: perVaultNano * 10n } }
}

/** More than an answer costs: none of it is vouched for before its end. */
const WIDE_WINDOW_NANO = 40_000n

describe('a connection that is lost in the middle of a job', () => {
  let trade: Trade
  let provider: TestProvider
  let client: TestClient
  let cutAt = -1
  let cutStream = false

  /** Cuts all connections of the client once, when the engine is at this token. */
  const cut = async (index: number): Promise<void> => {
    if (index === cutAt) {
      cutAt = -1
      const lost = new Error('the line is cut')
      for (const connection of client.node.host.libp2p.getConnections()) {
        if (cutStream) {
          connection.streams.filter(stream => stream.protocol.includes('/infer/')).forEach(stream => { stream.abort(lost) })
        } else {
          connection.abort(lost)
        }
      }
    }
    await setImmediate()
  }

  const earned = (): bigint => {
    const { earnedNano, debtNano } = provider.provider.summary()
    return earnedNano + debtNano
  }

  const cutJob = async (index: number): Promise<bigint> => {
    const before = earned()
    cutAt = index
    const job = await client.ask()
    await readAll(job).then(() => { throw new Error('the line was not cut') }, () => {})
    await job.summary.catch(() => {})
    await eventually(() => earned() > before)
    return earned() - before
  }

  /** A whole answer, with the provider's books closed. */
  const answered = async (asker: TestClient): ReturnType<typeof readAll> => {
    const done = provider.outcomes.length
    const answer = await readAll(await asker.ask())
    expect(answer.tokens).to.equal(60)
    await eventually(() => provider.outcomes.length > done)
    return answer
  }

  const start = async (seed: number, windowNano: bigint, creditNano: bigint): Promise<void> => {
    cutStream = false
    trade = createTrade(network(seed, creditNano))
    provider = await trade.provider({ seed: 1, windowNano, engine: recordedEngine({ answerTokens: 60, beforeToken: cut }) })
    client = await trade.client({ seed: 101 })
    await client.openLane(provider.payee)
    await readAll(await client.ask())
  }

  afterEach(async () => trade.stop())

  it('leaves at most a window unpaid, which the next request pays before it is answered', async () => {
    await start(61, WINDOW_NANO, 0n)
    for (const index of [25, 33, 41]) {
      const chargeNano = await cutJob(index)
      const { debtNano } = provider.provider.summary()
      expect(debtNano <= WINDOW_NANO).to.equal(true)
      // what had vested when the line was cut, and nothing for a prompt that was not delivered on
      expect(chargeNano > 0n && chargeNano <= vestedNano({ prompt: 3, cached: 0, completion: 60, reasoning: 0 }, PRICES, 60)).to.equal(true)
      const { summary } = await answered(client)
      expect(summary.paidNano).to.equal(summary.chargeNano)
      expect(provider.provider.summary().debtNano).to.equal(0n)
    }
    // both sides say the same to the nanoTON, job by job and in all
    const spentNano = (await client.payments.ledger()).reduce((sum, { paidNano }) => sum + paidNano, 0n)
    expect(spentNano).to.equal(provider.provider.summary().earnedNano)
  })

  it('is paid for on a link that works still, when only the job\'s stream was lost', async () => {
    await start(63, WIDE_WINDOW_NANO, 3_000_000n)
    cutStream = true
    const chargeNano = await cutJob(37)
    const connections = client.node.host.libp2p.getConnections()
    expect(provider.provider.summary().debtNano).to.equal(chargeNano)
    const answers = await Promise.all([answered(client), answered(client)])
    expect(answers.map(({ summary }) => summary.paidNano === summary.chargeNano)).to.deep.equal([true, true])
    expect(provider.provider.summary().debtNano).to.equal(0n)
    expect(client.node.host.libp2p.getConnections()).to.deep.equal(connections)
  })

  it('is paid for after a restart of the client as well', async () => {
    await start(62, WIDE_WINDOW_NANO, 3_000_000n)
    const chargeNano = await cutJob(37)
    expect(provider.provider.summary().debtNano).to.equal(chargeNano)
    await trade.end(client.node)
    const again = await trade.client({ seed: 101, kv: client.kv })
    await answered(again)
    expect(provider.provider.summary().debtNano).to.equal(0n)
    const spentNano = (await again.payments.ledger()).reduce((sum, { paidNano }) => sum + paidNano, 0n)
    expect(spentNano).to.equal(provider.provider.summary().earnedNano)
  })
})
