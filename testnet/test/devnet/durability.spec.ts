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
import { TON, createWorld, post, rpc, transferBoc, until, walletV4 } from './world.ts'
import type { ChildProcess } from 'node:child_process'

const ENTRY = fileURLToPath(new URL('../../src/bin/devnet.ts', import.meta.url))

/** How messages are executed, and the block interval in milliseconds. */
const WAYS = [['at once', 0], ['in blocks', 20]] as const

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

/** Sends the transfers of one wallet, the next as soon as the one before took effect, until the chain is gone; how many were acknowledged. */
async function sendUntilGone (endpoint: string, seed: number, onSent: () => void): Promise<number> {
  const wallet = new TonClient({ endpoint }).open(walletV4(seed))
  const send = async (seqno: number): Promise<boolean> => {
    try {
      await until(async () => await wallet.getSeqno() === seqno)
      const { body } = await rpc(endpoint, 'sendBoc', { boc: transferBoc({ seed, seqno, to: walletV4(seed + 10), value: 1n }) })
      return body.ok
    } catch {
      return false
    }
  }
  let seqno = 0
  while (await send(seqno)) {
    seqno++
    onSent()
  }
  return seqno
}

describe('devnet durability', function () {
  this.timeout(60_000)
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

  WAYS.forEach(([how, blockIntervalMs]) => {
    it(`loses nothing that it acknowledged when it is killed under load, executing ${how}`, async () => {
      const wallets = [11, 12, 13, 14]
      const child = run(['--home', home, '--port', '0', '--block-interval', String(blockIntervalMs)])
      children.push(child)
      const { endpoint, url } = await ready(child)
      for (const seed of wallets) {
        await post(`${url}/devnet/faucet`, { address: walletV4(seed).address.toString(), amountNano: (9n * TON).toString() })
      }
      let left = 12
      const onSent = (): void => {
        if (--left === 0) {
          child.kill('SIGKILL')
        }
      }
      const acknowledged = await Promise.all(wallets.map(async seed => sendUntilGone(endpoint, seed, onSent)))
      expect(left).to.be.at.most(0)
      await exited(child)
      // What was under way may have been kept without being acknowledged, never the other way round.
      const devnet = await startDevnet({ home, blockIntervalMs })
      const client = new TonClient({ endpoint: devnet.endpoint })
      for (const [i, seed] of wallets.entries()) {
        const wallet = client.open(walletV4(seed))
        await until(async () => await wallet.getSeqno() >= acknowledged[i])
        const received = await client.getTransactions(walletV4(seed + 10).address, { limit: 100 })
        const seqno = await wallet.getSeqno()
        expect(seqno - acknowledged[i]).to.be.oneOf([0, 1])
        expect(received.length).to.be.within(acknowledged[i], seqno)
      }
      await devnet.stop()
    })
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
