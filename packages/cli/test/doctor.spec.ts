import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { chainAnswer } from './fixtures/chain-answer.ts'
import { createSandbox, jsonOf } from './fixtures/run-command.ts'
import type { Sandbox } from './fixtures/run-command.ts'
import type { CliContext } from '../src/context.ts'
import type { AddressInfo, Server } from 'node:net'

interface Shown { readonly name: string, readonly ok: boolean, readonly message: string, readonly remedy?: string }

const NOW = Date.parse('2026-03-01T00:00:00Z')
const CHAIN = 'http://127.0.0.1:1/jsonRPC'
const GENESIS = 'ab'.repeat(32)
const PORTS = ['--gateway-port', '0', '--admin-port', '0']

describe('doctor', () => {
  let sandbox: Sandbox
  let server: Server | undefined
  beforeEach(async () => { sandbox = await createSandbox() })
  afterEach(async () => {
    await sandbox.remove()
    server?.close()
    server = undefined
  })

  const look = async (argv: string[], overrides: Partial<CliContext> = {}): Promise<{ code: number, checks: Map<string, Shown> }> => {
    const outcome = await sandbox.command(['doctor', '--json', ...argv], { nowMs: () => NOW, ...overrides })
    const checks = jsonOf(outcome).checks as Shown[]
    for (const { ok, remedy } of checks) {
      expect(remedy === undefined).to.equal(ok)
    }
    return { code: outcome.code, checks: new Map(checks.map(check => [check.name, check])) }
  }
  const chainAt = (date: string | undefined): typeof fetch => async (input, init) =>
    Response.json(chainAnswer(input, init, GENESIS), { headers: date === undefined ? {} : { date } })

  it('measures the clock against the chain\'s', async () => {
    await sandbox.command(['init', '--devnet-genesis', GENESIS])
    for (const [date, ok, message] of [
      ['Sun, 01 Mar 2026 00:00:01 GMT', true, /as the chain/],
      ['Sun, 01 Mar 2026 00:00:30 GMT', true, /30 s behind/],
      ['Sun, 01 Mar 2026 00:00:31 GMT', false, /31 s behind/],
      ['Sat, 28 Feb 2026 23:50:00 GMT', false, /600 s ahead/]
    ] as const) {
      const { code, checks } = await look([...PORTS, '--chain-url', CHAIN], { fetch: chainAt(date) })
      expect([code, checks.get('clock')?.ok]).to.deep.equal([ok ? 0 : 1, ok])
      expect(checks.get('clock')?.message).to.match(message)
    }
    expect((await look([...PORTS, '--chain-url', CHAIN], { fetch: chainAt(undefined) })).checks.has('clock')).to.equal(false)
  })

  it('tries the peers to join by', async () => {
    server = createServer()
    await new Promise<void>(resolve => { server?.listen(0, '127.0.0.1', resolve) })
    const { port } = server.address() as AddressInfo
    const good = `/ip4/127.0.0.1/tcp/${port}/p2p/12D3KooW`
    const first = await look([...PORTS, '--bootstrap', good, '--bootstrap', '/ip4/127.0.0.1/udp/1/quic-v1'])
    expect(first.checks.get(`bootstrap ${good}`)).to.include({ ok: true, message: 'takes connections' })
    expect(first.checks.get('bootstrap /ip4/127.0.0.1/udp/1/quic-v1')?.ok).to.equal(false)
    server.close()
    expect((await look([...PORTS, '--bootstrap', good])).checks.get(`bootstrap ${good}`)?.ok).to.equal(false)
  })

  it('finds keys that others may read', async () => {
    await sandbox.command(['init'])
    expect((await look(PORTS)).checks.get('keys')?.message).to.match(/^none yet/)
    await mkdir(join(sandbox.home, 'keys'))
    const file = join(sandbox.home, 'keys', 'wallet.key')
    await writeFile(file, 'x', { mode: 0o600 })
    expect((await look(PORTS)).checks.get('keys')?.ok).to.equal(true)
    await chmod(file, 0o644)
    const { code, checks } = await look(PORTS)
    expect([code, checks.get('keys')?.remedy?.includes(file)]).to.deep.equal([1, true])
  })

  it('says when the chain is another network\'s, and when the configuration names none', async () => {
    await sandbox.command(['init', '--chain-url', CHAIN])
    const nameless = await look(PORTS, { fetch: chainAt(undefined) })
    expect(nameless.checks.get('network')?.message).to.include('devnetGenesis is not set')
    for (const argv of [['--devnet-genesis', 'cd'.repeat(32)], ['--network', 'testnet']]) {
      const other = await look([...PORTS, ...argv], { fetch: chainAt(undefined) })
      expect([other.code, other.checks.get('network')?.ok]).to.deep.equal([1, false])
      expect(other.checks.get('network')?.message).to.match(/serves the (?:devnet abab|chain -1217)/)
    }
    const same = await look([...PORTS, '--devnet-genesis', GENESIS], { fetch: chainAt(undefined) })
    expect([same.code, same.checks.get('network')?.message]).to.deep.equal([0, 'devnet'])
  })

  it('says what a chain that is not set needs', async () => {
    expect((await look(PORTS)).checks.get('chain')?.remedy).to.include('cocoon testnet up')
  })

  it('looks at the node that runs, and at whom it has found', async () => {
    await sandbox.command(['init', '--devnet-genesis', GENESIS])
    const node = (models: Response): typeof fetch => async (input, init) => {
      if (String(input).endsWith('/v1/models')) {
        return models
      }
      return Response.json(String(input).endsWith('/status') ? { network: 'devnet', ready: true } : chainAnswer(input, init, GENESIS))
    }
    const provider = { peer_id: 'p', tier: 'open', tier_note: 'Not private.', private: false, prices_nano_per_million: { prompt: 1, cached: 1, completion: 1, reasoning: 1 }, room: { total: 1, free: 1 }, context_length: 1, endpoints: ['chat'], stake_nano: 0 }
    const well = await look(['--chain-url', CHAIN], { fetch: node(Response.json({ data: [{ id: 'm', cocoon: { providers: [provider] } }] })) })
    expect(well.code).to.equal(0)
    expect(well.checks.get('providers')?.message).to.equal('1 for 1 model; tier open (Not private.)')
    const alone = await look(['--chain-url', CHAIN], { fetch: node(Response.json({ error: { code: 'no_provider', message: 'None.' } }, { status: 503 })) })
    expect(alone.code).to.equal(1)
    expect(alone.checks.get('providers')?.ok).to.equal(false)
    const other = await look(['--chain-url', CHAIN], { fetch: node(Response.json({ data: [] })), env: { COCOON_NETWORK: 'testnet' } })
    expect(other.checks.get('running')?.remedy).to.include('testnet')
  })
})
