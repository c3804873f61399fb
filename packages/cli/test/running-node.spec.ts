import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { createSandbox, jsonOf } from './fixtures/run-command.ts'
import type { Sandbox } from './fixtures/run-command.ts'

const VAULT = {
  network: 'devnet',
  vault: `0:${'ab'.repeat(32)}`,
  address: '0QVault',
  owner: `0:${'cd'.repeat(32)}`,
  ownerAddress: '0QOwner',
  deployed: true,
  balanceNano: '18446744073709551615',
  lockedNano: '100000000',
  feeAccruedNano: '0',
  reserveNano: '102000000',
  freeNano: '1',
  feeBps: 100,
  unlockSeconds: 600,
  lanes: [{ payee: '0:payee', capNano: '100000000', paidNano: '1', leftNano: '99999999', epoch: '17', keyIdx: 0, unlocksAt: null, gasLeftNano: '0' }]
}
const WALLET = { network: 'devnet', wallet: VAULT.owner, address: '0QOwner', walletNano: '1500000000' }

describe('a home without a wallet asks the node that runs', () => {
  let sandbox: Sandbox
  beforeEach(async () => { sandbox = await createSandbox() })
  afterEach(async () => { await sandbox.remove() })

  const answering = (answers: Record<string, unknown>): typeof fetch => async input => Response.json(answers[new URL(String(input)).pathname])
  const node = answering({ '/vault': VAULT, '/wallet': WALLET, '/ledger': { ledger: [{ atMs: 0, kind: 'paid', laneKey: 'aa:bb:17', clientNonce: '', paidNano: '-5' }] } })

  it('for its vault, exactly', async () => {
    expect(jsonOf(await sandbox.command(['vault', '--json'], { fetch: node }))).to.deep.equal(VAULT)
    const { out } = await sandbox.command(['vault'], { fetch: node })
    expect(out).to.include('0QVault (devnet)').and.include('18446744073.709551615 TON (18446744073709551615 nanoTON)').and.match(/0:payee +0\.1 +0\.000000001 +0\.099999999 +no/)
    expect((await sandbox.command(['vault', 'lanes'], { fetch: node })).out).to.include('0:payee')
  })

  it('for its wallet and its books', async () => {
    expect((await sandbox.command(['wallet'], { fetch: node })).out).to.equal('0QOwner (devnet)\n1.5 TON (1500000000 nanoTON)\n')
    expect(jsonOf(await sandbox.command(['settle', 'ledger', '--json'], { fetch: node })).sums.paid).to.equal('-5')
  })

  it('for models, at the port of the local network that runs, and not of one that ran', async () => {
    const asked: string[] = []
    const listening: typeof fetch = async input => {
      asked.push(new URL(String(input)).port)
      return Response.json({ data: [] })
    }
    await mkdir(join(sandbox.home, 'testnet'), { recursive: true })
    const control = async (pid: number): Promise<void> => writeFile(join(sandbox.home, 'testnet', 'control.json'), JSON.stringify({ supervisor: { pid }, gateways: ['http://127.0.0.1:20000'] }))
    await control(process.pid)
    await sandbox.command(['offers'], { fetch: listening })
    await sandbox.command(['offers', '--gateway-port', '3'], { fetch: listening })
    // above the largest process id of any system
    await control(2 ** 30)
    await sandbox.command(['offers'], { fetch: listening })
    expect(asked).to.deep.equal(['20000', '3', '10000'])
  })

  it('and is told by settle that a buyer has nothing to redeem', async () => {
    await sandbox.command(['init'])
    const buyer: typeof fetch = async () => Response.json({ error: { code: 'not_found', message: 'There is nothing at this address.' } }, { status: 404 })
    const { code, err } = await sandbox.command(['settle'], { fetch: buyer })
    expect([code, err.startsWith('nothing_due: The node that runs has nothing to redeem')]).to.deep.equal([1, true])
  })

  it('and says when what answers is something else', async () => {
    const other = answering({ '/vault': { vault: 1 }, '/wallet': { walletNano: 1 }, '/ledger': { rows: [] } })
    for (const argv of [['vault'], ['wallet'], ['vault', 'lanes']]) {
      const { code, err } = await sandbox.command(argv, { fetch: other })
      expect([code, err.split(':')[0]], argv.join(' ')).to.deep.equal([3, 'not_running'])
    }
  })
})
