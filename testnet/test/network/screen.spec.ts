import { expect } from 'aegir/chai'
import fc from 'fast-check'
import pc from 'picocolors'
import { grouped, jobLine, nodeLines, refusalLine, shortModel, tonText } from '../../src/network/screen.ts'
import type { JobRecord } from '../../src/network/configs.ts'

const colors = pc.createColors(false)

const JOB: JobRecord = {
  jobId: '0123456789abcdef'.repeat(4),
  provider: '12D3KooWa',
  tier: 'simulated',
  model: `m@${'a'.repeat(64)}`,
  tokens: { prompt: 10, cached: 7, completion: 100, reasoning: 3 },
  prices: { prompt: '1', cached: '1', completion: '1', reasoning: '1' },
  chargeNano: '29100',
  paidNano: '29100',
  receipt: { jobId: '', seq: 0, hash: '', signature: '' },
  attempts: [{ provider: 'a', outcome: 'done' }],
  ttftMs: 84.6,
  tokensPerSecond: 148.9,
  vault: '0:00',
  payee: '0:00'
}

describe('screen', () => {
  it('writes TON exactly', () => {
    expect(['0', '1', '50000000', '1000000000', '12345678901'].map(tonText)).to.deep.equal(['0', '0.000000001', '0.05', '1', '12.345678901'])
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 80n }), nano => {
      const [whole, part = ''] = tonText(nano.toString()).split('.')
      return BigInt(whole) * 1_000_000_000n + BigInt(part.padEnd(9, '0')) === nano && !part.endsWith('0')
    }))
  })

  it('groups digits by three', () => {
    expect(['1', '999', '1000', '29100', '1234567'].map(grouped)).to.deep.equal(['1', '999', '1,000', '29,100', '1,234,567'])
  })

  it('shortens a model to its name and twelve digits', () => {
    expect(shortModel(JOB.model)).to.equal(`m@${'a'.repeat(12)}`)
  })

  it('puts a job on one line, with what went wrong before', () => {
    expect(jobLine(JOB, 'provider-2', 0n, colors)).to.equal('job 01234567  provider-2  simulated  first token 85 ms  17 + 103 tokens at 149/s  29,100 nanoTON paid  lane redeemed 0')
    const troubled = { ...JOB, attempts: [{ provider: 'a', outcome: 'no_room' }, { provider: 'b', outcome: 'cancelled' }] }
    expect(jobLine(troubled, 'provider-2', null, colors)).to.match(/29,100 nanoTON paid {2}cancelled {2}after no_room$/)
  })

  it('names the code of a refusal', () => {
    expect(refusalLine({ status: 404, code: 'model_unknown' }, colors)).to.equal('refused model_unknown  HTTP 404')
  })

  it('shows a node that should be up and is not as dead', () => {
    const node = { name: 'provider-1', role: 'provider' as const, state: 'up' as const, restarts: 2, process: { pid: 7, startTime: 'x' }, prices: { prompt: '50000000', completion: '200000000' } }
    expect(nodeLines([{ ...node, alive: false }], colors)).to.match(/^ {2}provider-1 {2}dead .* 7 {2}0\.05 in, 0\.20 out TON per million {2}restarted 2 times$/)
    expect(nodeLines([{ ...node, alive: true }], colors)).to.include('  up ')
  })
})
