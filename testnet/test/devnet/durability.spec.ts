import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { TonClient } from '@ton/ton'
import { expect } from 'aegir/chai'
import { startDevnet } from '../../src/devnet/index.ts'
import { TON, createWorld, post, rpc, transferBoc, walletV4 } from './world.ts'
import type { ChildProcess } from 'node:child_process'

const ENTRY = fileURLToPath(new URL('../../src/bin/devnet.ts', import.meta.url))

interface Ready { readonly endpoint: string, readonly url: string, readonly genesis: string, readonly globalId: number, readonly pid: number }

function run (args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ['--conditions=source', ENTRY, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function ready (child: ChildProcess): Promise<Ready> {
  if (child.stdout == null) {
    throw new Error('no stdout')
  }
  const lines = createInterface({ input: child.stdout })
  const [line] = await once(lines, 'line')
  return JSON.parse(line)
}

async function exited (child: ChildProcess): Promise<number | null> {
  const [code] = child.exitCode == null && child.signalCode == null ? await once(child, 'exit') : [child.exitCode]
  return code
}

describe('devnet durability', function () {
  this.timeout(30_000)
  let home: string
  const children: ChildProcess[] = []

  beforeEach(async () => { home = await mkdtemp(join(tmpdir(), 'devnet-')) })

  afterEach(async () => {
    for (const child of children.splice(0)) {
      child.kill('SIGKILL')
      await exited(child)
    }
    await rm(home, { recursive: true, force: true })
  })

  it('keeps what it acknowledged through a kill, and says clearly when port or folder are taken', async () => {
    const first = run(['--home', home, '--port', '0'])
    children.push(first)
    const { endpoint, url, genesis, globalId, pid } = await ready(first)
    expect(pid).to.equal(first.pid)
    expect(globalId).to.not.be.oneOf([-239, -3])
    const wallet = walletV4(1)
    await post(`${url}/devnet/faucet`, { address: wallet.address.toString(), amountNano: (2n * TON).toString() })
    const sent = await rpc(endpoint, 'sendBoc', { boc: transferBoc({ seed: 1, seqno: 0, to: walletV4(2), value: TON }) })
    first.kill('SIGKILL')
    expect(sent.body.ok).to.equal(true)
    await exited(first)

    const second = run(['--home', home, '--port', '0'])
    children.push(second)
    const again = await ready(second)
    expect(again.genesis).to.equal(genesis)
    const client = new TonClient({ endpoint: again.endpoint })
    expect(await client.getBalance(walletV4(2).address)).to.equal(TON)
    expect((await client.open(wallet).getSeqno())).to.equal(1)
    expect(await client.getTransactions(wallet.address, { limit: 5 })).to.have.length(2)

    const port = new URL(again.url).port
    for (const [args, code] of [[['--home', join(home, 'other'), '--port', port], 'port_taken'], [['--home', home, '--port', '0'], 'home_locked']] as const) {
      const third = run([...args])
      children.push(third)
      const errors: Buffer[] = []
      third.stderr?.on('data', (part: Buffer) => { errors.push(part) })
      expect(await exited(third)).to.equal(2)
      expect(JSON.parse(Buffer.concat(errors).toString())).to.include({ error: code })
    }
    second.kill('SIGTERM')
    expect(await exited(second)).to.equal(0)
  })

  it('makes the same blocks from the same inputs', async () => {
    const genesis = new Uint8Array(32).fill(9)
    const roots: string[] = []
    for (const part of ['a', 'b']) {
      const devnet = await startDevnet({ home: join(home, part), genesis, now: () => 1_800_000_000_000 })
      await devnet.faucet(walletV4(3).address.toString(), TON)
      if (part === 'b') {
        // A refused message leaves no trace.
        expect((await rpc(devnet.endpoint, 'sendBoc', { boc: transferBoc({ seed: 3, seqno: 7, to: walletV4(3), value: 1n }) })).status).to.equal(500)
      }
      await devnet.faucet(walletV4(4).address.toString(), TON)
      roots.push(JSON.stringify(devnet.snapshot()))
      await devnet.stop()
    }
    expect(roots[0]).to.equal(roots[1])
  })

  it('refuses another genesis than its own and stops on an abort', async () => {
    const controller = new AbortController()
    const genesis = new Uint8Array(32).fill(1)
    const devnet = await startDevnet({ home, genesis, signal: controller.signal })
    controller.abort()
    await devnet.stop()
    await expect(startDevnet({ home, genesis: new Uint8Array(32).fill(2) })).to.eventually.be.rejected.with.property('code', 'file_unusable')
    await expect(fetch(`${devnet.url}/devnet/info`)).to.eventually.be.rejected()
  })

  it('goes on where it was after a restart', async () => {
    const world = await createWorld()
    await world.devnet.faucet(walletV4(5).address.toString(), TON)
    const before = world.devnet.snapshot()
    await world.restart()
    expect(world.devnet.snapshot()).to.deep.equal(before)
    await world.devnet.faucet(walletV4(5).address.toString(), TON)
    expect(BigInt(world.devnet.snapshot().lt) > BigInt(before.lt)).to.equal(true)
    expect(await world.client.getTransactions(walletV4(5).address, { limit: 5 })).to.have.length(2)
    await world.close()
  })
})
