import { collateralNeeds, simulationRootSeed } from '@cocoon-net/attestation'
import { createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { protocolId, sha256, toHex, utf8 } from '@cocoon-net/protocol'
import { lpStream } from '@libp2p/utils'
import { expect } from 'aegir/chai'
import { MemoryLevel } from 'memory-level'
import { askCollateral } from '../../src/evidence/collateral-service.ts'
import { openCollateralStore } from '../../src/evidence/collateral-store.ts'
import { testNetwork } from '../hosts.ts'
import { createTrade, readAll } from '../trade.ts'
import type { CollateralStore } from '../../src/evidence/collateral-store.ts'
import type { TestClient } from '../trade.ts'
import type { EvidenceCollector } from '@cocoon-net/attestation'

const network = testNetwork(71)
const platform = createTdxTestPlatform({ seed: simulationRootSeed(network), atMs: Date.now() })
const collateral = platform.collateral()
const subject = collateralNeeds(platform.quote(new Uint8Array(64)))?.subject ?? ''

/** The same evidence as others, with another thing stapled to it. */
function stapling (stapled: Uint8Array | null): EvidenceCollector {
  return { kind: 'simulated', collect: async (reportData) => ({ evidence: platform.quote(reportData), collateral: stapled }) }
}

/** Authentic, and older than what is known. */
function rolledBack (): Uint8Array {
  const older = (value: Record<string, unknown>): Record<string, unknown> => ({ ...value, tcbEvaluationDataNumber: 17 })
  return platform.collateral({ tcbInfo: older, qeIdentity: older })
}

async function emptyStore (): Promise<CollateralStore> {
  return openCollateralStore(new MemoryLevel<string, string>())
}

describe('collateral between peers', function () {
  this.timeout(30_000)
  let trade: ReturnType<typeof createTrade>

  beforeEach(() => { trade = createTrade(network) })
  afterEach(async () => { await trade.stop() })

  const clientWith = async (store: CollateralStore): Promise<TestClient> => {
    const client = await trade.client({ seed: 101, role: { warmProviders: 0 }, node: { collateral: { store, vendors: null } } })
    await client.knows(1)
    return client
  }
  const outcome = async (client: TestClient): Promise<string> => client.ask().then(async job => (await readAll(job)).reason, (error: unknown) => (error as { code: string }).code)

  it('lets a client verify that reaches no vendor and was given none, and passes on what it learns', async () => {
    const server = await emptyStore()
    await server.keep(subject, collateral, Date.now())
    const { node: { host } } = await trade.provider({ seed: 1, collector: stapling(null), node: { collateral: { store: server, vendors: null } } })
    const store = await emptyStore()
    const client = await clientWith(store)
    expect(await outcome(client)).to.equal('stop')
    expect(store.bySubject(subject)?.data).to.deep.equal(collateral)
    expect(store.versions('simulated')).to.deep.equal({ [`tcb/TDX/${subject.split('/')[2]}`]: 18, 'qe/TD_QE': 18 })
    expect(store.versions('hardware')).to.deep.equal({})
    const [connection] = host.libp2p.getConnections(client.node.host.peerId)
    const signal = AbortSignal.timeout(5_000)
    expect(await askCollateral(connection, { network, subject, except: new Set(), signal })).to.deep.equal(collateral)
    expect(await askCollateral(connection, { network, subject, except: new Set([toHex(sha256(collateral))]), signal })).to.equal(null)
    expect(await askCollateral(connection, { network, subject: 'intel/tdx/unknown', except: new Set(), signal })).to.equal(null)
  })

  it('refuses, with the reason, when nobody has any', async () => {
    await trade.provider({ seed: 1, collector: stapling(null), node: { collateral: { store: await emptyStore(), vendors: null } } })
    expect(await outcome(await clientWith(await emptyStore()))).to.equal('collateral_missing')
  })

  it('takes no lie for collateral: a peer\'s garbage verifies nothing and is not kept', async () => {
    const liar = await emptyStore()
    await liar.keep(subject, utf8('{"tcb_info":"garbage"}'), Date.now())
    await trade.provider({ seed: 1, collector: stapling(null), node: { collateral: { store: liar, vendors: null } } })
    const store = await emptyStore()
    expect(await outcome(await clientWith(store))).to.equal('collateral_missing')
    expect(store.bySubject(subject)).to.equal(undefined)
    expect(store.versions('simulated')).to.deep.equal({})
  })

  it('never goes back behind a version once seen, and uses what it has instead', async () => {
    await trade.provider({ seed: 1, collector: stapling(rolledBack()), node: { collateral: { store: await emptyStore(), vendors: null } } })
    const knowing = await emptyStore()
    await knowing.remember('simulated', { [`tcb/TDX/${subject.split('/')[2]}`]: 18 })
    const client = await clientWith(knowing)
    expect(await outcome(client)).to.not.equal('stop')
    await knowing.keep(subject, collateral, Date.now())
    expect(await outcome(client)).to.equal('stop')
    expect(knowing.bySubject(subject)?.data).to.deep.equal(collateral)
  })

  it('answers questions only: anything else is refused', async () => {
    const { node: { host } } = await trade.provider({ seed: 1, node: { collateral: { store: await emptyStore(), vendors: null } } })
    const client = await clientWith(await emptyStore())
    for (const sent of [Uint8Array.of(0xff), new Uint8Array(0), new Uint8Array(1_100)]) {
      const stream = await client.node.host.libp2p.dialProtocol(host.libp2p.getMultiaddrs(), protocolId(network, 'collateral'))
      const frames = lpStream(stream)
      await frames.write(sent)
      expect(new TextDecoder().decode((await frames.read()).subarray())).to.match(/frame_malformed|frame_too_large/)
      stream.abort(new Error('done'))
    }
  })
})
