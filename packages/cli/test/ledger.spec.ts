import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openKeyValue } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { createSandbox, jsonOf } from './fixtures/run-command.ts'
import type { Sandbox } from './fixtures/run-command.ts'

const VAULT = 'a1'.repeat(32)
const PAYEE = 'b2'.repeat(32)

function row (atMs: number, kind: string, nano: bigint): string {
  return JSON.stringify({ atMs, kind, laneKey: `${VAULT}:${PAYEE}:17`, clientNonce: kind === 'redeemed' ? '' : 'c3'.repeat(32), paidNano: { $n: nano.toString() } })
}

describe('settle ledger', () => {
  let sandbox: Sandbox
  beforeEach(async () => { sandbox = await createSandbox() })
  afterEach(async () => { await sandbox.remove() })

  const fill = async (side: string, rows: string[]): Promise<void> => {
    await mkdir(sandbox.home, { recursive: true })
    const kv = await openKeyValue(join(sandbox.home, side))
    await kv.open()
    await kv.batch(rows.map((value, at) => ({ type: 'put' as const, key: `ledger/${String(at).padStart(12, '0')}`, value })))
    await kv.close()
  }

  it('is empty in an empty home', async () => {
    expect(jsonOf(await sandbox.command(['settle', 'ledger', '--json']))).to.deep.equal({ rows: [], sums: { paid: '0', earned: '0', redeemed: '0' } })
    expect((await sandbox.command(['settle', 'ledger'])).out).to.include('0 rows')
  })

  it('joins the books of both sides by time, exactly', async () => {
    await fill('client', [row(1_000, 'paid', 1n), row(3_000, 'paid', 2n ** 63n)])
    await fill('provider', [row(2_000, 'earned', 30n), row(4_000, 'redeemed', 20n)])
    const { rows, sums } = jsonOf(await sandbox.command(['settle', 'ledger', '--json']))
    expect(rows.map((one: { kind: string }) => one.kind)).to.deep.equal(['paid', 'earned', 'paid', 'redeemed'])
    expect(sums).to.deep.equal({ paid: (2n ** 63n + 1n).toString(), earned: '30', redeemed: '20' })
    const text = await sandbox.command(['settle', 'ledger'])
    expect(text.out).to.include('4 rows').and.include('9223372036.854775809 TON')
  })

  it('writes CSV to a file or to standard output', async () => {
    await fill('client', [row(1_000, 'paid', 1_500_000_000n)])
    const csv = `time,kind,vault,payee,lane_epoch,job,amount_nano,amount_ton\r\n1970-01-01T00:00:01.000Z,paid,0:${VAULT},0:${PAYEE},17,${'c3'.repeat(32)},1500000000,1.5\r\n`
    expect((await sandbox.command(['settle', 'ledger', '--csv', '-'])).out).to.equal(csv)
    const file = join(sandbox.home, 'books.csv')
    expect(jsonOf(await sandbox.command(['settle', 'ledger', '--csv', file, '--json']))).to.deep.include({ file, rows: 1 })
    expect(await readFile(file, 'utf8')).to.equal(csv)
    expect((await sandbox.command(['settle', 'ledger', '--csv', join(sandbox.home, 'no', 'books.csv')])).err).to.match(/^file_unusable: /)
  })

  it('asks the running node when the databases are in its hands', async () => {
    await fill('client', [])
    const kv = await openKeyValue(join(sandbox.home, 'client'))
    await kv.open()
    try {
      const urls: string[] = []
      const outcome = await sandbox.command(['settle', 'ledger', '--json'], {
        fetch: async input => {
          urls.push(String(input))
          return Response.json({ ledger: [{ atMs: 1, kind: 'paid', laneKey: `${VAULT}:${PAYEE}:17`, clientNonce: '', paidNano: '5' }] })
        }
      })
      expect(jsonOf(outcome).sums.paid).to.equal('5')
      expect(urls).to.deep.equal(['http://127.0.0.1:10002/ledger'])
      expect((await sandbox.command(['settle', 'ledger'])).code).to.equal(3)
    } finally {
      await kv.close()
    }
  })
})
