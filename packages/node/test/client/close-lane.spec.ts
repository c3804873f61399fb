import { LIMITS, payRequestCodec, payResponseCodec, protocolId } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { noCounters } from '../../src/counters.ts'
import { serve } from '../../src/services/serve.ts'
import { eventually } from '../eventually.ts'
import { testNetwork } from '../hosts.ts'
import { recordedEngine } from '../recording.ts'
import { createTrade, readAll } from '../trade.ts'
import type { ClosedLane } from '../../src/index.ts'
import type { TestClient, TestProvider, Trade } from '../trade.ts'

const DEADLINE_MS = 10_000
/** An answer costs 300,150 nanoTON: less than a close's gas, so that the payer sends it. */
const TOKENS = 12

describe('a lane that its client ends together with its provider', () => {
  let trade: Trade
  let provider: TestProvider
  let client: TestClient

  const start = async (seed: number, engine = recordedEngine({ answerTokens: TOKENS })): Promise<void> => {
    trade = createTrade(testNetwork(seed))
    provider = await trade.provider({ seed: 1, engine })
    client = await trade.client({ seed: 101, role: { warmProviders: 0 } })
    await client.knows(1)
  }
  const paid = async (): Promise<bigint> => (await readAll(await client.ask())).summary.paidNano
  const close = async (by: TestClient = client, lane: Uint8Array | string = provider.payee): Promise<ClosedLane> =>
    by.client.closeLane(lane, { signal: AbortSignal.timeout(DEADLINE_MS) })
  const refusal = async (by?: TestClient): Promise<string> => close(by).then(() => 'closed', (error: { code: string }) => error.code)

  afterEach(async () => {
    await trade.stop()
  })

  it('ends on the chain with the exact sum of its jobs on both sides, and a new one serves the next job', async () => {
    await start(71)
    const sumNano = await paid() + await paid()
    const first = trade.chain.lane(client.payments.vault.account, provider.payee)
    const ended = await close()
    expect(ended).to.deep.include({ payee: provider.payee, epoch: first?.epoch, sumNano, paidNano: 0n, capNano: first?.capNano, sentBy: 'payer' })
    expect(trade.chain.closed).to.deep.equal([sumNano])
    expect(trade.chain.lane(client.payments.vault.account, provider.payee)).to.equal(undefined)
    expect((await client.payments.ledger()).reduce((sum, row) => sum + row.paidNano, 0n)).to.equal(sumNano)
    expect(provider.provider.summary().earnedNano).to.equal(sumNano)
    expect(await refusal()).to.equal('lane_unknown')
    expect(await paid() > 0n).to.equal(true)
    expect(trade.chain.lane(client.payments.vault.account, provider.payee)?.epoch).to.not.equal(first?.epoch)
  })

  it('is sent, and booked as redeemed, by a provider to whom it is worth its gas; its peer id names the lane as well', async () => {
    await start(72, recordedEngine({ answerTokens: 4 }))
    await paid()
    // a longer relation than a test has time for: the client pays for more than these jobs
    const closing = await client.payments.close(provider.payee, { sumNano: 40_000_000n })
    expect(closing.sumNano).to.equal(40_000_000n)
    const ended = await close(client, provider.id)
    expect([ended.sumNano, ended.sentBy]).to.deep.equal([40_000_000n, 'payee'])
    expect(trade.chain.closed).to.deep.equal([40_000_000n])
    await eventually(async () => (await provider.payments.ledger()).some(({ kind, paidNano }) => kind === 'redeemed' && paidNano === 40_000_000n))
  })

  it('is not ended while a job runs, on either side\'s word', async () => {
    await start(73, recordedEngine({ answerTokens: 200 }))
    const job = await client.ask()
    expect(await refusal()).to.equal('lane_in_use')
    job.cancel()
    await readAll(job).catch(() => {})
    await job.summary.catch(() => {})
    await eventually(() => provider.outcomes.length === 1)
    expect(await refusal()).to.equal('closed')
  })

  it('stays as it is when the provider is away, and ends when it is back or when its answer was lost', async () => {
    await start(74)
    const sumNano = await paid()
    await trade.end(provider.node)
    expect(await refusal()).to.be.oneOf(['stream_closed', 'no_provider', 'timeout'])
    // nothing is signed before the provider answers: the lane serves on
    expect((await client.payments.openedLane(provider.payee))?.status()).to.equal('open')
    const again = await trade.provider({ seed: 1, kv: provider.kv })
    await client.node.host.libp2p.dial(again.node.host.libp2p.getMultiaddrs())
    await eventually(async () => (await client.client.models()).some(({ providers }) => providers.some(({ peerId }) => peerId === again.id)))
    // the provider has signed, and its answer does not arrive
    const peers = { client: client.node.host.peerId.toMultihash().bytes, provider: again.node.host.peerId.toMultihash().bytes }
    await again.payments.closeLane((await client.payments.close(provider.payee)).frame(peers), peers)
    expect(await close()).to.deep.include({ sumNano, sentBy: 'payer' })
    expect(trade.chain.closed).to.deep.equal([sumNano])
  })

  it('is finished without the provider once both have signed', async () => {
    await start(75)
    const sumNano = await paid()
    const peers = { client: client.node.host.peerId.toMultihash().bytes, provider: provider.node.host.peerId.toMultihash().bytes }
    const closing = await client.payments.close(provider.payee)
    const agreed = await provider.payments.closeLane(closing.frame(peers), peers)
    await closing.accept({ publicKey: agreed.wallet.publicKey, signature: agreed.payeeSignature, isSending: false })
    await trade.end(provider.node)
    await trade.end(client.node)
    const again = await trade.client({ seed: 101, kv: client.kv })
    expect(await close(again)).to.deep.include({ sumNano, sentBy: 'payer' })
  })

  it('is refused as malformed by a provider of an earlier version, or answered by one that has not signed', async () => {
    await start(76)
    await paid()
    const { libp2p } = provider.node.host
    let answer: 'refuse' | 'lie' = 'refuse'
    await libp2p.unhandle(protocolId(trade.network, 'pay'))
    const stop = await serve({
      libp2p,
      protocol: protocolId(trade.network, 'pay'),
      reads: payRequestCodec,
      writes: payResponseCodec,
      maxReadBytes: LIMITS.payFrameBytes,
      idleMs: DEADLINE_MS,
      maxStreams: 4,
      counters: noCounters,
      what: 'pay',
      refusal: (refused) => ({ t: 'refusal' as const, ...refused }),
      handle: async (frames, connection) => {
        const first = await frames.read()
        if (first.t === 'open') {
          const peers = { client: connection.remotePeer.toMultihash().bytes, provider: libp2p.peerId.toMultihash().bytes }
          await frames.write((await provider.payments.openLane(first, peers)).frame)
          await frames.next()
        } else {
          await frames.write(answer === 'refuse'
            ? { t: 'refusal', code: 'frame_malformed', retryAfterMs: 0 }
            : { t: 'closing', publicKey: new Uint8Array(32), signature: new Uint8Array(64), isSending: true })
        }
      }
    })
    expect(await refusal()).to.equal('frame_malformed')
    answer = 'lie'
    expect(await refusal()).to.equal('bad_signature')
    expect(trade.chain.closed).to.deep.equal([])
    await stop()
  })
})
