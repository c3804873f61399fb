import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildQuoteCell, buildReceiptCell, cellToBytes, chargeNano, quoteHash, receiptHash, toHex } from '@cocoon-net/protocol'
import { ed25519Signer } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { createSandbox, jsonOf } from './fixtures/run-command.ts'
import type { Outcome, Sandbox } from './fixtures/run-command.ts'
import type { Quote, Receipt } from '@cocoon-net/protocol'

const filled = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const PRICES = { prompt: 50_000_000n, cached: 5_000_000n, completion: 200_000_000n, reasoning: 300_000_000n }
const TOKENS = { prompt: 7, cached: 0, completion: 3, reasoning: 0 }
const QUOTE: Quote = { networkId: filled(1), stake: filled(2), model: filled(3), prices: PRICES, maxTokens: 100, windowNano: 1n, hedgeFeeNano: 0n, slaClass: 0, orderHash: filled(0), validUntilMs: 1n, feeBps: 100 }
const RECEIPT: Receipt = {
  networkId: filled(1),
  stake: filled(2),
  vault: filled(4),
  payee: filled(5),
  laneEpoch: 6n,
  jobId: filled(7),
  seq: 1,
  bindingHash: filled(8),
  tier: 'simulated',
  tokens: TOKENS,
  chargeNano: chargeNano(TOKENS, PRICES),
  quoteHash: quoteHash(QUOTE),
  mcSeqno: 1,
  reqCommit: filled(9),
  ansCommit: filled(10),
  auditRoot: filled(0)
}
const SIGNER = ed25519Signer(filled(11))

describe('verify', () => {
  let sandbox: Sandbox
  beforeEach(async () => { sandbox = await createSandbox() })
  afterEach(async () => { await sandbox.remove() })

  async function verify (receipt: Receipt, extra: Record<string, string> = {}): Promise<Outcome> {
    await mkdir(sandbox.home, { recursive: true })
    const path = join(sandbox.home, 'receipt.json')
    await writeFile(path, JSON.stringify({
      receipt: toHex(cellToBytes(buildReceiptCell(receipt))),
      signature: toHex(SIGNER.sign(receiptHash(receipt))),
      receiptKey: toHex(SIGNER.publicKey),
      ...extra
    }))
    return sandbox.command(['verify', path, '--json'])
  }

  const quote = toHex(cellToBytes(buildQuoteCell(QUOTE)))

  it('accepts a receipt that holds, and says what it did not check', async () => {
    const plain = await verify(RECEIPT)
    expect([plain.code, jsonOf(plain).valid]).to.deep.equal([0, true])
    expect(jsonOf(plain).arithmetic).to.include('unchecked')
    expect(jsonOf(await verify(RECEIPT, { quote, quoteSignature: toHex(SIGNER.sign(quoteHash(QUOTE))) })).arithmetic).to.equal('checked')
  })

  it('refuses a signature of another key', async () => {
    const outcome = await verify(RECEIPT, { receiptKey: toHex(ed25519Signer(filled(12)).publicKey) })
    expect([outcome.code, jsonOf(outcome).reasons]).to.deep.equal([1, ['the receipt is not signed by the receipt key']])
  })

  it('refuses a charge one nano above the quote', async () => {
    const outcome = await verify({ ...RECEIPT, chargeNano: RECEIPT.chargeNano + 1n }, { quote })
    expect(outcome.code).to.equal(1)
    expect(jsonOf(outcome).reasons[0]).to.include('above')
  })

  it('refuses another quote, stake or network', async () => {
    expect((await verify({ ...RECEIPT, quoteHash: filled(0) }, { quote })).code).to.equal(1)
    expect((await verify({ ...RECEIPT, networkId: filled(0) }, { quote })).code).to.equal(1)
    expect((await verify(RECEIPT, { quote, quoteSignature: '00'.repeat(64) })).code).to.equal(1)
  })

  it('says which files it cannot use', async () => {
    expect((await verify(RECEIPT, { receipt: '00' })).code).to.equal(2)
    expect((await verify(RECEIPT, { x: '00' })).code).to.equal(2)
    expect((await sandbox.command(['verify', '/nowhere'])).err).to.match(/^file_unusable: /)
  })
})
