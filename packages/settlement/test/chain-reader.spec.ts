import { beginCell } from '@ton/core'
import { expect } from 'aegir/chai'
import { agreeingReader, createChainReader } from '../src/chain-reader.ts'
import { LedgerChain, manualClock, payee } from './fixtures.ts'
import type { Clock } from '../src/clock.ts'
import type { ContractOnChain, TonReader } from '../src/ton-port.ts'

const contractOf = (data: number): ContractOnChain => ({ codeHash: 'ab'.repeat(32), data: beginCell().storeUint(data, 8).endCell() })

/** A clock on which every wait is over at once. */
function hastyClock (): Clock & { waits: number } {
  const clock = {
    waits: 0,
    nowMs: () => 0,
    schedule: (_ms: number, action: () => void) => {
      clock.waits++
      queueMicrotask(action)
      return () => {}
    }
  }
  return clock
}

function readerOf (endpoint: string, contract: TonReader['contract']): TonReader {
  return { ...new LedgerChain(manualClock()).port(), endpoint, contract, data: async account => (await contract(account))?.data ?? null }
}

describe('a reader over two endpoints', () => {
  it('gives what both show, once the slower one has caught up', async () => {
    const clock = hastyClock()
    let behind = 2
    const reader = agreeingReader([readerOf('a', async () => contractOf(7)), readerOf('b', async () => behind-- > 0 ? null : contractOf(7))], { clock })
    expect((await reader.data(payee))?.equals(contractOf(7).data)).to.equal(true)
    expect(clock.waits).to.equal(2)
    expect(await agreeingReader([readerOf('a', async () => null), readerOf('b', async () => null)], { clock }).data(payee)).to.equal(null)
    expect(await agreeingReader([readerOf('a', async () => null), readerOf('b', async () => null)], { clock }).contract(payee)).to.equal(null)
  })

  it('says which endpoint shows what when they do not agree in the end', async () => {
    const told: string[] = []
    const other = { ...contractOf(7), codeHash: 'cd'.repeat(32) }
    const reader = agreeingReader([readerOf('https://one.example', async () => contractOf(7)), readerOf('https://two.example', async () => other)], { clock: hastyClock(), onDisagree: error => { told.push(error.code) } })
    await expect(reader.contract(payee)).to.eventually.be.rejectedWith(/https:\/\/one\.example shows code abababababababab.*https:\/\/two\.example shows code cdcdcdcdcdcdcdcd/).with.property('code', 'chain_disagrees')
    expect(told).to.deep.equal(['chain_disagrees'])
  })

  it('names the endpoint that does not answer', async () => {
    const reader = createChainReader({ endpoint: 'http://127.0.0.1:1/api', secondEndpoint: 'http://127.0.0.1:2/api', apiKey: 'secret-key' })
    for (const read of [reader.balance(payee), reader.contract(payee), reader.data(payee)]) {
      await expect(read).to.eventually.be.rejectedWith(/failed at http:\/\/127\.0\.0\.1:[12]$/).with.property('code', 'chain_unavailable')
    }
    expect(reader.endpoint).to.equal('http://127.0.0.1:1 and http://127.0.0.1:2')
    expect(createChainReader({ endpoint: 'http://127.0.0.1:1/api' }).endpoint).to.equal('http://127.0.0.1:1')
  })
})
