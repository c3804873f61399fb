import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { startDevnet } from '../../src/devnet/index.ts'
import { createLaneReader } from '../../src/network/lane-reader.ts'
import { finish, killEverything, leftOver, listens, run } from './program.ts'

const NANO = /^[1-9]\d*$/

/** `npm start -- --once`, from outside: its output, its exit code and what is left of it. */
describe('npm start -- --once', function () {
  this.timeout(120_000)
  let home: string

  beforeEach(async () => { home = await mkdtemp(join(tmpdir(), 'cocoon-once-')) })
  afterEach(async () => {
    await killEverything(home)
    await rm(home, { recursive: true, force: true })
  })

  it('answers, pays and settles, and another client reads the same from the chain', async () => {
    const { code, out, last } = await finish('start', ['--once', 'Tell me a story about a fox.', '--json', '--keep'], { home, npm: true })
    expect(code).to.equal(0)
    expect(last).to.have.all.keys('answer', 'model', 'provider', 'tier', 'tokens', 'prices', 'chargeNano', 'paidNano', 'redeemedNano', 'receipt', 'vault', 'payee', 'endpoint', 'attempts', 'ttftMs', 'tokensPerSecond')
    expect(last.answer).to.be.a('string').that.includes('fox')
    // the answer was printed as it came, before the object
    expect(out.startsWith(last.answer)).to.equal(true)
    expect(last.model).to.match(/^[\w.-]+@[0-9a-f]{64}$/)
    expect(last.provider).to.match(/^12D3Koo\w+$/)
    expect(last.tier).to.equal('simulated')
    expect(last.tokens).to.have.all.keys('prompt', 'cached', 'completion', 'reasoning')
    expect(last.prices).to.have.all.keys('prompt', 'cached', 'completion', 'reasoning')
    let sum = 0n
    for (const name of ['prompt', 'cached', 'completion', 'reasoning']) {
      expect(last.tokens[name]).to.be.a('number').that.is.at.least(0)
      expect(last.prices[name]).to.be.a('string').that.matches(NANO)
      sum += BigInt(last.tokens[name]) * BigInt(last.prices[name])
    }
    expect(last.chargeNano).to.be.a('string').that.matches(NANO)
    expect(BigInt(last.chargeNano)).to.equal((sum + 999_999n) / 1_000_000n)
    expect(last.paidNano).to.equal(last.chargeNano)
    expect(last.redeemedNano).to.equal(last.chargeNano)
    expect(last.receipt).to.have.all.keys('jobId', 'seq', 'hash', 'signature')
    expect(last.receipt.jobId).to.match(/^[0-9a-f]{64}$/)
    expect(last.receipt.hash).to.match(/^[0-9a-f]{64}$/)
    expect(last.receipt.signature).to.match(/^[0-9a-f]{128}$/)
    expect(last.receipt.seq).to.be.a('number')
    expect(last.attempts.at(-1)).to.deep.equal({ provider: last.provider, outcome: 'done' })
    expect(last.ttftMs).to.be.a('number').that.is.above(0)
    expect(last.tokensPerSecond).to.be.a('number').that.is.above(0)
    expect(await leftOver(home)).to.deep.equal([])
    expect(await listens(last.endpoint)).to.equal(false)

    const [kept, ...others] = await readdir(join(home, 'testnet'))
    expect([kept.startsWith('kept-'), others]).to.deep.equal([true, []])
    const devnet = await startDevnet({ home: join(home, 'testnet', kept, 'chain') })
    try {
      const reader = createLaneReader({ endpoint: devnet.endpoint, vault: last.vault, payee: last.payee })
      expect(String(await reader.paidNano())).to.equal(last.redeemedNano)
    } finally {
      await devnet.stop()
    }
  })

  it('leaves nothing when it is interrupted in the middle of the start', async () => {
    const program = run('start', ['--once', 'hello'], { home })
    await program.line(/processes started/)
    program.signalGroup('SIGINT')
    expect((await program.exited).code).to.equal(130)
    expect(program.err()).to.include('everything has stopped')
    expect(await leftOver(home)).to.deep.equal([])
    expect(await readdir(join(home, 'testnet'))).to.deep.equal([])
  })

  it('takes its processes with it when it is killed, and the next run tidies up', async () => {
    const program = run('start', ['--once', 'hello'], { home })
    await program.line(/processes started/)
    program.signalGroup('SIGKILL')
    expect(await leftOver(home)).to.deep.equal([])
    const [abandoned] = await readdir(join(home, 'testnet'))
    expect(abandoned).to.match(/^once-/)

    const next = run('start', ['--once', 'hello'], { home })
    await next.line(/processes started/)
    expect(await readdir(join(home, 'testnet'))).to.not.include(abandoned)
    next.signalGroup('SIGTERM')
    expect((await next.exited).code).to.equal(130)
    expect(await leftOver(home)).to.deep.equal([])
  })

  it('answers wrong arguments with 2', async () => {
    for (const args of [['--nonsense'], ['--providers', '2'], ['--port', 'x'], ['--seed', ''], ['kill'], ['kill', 'provider-1', 'provider-2']]) {
      const { code, out, err } = await finish('start', args, { home })
      expect([code, out], args.join(' ')).to.deep.equal([2, ''])
      expect(err).to.match(/error: /).and.not.match(/\n {4}at /)
    }
  })
})
