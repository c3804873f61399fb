import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKeyValue, readLanes } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { createLaneReader } from '../../src/network/lane-reader.ts'
import { startLocalNetwork } from '../../src/network/local-network.ts'
import { chat, finish, killEverything, leftOver, listens, run, useBundle } from './program.ts'
import type { Program } from './program.ts'

const PROVIDERS = ['provider-1', 'provider-2', 'provider-3']

interface Ready { admin: string, genesis: string, gateway: string, chain: string, bootstrap: string, model: string, pid: number, gatewayPid: number, chainPid: number, providers: Array<{ name: string, peerId: string, pid: number }> }

/** What a provider's own disk says that it was promised, by lane. */
async function promised (folder: string): Promise<Map<string, bigint>> {
  const sums = new Map<string, bigint>()
  for (const name of PROVIDERS) {
    const kv = await openKeyValue(join(folder, name, 'provider'))
    for (const { laneKey, state } of await readLanes(kv)) {
      sums.set(`${name}/${laneKey}`, state.cumulativeNano)
    }
    await kv.close()
  }
  return sums
}

function sumOf (amounts: Iterable<bigint>): bigint {
  return [...amounts].reduce((sum, amount) => sum + amount, 0n)
}

/** One home over the life of a network that is started, interrupted, started again, killed, and started once more. */
describe('npm start', function () {
  this.timeout(120_000)
  let home: string
  let folder: string
  let program: Program
  let ready: Ready
  let finishedNano = 0n

  const start = async (stdin: 'open' | 'closed' = 'closed'): Promise<void> => {
    program = run('start', ['--json', '--port', '0', '--chain-port', '0'], { home, stdin })
    ready = JSON.parse(await program.line(/^\{"ready":true/))
  }

  const buy = async (): Promise<string> => {
    const { status, costNano, provider, text } = await chat(ready.gateway, ready.model)
    expect([status, text.includes('fox')]).to.deep.equal([200, true])
    expect(costNano > 0n).to.equal(true)
    finishedNano += costNano
    return provider
  }

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'cocoon-life-'))
    folder = join(home, 'testnet', 'network')
  })

  after(async () => {
    await killEverything(home)
    await rm(home, { recursive: true, force: true })
  })

  it('says where everything is when it is up, and goes on when its standard input ends', async () => {
    await start('open')
    program.closeInput()
    expect(ready).to.include.all.keys('gateway', 'chain', 'bootstrap', 'model', 'pid', 'gatewayPid', 'chainPid', 'providers')
    expect(ready.providers.map(({ name }) => name)).to.deep.equal(PROVIDERS)
    expect(new Set([ready.pid, ready.gatewayPid, ready.chainPid, ...ready.providers.map(({ pid }) => pid)]).size).to.equal(6)
    expect(await listens(ready.gateway) && await listens(ready.chain)).to.equal(true)
    await buy()
    // a person sees each job
    await program.line(/job [0-9a-f]{8} {2}provider-\d {2}simulated {2}first token \d+ ms {2}\d+ \+ \d+ tokens at \d+\/s {2}[\d,]+ nanoTON paid/)
    const { code, last } = await finish('cocoon', ['testnet', 'status', '--json'], { home })
    expect(code).to.equal(0)
    expect(last).to.deep.include({ running: true, state: 'ready', genesis: ready.genesis, chain: ready.chain, bootstrap: ready.bootstrap })
    expect(last.nodes.map((node: { name: string, state: string, alive: boolean }) => [node.name, node.state, node.alive]))
      .to.have.deep.members([...PROVIDERS, 'chain', 'gateway'].map(name => [name, 'up', true]))
  })

  it('refuses a port that is taken and a home in use, each with its code, advice and exit code 2', async () => {
    const elsewhere = await Promise.all([1, 2].map(async () => mkdtemp(join(tmpdir(), 'cocoon-life-'))))
    const port = new URL(ready.gateway).port
    const cases = [
      [{ home: elsewhere[0] }, ['--port', port, '--chain-port', '0'], 'port_taken', '--port'],
      [{ home: elsewhere[1] }, ['--port', '0', '--chain-port', new URL(ready.chain).port], 'port_taken', '--chain-port'],
      [{ home }, ['--port', '0', '--chain-port', '0'], 'home_locked', 'kill all']
    ] as const
    await Promise.all(cases.map(async ([options, args, errorCode, advice]) => {
      const { code, last, err } = await finish('start', [...args, '--json'], options)
      expect([code, last.error.code]).to.deep.equal([2, errorCode])
      expect(last.error.remedy).to.be.a('string').that.is.not.empty()
      expect(err).to.include(`error ${errorCode}`).and.include(advice).and.not.match(/\n {4}at /)
    }))
    for (const unused of elsewhere) {
      expect(await leftOver(unused)).to.deep.equal([])
      await rm(unused, { recursive: true, force: true })
    }
  })

  it('starts a provider again that dies, and leaves one down that was killed on request', async () => {
    const [first, second] = ready.providers
    const { code, last } = await finish('cocoon', ['testnet', 'kill', first.name, '--json'], { home })
    expect([code, last]).to.deep.equal([0, { killed: [{ name: first.name, pid: first.pid }] }])
    process.kill(second.pid, 'SIGKILL')
    await program.line(/provider-1 was killed on request and stays down/)
    expect(await buy()).to.equal(ready.providers[2].peerId)
    await program.line(/provider-2 is up again/)
    const { last: status } = await finish('cocoon', ['testnet', 'status', '--json'], { home })
    const nodes = new Map<string, { state: string, restarts: number, alive: boolean, peerId: string }>(status.nodes.map((node: { name: string }) => [node.name, node]))
    expect(nodes.get('provider-1')).to.include({ state: 'down', alive: false })
    expect(nodes.get('provider-2')).to.include({ state: 'up', alive: true, restarts: 1, peerId: second.peerId })
    const codes = await Promise.all([first.name, 'nobody'].map(async name => (await finish('cocoon', ['testnet', 'kill', name], { home })).code))
    expect(codes).to.deep.equal([3, 2])
  })

  it('answers what the command asks a running node', async () => {
    const flags = ['--admin-port', new URL(ready.admin).port, '--json']
    const [explained, vault, wallet] = await Promise.all(['explain', 'vault', 'wallet'].map(async word => finish('cocoon', [word, ...flags], { home })))
    expect([explained.code, vault.code, wallet.code]).to.deep.equal([0, 0, 0])
    expect(explained.last.requests.at(-1).taken).to.equal(ready.providers[2].peerId)
    const { ledger } = await (await fetch(`${ready.admin}/ledger`, { signal: AbortSignal.timeout(30_000) })).json() as { ledger: Array<{ kind: string, paidNano: string }> }
    expect(sumOf(ledger.filter(({ kind }) => kind === 'paid').map(({ paidNano }) => BigInt(paidNano)))).to.equal(finishedNano)
    expect(BigInt(vault.last.lockedNano) >= finishedNano).to.equal(true)
    expect(BigInt(wallet.last.walletNano) > 0n).to.equal(true)
  })

  it('starts the gateway and the chain again on their ports, with all that they knew', async () => {
    process.kill(ready.gatewayPid, 'SIGKILL')
    process.kill(ready.chainPid, 'SIGKILL')
    await Promise.all([program.line(/gateway is up again/), program.line(/chain is up again/)])
    await buy()
  })

  it('leaves no process, port or lock after an interrupt of the whole group', async () => {
    program.signalGroup('SIGINT')
    expect((await program.exited).code).to.equal(0)
    expect(program.err().trimEnd().endsWith('everything has stopped')).to.equal(true)
    expect(await leftOver(home)).to.deep.equal([])
    expect([await listens(ready.gateway), await listens(ready.chain)]).to.deep.equal([false, false])
    expect(await readdir(join(home, 'testnet'))).to.deep.equal(['network'])
    const { code, last } = await finish('cocoon', ['testnet', 'status', '--json'], { home })
    expect([code, last]).to.deep.equal([1, { running: false }])
    expect((await finish('cocoon', ['testnet', 'kill', 'all'], { home })).code).to.equal(3)
    expect(sumOf((await promised(folder)).values())).to.equal(finishedNano)
  })

  it('starts again on the same home, where the lanes carry on', async () => {
    const before = await promised(folder)
    await start()
    await buy()
    // a job is under way when everything is killed
    const abandoned = await fetch(`${ready.gateway}/chat/completions`, {
      method: 'POST',
      signal: AbortSignal.timeout(30_000),
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: ready.model, stream: true, messages: [{ role: 'user', content: 'Tell me a story about an owl.' }] })
    })
    const reader = abandoned.body?.getReader()
    await reader?.read()
    await killEverything(home)
    await reader?.read().catch(() => { /* cut off, as it should be */ })
    await reader?.cancel().catch(() => {})
    expect([await listens(ready.gateway), await listens(ready.chain)]).to.deep.equal([false, false])
    const after = await promised(folder)
    for (const [lane, nano] of before) {
      expect((after.get(lane) ?? 0n) >= nano, lane).to.equal(true)
    }
    expect(sumOf(after.values()) >= finishedNano).to.equal(true)
  })

  it('starts again after everything was killed, and redeems every voucher that was acknowledged', async () => {
    const acknowledged = await promised(folder)
    // in this process, so that a provider can be told to settle
    const restore = await useBundle()
    const network = await startLocalNetwork({ folder, providers: 3, gatewayPort: 0, chainPort: 0, progress: () => {} })
    try {
      const [{ id: model }] = await network.ready(30_000)
      const { status, jobId, costNano } = await chat(`${network.gateway.url}/v1`, model)
      expect(status).to.equal(200)
      const { vault } = await network.gateway.child.ask<{ vault: string }>('job', { jobId })
      let redeemedNano = 0n
      for (const { child } of network.providers) {
        await child.ask('settle')
        const { earnedNano, unredeemedNano, debtNano } = await child.ask<Record<'earnedNano' | 'unredeemedNano' | 'debtNano', string>>('summary')
        expect([unredeemedNano, debtNano]).to.deep.equal(['0', '0'])
        redeemedNano += BigInt(earnedNano)
      }
      expect(redeemedNano).to.equal(sumOf(acknowledged.values()) + costNano)
      const payees = await Promise.all(network.providers.map(async ({ child }) => child.ask<{ wallet: string }>('wallet')))
      const paid = await Promise.all(payees.map(async ({ wallet }) => createLaneReader({ endpoint: network.chain.endpoint, vault, payee: wallet }).paidNano()))
      expect(sumOf(paid)).to.equal(redeemedNano)
    } finally {
      await network.stop()
      restore()
    }
  })
})
