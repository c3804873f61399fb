import { expect } from 'aegir/chai'
import { NEW_PEER, recordBusy, recordFailure, recordSuccess } from '../../src/client/peer-record.ts'

describe('peer record', () => {
  it('takes the first measurement as it is and blends in the later ones', () => {
    const once = recordSuccess(NEW_PEER, { ttftMs: 100, tokensPerSecond: 50 })
    expect(once).to.deep.equal({ ttftMs: 100, tokensPerSecond: 50, success: 1, restUntilMs: 0, failuresInRow: 0 })
    const twice = recordSuccess(once, { ttftMs: 200, tokensPerSecond: 100 })
    expect([twice.ttftMs, twice.tokensPerSecond]).to.deep.equal([130, 65])
    expect(recordSuccess(once, { ttftMs: 100, tokensPerSecond: 0 }).tokensPerSecond).to.equal(50)
    expect(recordSuccess(NEW_PEER, { ttftMs: 100, tokensPerSecond: 0 }).tokensPerSecond).to.equal(undefined)
  })

  it('rests two seconds after a failure, doubled with each further one up to 64 times', () => {
    let record = NEW_PEER
    const rests: number[] = []
    for (let i = 0; i < 9; i++) {
      record = recordFailure(record, 1_000)
      rests.push(record.restUntilMs - 1_000)
    }
    expect(rests).to.deep.equal([2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 128_000, 128_000])
    expect(record.failuresInRow).to.equal(9)
    expect(record.success).to.be.closeTo(0.7 ** 9, 1e-9)
  })

  it('forgives with one success, and keeps what it had measured over a failure', () => {
    const measured = recordSuccess(NEW_PEER, { ttftMs: 100, tokensPerSecond: 50 })
    const failed = recordFailure(measured, 5)
    expect([failed.ttftMs, failed.tokensPerSecond, failed.success]).to.deep.equal([100, 50, 0.7])
    expect(recordSuccess(failed, { ttftMs: 100, tokensPerSecond: 50 })).to.deep.include({ restUntilMs: 0, failuresInRow: 0 })
    expect(recordSuccess(failed, { ttftMs: 100, tokensPerSecond: 50 }).success).to.be.closeTo(0.79, 1e-9)
  })

  it('lets one without room rest, at no cost to its name, and never shorter than it rests already', () => {
    const measured = recordSuccess(NEW_PEER, { ttftMs: 100, tokensPerSecond: 50 })
    expect(recordBusy(measured, 10)).to.deep.equal({ ...measured, restUntilMs: 2_010 })
    expect(recordBusy({ ...measured, restUntilMs: 5_000 }, 10).restUntilMs).to.equal(5_000)
  })
})
