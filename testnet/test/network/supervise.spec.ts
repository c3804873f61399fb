import { expect } from 'aegir/chai'
import { restartDelayMs } from '../../src/network/supervise.ts'

describe('restarts', () => {
  it('wait longer each time and end', () => {
    expect([0, 1, 2, 3, 4].map(restartDelayMs)).to.deep.equal([1_000, 2_000, 4_000, 8_000, 16_000])
    expect([5, 6, 100].map(restartDelayMs)).to.deep.equal([null, null, null])
  })
})
