import { spawn } from 'node:child_process'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ERRORS } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { GROUPS } from '../src/command-table.ts'
import { exitCodeOf } from '../src/exit-codes.ts'
import { printable, tonText } from '../src/output.ts'
import { chainAnswer } from './fixtures/chain-answer.ts'
import { createSandbox, jsonOf } from './fixtures/run-command.ts'
import type { Sandbox } from './fixtures/run-command.ts'
import type { ErrorCode } from '@cocoon-net/protocol'

const COMMANDS = ['init', 'provider', 'gateway', 'chat', 'offers', 'vault', 'wallet', 'settle', 'stake', 'verify', 'explain', 'doctor']

describe('program', () => {
  let sandbox: Sandbox
  beforeEach(async () => { sandbox = await createSandbox() })
  afterEach(async () => { await sandbox.remove() })

  it('has help for every command, with --json and an example in it', async () => {
    const inGroups = GROUPS.flatMap(group => group.commands.map(command => [group.name, command.name]))
    expect(inGroups.length).to.be.greaterThan(20)
    for (const argv of [...COMMANDS.map(name => [name]), ...inGroups]) {
      const { code, out, err } = await sandbox.command([...argv, '--help'])
      expect([code, err], argv.join(' ')).to.deep.equal([0, ''])
      expect(out).to.match(new RegExp(`^Usage: cocoon ${argv[0]}(\\|\\w+)?${argv[1] === undefined ? '' : ` ${argv[1]}`}`)).and.include('--json').and.match(/Examples?:\n {2}\$ .*cocoon /)
    }
    expect((await sandbox.command([])).out).to.include('Commands:')
  })

  it('prints its version', async () => {
    expect(await sandbox.command(['--version'])).to.deep.equal({ code: 0, out: '9.9.9\n', err: '' })
  })

  it('answers unusable input with 2, one line and no stack', async () => {
    for (const argv of [['nonsense'], ['chat', '--nonsense'], ['gateway', '--gateway-port', '99999'], ['offers', 'a', 'b'], ['vault', 'deposit', '1', '2'], ['stake', 'status', 'now'], ['verify'], ['testnet'], ['chat'], ['offers', '--gateway-port']]) {
      const { code, out, err } = await sandbox.command(argv)
      expect([code, out], argv.join(' ')).to.deep.equal([2, ''])
      expect(err).to.match(/^(usage|config_invalid): [^\n]+\n$/)
    }
  })

  it('prints errors as JSON when asked', async () => {
    const outcome = await sandbox.command(['stake', '--json'])
    expect(outcome.code).to.equal(2)
    expect(jsonOf(outcome).error.code).to.equal('config_invalid')
  })

  it('says 3 when nothing runs', async () => {
    for (const argv of [['offers'], ['chat', 'hi'], ['wallet'], ['vault'], ['explain']]) {
      const { code, err } = await sandbox.command(argv)
      expect(code, argv.join(' ')).to.equal(3)
      expect(err).to.match(/^not_running: /)
    }
    expect((await sandbox.command(['settle'])).code).to.equal(3)
  })

  it('takes --home and --json on either side of the second word', async () => {
    for (const argv of [['vault', '--json', 'lanes'], ['vault', 'lanes', '--json']]) {
      expect(jsonOf(await sandbox.command(argv)).error.code, argv.join(' ')).to.equal('not_running')
    }
    const other = join(sandbox.home, 'other')
    for (const argv of [['wallet', '--home', other, 'create'], ['wallet', 'create', '--home', other]]) {
      const { err } = await sandbox.command(argv, { env: { COCOON_DEVNET_GENESIS: 'aa'.repeat(32) } })
      expect(err).to.match(argv[1] === 'create' ? new RegExp(`^key_exists: ${other}`) : /^$/)
    }
  })

  it('says 130 when interrupted', async () => {
    const controller = new AbortController()
    const { code } = await sandbox.command(['offers'], {
      signal: controller.signal,
      fetch: async () => {
        controller.abort('SIGINT')
        throw new DOMException('aborted', 'AbortError')
      }
    })
    expect(code).to.equal(130)
  })

  it('has an exit code for every error code', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      expect(exitCodeOf(code)).to.be.oneOf([1, 2, 3])
    }
  })

  it('makes a home whose secrets only the owner can read, and keeps it when run again', async () => {
    const first = await sandbox.command(['init', '--json', '--gateway-port', '12345'])
    expect(first.code).to.equal(0)
    expect(jsonOf(first)).to.deep.include({ created: true, network: 'devnet' })
    expect((await stat(sandbox.home)).mode & 0o777).to.equal(0o700)
    for (const name of ['config.json', 'admin-token']) {
      expect((await stat(join(sandbox.home, name))).mode & 0o777, name).to.equal(0o600)
    }
    const again = await sandbox.command(['init', '--json', '--prefer', 'price'])
    expect(jsonOf(again).created).to.equal(false)
    expect((await sandbox.command(['init', '--prefer', 'prise'])).code).to.equal(2)
  })

  it('takes the home and --json before a command\'s words, between them and after', async () => {
    const { receiptKey } = jsonOf(await sandbox.command(['stake', 'receipt-key', '--json']))
    const other = join(sandbox.home, 'other')
    const seen = new Set<string>()
    for (const argv of [['--home', other, '--json', 'stake', 'receipt-key'], ['stake', '--home', other, '--json', 'receipt-key'], ['stake', 'receipt-key', '--home', other, '--json'], ['--home', sandbox.home, 'stake', 'receipt-key', '--json', '--home', other]]) {
      const outcome = await sandbox.command(argv)
      expect(outcome.code, argv.join(' ')).to.equal(0)
      seen.add(jsonOf(outcome).receiptKey)
    }
    expect([seen.size, seen.has(receiptKey)]).to.deep.equal([1, false])
    expect((await sandbox.command(['--json'])).code).to.equal(2)
  })

  it('says that the disk is full, or may not be written, and not that it has a fault', async () => {
    for (const [code, words] of [['ENOSPC', 'the disk is full'], ['EROFS', 'read-only'], ['EACCES', 'permission is missing']]) {
      const fails = (): never => { throw Object.assign(new Error(`${code}: write`), { code, syscall: 'write' }) }
      const { err, code: exitCode } = await sandbox.command(['wallet', 'import'], { input: { [Symbol.asyncIterator]: fails }, env: { COCOON_DEVNET_GENESIS: 'ab'.repeat(32) } })
      expect([exitCode, err.startsWith('file_unusable: The home cannot be used: ') && err.includes(words)]).to.deep.equal([2, true])
    }
  })

  it('diagnoses what is wrong and what to do', async () => {
    const before = await sandbox.command(['doctor', '--json', '--gateway-port', '0', '--admin-port', '0'])
    expect(before.code).to.equal(1)
    expect(jsonOf(before).checks.find((check: { name: string }) => check.name === 'home').remedy).to.include('cocoon init')
    const genesis = 'ab'.repeat(32)
    await sandbox.command(['init', '--devnet-genesis', genesis])
    const healthy = await sandbox.command(['doctor', '--json', '--gateway-port', '0', '--admin-port', '0', '--chain-url', 'http://127.0.0.1:1/jsonRPC'], {
      fetch: async (input, init) => Response.json(chainAnswer(input, init, genesis))
    })
    expect([healthy.code, jsonOf(healthy).ok]).to.deep.equal([0, true])
    const sick = await sandbox.command(['doctor', '--json', '--gateway-port', '0', '--admin-port', '0', '--chain-url', 'http://127.0.0.1:1/'], { env: { COCOON_GATEWY_PORT: '1' } })
    expect(sick.code).to.equal(1)
    expect(jsonOf(sick).checks.filter((check: { ok: boolean }) => !check.ok).map((check: { name: string }) => check.name)).to.deep.equal(['variables', 'chain http://127.0.0.1:1/'])
    await writeFile(join(sandbox.home, 'config.json'), '{"x": 1}')
    expect((await sandbox.command(['doctor', '--json'])).code).to.equal(1)
  })

  it('starts from its launcher', async () => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('../bin/cocoon.mjs', import.meta.url)), 'stake', '--json'], { env: { ...process.env, COCOON_HOME: sandbox.home } })
    let out = ''
    child.stdout.on('data', (data: Buffer) => { out += data.toString() })
    const code = await new Promise(resolve => { child.once('exit', resolve) })
    expect(code).to.equal(2)
    expect(JSON.parse(out).error.code).to.equal('config_invalid')
  }).timeout(20_000)
})

describe('output', () => {
  it('writes nanoTON as exact TON', () => {
    expect([0n, 1n, 1_500_000_000n, -2_000_000_001n, 2n ** 64n].map(tonText)).to.deep.equal(['0', '0.000000001', '1.5', '-2.000000001', '18446744073.709551616'])
  })

  it('keeps what strangers wrote from steering the terminal', () => {
    expect(printable('a\u001b[31mb\rc\nd\te\u009b')).to.equal('a[31mbc\nd\te')
  })
})
