import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { networkOf } from '@cocoon-net/cocoon'
import { judgeRegistry, readRegistry, stakeFaults, vaultFaults } from '@cocoon-net/cocoon/registry'
import { registryStateInit } from '@cocoon-net/contracts'
import { GGUF_PATH, demoModelPath, digestModelFiles } from '@cocoon-net/engine'
import { accountFromText, fromHex, toHex } from '@cocoon-net/protocol'
import { createTonPort } from '@cocoon-net/settlement'
import { Cell, beginCell, loadStateInit, storeStateInit } from '@ton/core'
import { expect } from 'aegir/chai'
import { startDevnet } from '../../src/devnet/index.ts'
import { DEFAULT_REGISTRY_DELAY_SECONDS, DEMO_MODEL_DIGEST, localGenesis, writeGovernorConfig } from '../../src/network/registry-genesis.ts'
import type { Devnet, GenesisAccount } from '../../src/devnet/index.ts'
import type { LocalGenesis } from '../../src/network/registry-genesis.ts'

function accountsOf (genesis: LocalGenesis): GenesisAccount[] {
  return genesis.begin.map(({ address, amountNano, init }) => ({ address, amountNano: BigInt(amountNano), init: init == null ? undefined : loadStateInit(Cell.fromBase64(init).beginParse()) }))
}

describe('genesis of a local network', () => {
  let folder: string
  let devnet: Devnet | undefined
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'cocoon-genesis-')) })
  afterEach(async () => {
    await devnet?.stop()
    devnet = undefined
    await rm(folder, { recursive: true, force: true })
  })

  it('lists the demonstration model that ships', async () => {
    expect(toHex(await digestModelFiles([{ path: GGUF_PATH, file: demoModelPath() }]))).to.equal(DEMO_MODEL_DIGEST)
  })

  it('deploys the registry that the network is named after, with all that the network begins with', async () => {
    const genesis = await localGenesis({ folder })
    const network = networkOf({ devnet: genesis.network })
    devnet = await startDevnet({ home: join(folder, 'chain'), genesis: fromHex(genesis.chain), begin: accountsOf(genesis) })
    await devnet.begun
    const port = createTonPort({ endpoint: devnet.endpoint })
    if (network.registry == null) {
      throw new Error('it is named after none')
    }
    const { state } = await readRegistry(port, network.registry)
    const judged = judgeRegistry(state, 0)
    expect([vaultFaults(judged, network), stakeFaults(judged, network)]).to.deep.equal([[], []])
    expect(judged.allowed.model).to.deep.equal([DEMO_MODEL_DIGEST])
    expect(judged.allowed.measurement).to.have.lengthOf(2)
    expect([judged.version, judged.coming, judged.delaySeconds]).to.deep.equal([0, [], DEFAULT_REGISTRY_DELAY_SECONDS])
    expect(judged.delaySeconds, 'longer than a stake unbonds').to.be.greaterThan(network.stake.unbondSeconds)
    expect(await port.balance(judged.governor)).to.equal(10_000_000_000n)
  })

  it('is the same at the next start, and gives nothing twice', async () => {
    const genesis = await localGenesis({ folder })
    const home = join(folder, 'chain')
    const first = await startDevnet({ home, genesis: fromHex(genesis.chain), begin: accountsOf(genesis) })
    await first.begun
    const { seqno } = first.snapshot()
    await first.stop()
    const again = await localGenesis({ folder, seed: 'other', delaySeconds: 5 })
    expect([again.network, again.chain]).to.deep.equal([genesis.network, genesis.chain])
    devnet = await startDevnet({ home, genesis: fromHex(again.chain), begin: accountsOf(again) })
    await devnet.begun
    expect(devnet.snapshot().seqno).to.equal(seqno)
  })

  it('follows from a seed, and from how long loosenings wait', async () => {
    const [one, same, slower] = await Promise.all([['a', 1_800], ['b', 1_800], ['c', 60]].map(async ([name, delaySeconds]) => localGenesis({ folder: join(folder, String(name)), seed: 'fox', delaySeconds: Number(delaySeconds) })))
    expect(one).to.deep.equal(same)
    expect(slower.chain).to.equal(one.chain)
    expect(slower.network).to.not.equal(one.network)
  })

  it('names the network anew where the software has moved on, on the same chain and with the same governor and delay', async () => {
    const first = await localGenesis({ folder, delaySeconds: 77 })
    const older = registryStateInit({ governor: accountFromText(first.begin[1].address), delaySeconds: 77, entries: [], numbers: new Map() })
    await writeFile(join(folder, 'registry.boc'), beginCell().store(storeStateInit(older)).endCell().toBoc().toString('base64'))
    await writeFile(join(folder, 'genesis'), first.chain + 'ab'.repeat(32))
    expect(await localGenesis({ folder })).to.deep.equal(first)
    expect((await readFile(join(folder, 'genesis'), 'utf8')).trim()).to.equal(first.network)
  })

  it('leaves a network without a registry as it was', async () => {
    const old = '07'.repeat(32)
    await writeFile(join(folder, 'genesis'), `${old}\n`)
    expect(await localGenesis({ folder })).to.deep.equal({ network: old, chain: old, begin: [] })
    await writeGovernorConfig(folder, { network: old, chainUrl: 'http://127.0.0.1:1' })
    expect(await stat(join(folder, 'governor')).then(() => true, () => false)).to.equal(false)
  })

  it('gives the governor a home that the command can use', async () => {
    const { network, begin } = await localGenesis({ folder })
    await writeGovernorConfig(folder, { network, chainUrl: 'http://127.0.0.1:1' })
    expect(JSON.parse(await readFile(join(folder, 'governor', 'config.json'), 'utf8'))).to.deep.equal({ network: 'devnet', devnetGenesis: network, chainUrl: 'http://127.0.0.1:1' })
    expect((await stat(join(folder, 'governor', 'keys', 'wallet.key'))).mode & 0o777).to.equal(0o600)
    expect(accountFromText(begin[1].address)).to.have.lengthOf(32)
  })
})
