import { expect } from 'aegir/chai'
import { REATTEST_MS } from '../../src/evidence/constants.ts'
import { keepAttested } from '../../src/evidence/keep-attested.ts'
import { eventually } from '../eventually.ts'

describe('keeping a provider attested', () => {
  let nowMs: number
  let outdated: boolean
  let fails: boolean
  let refreshed: number
  let renewed: number
  let errors: number
  let tick: () => void
  let stop: () => void

  beforeEach(() => {
    [nowMs, outdated, fails, refreshed, renewed, errors] = [0, false, false, 0, 0, 0]
    stop = keepAttested({
      identity: {
        outdated: () => outdated,
        refresh: async () => {
          refreshed++
          if (fails) {
            throw new Error('the kernel gives no report')
          }
          outdated = false
          return undefined as never
        }
      },
      now: () => nowMs,
      onRenewed: () => { renewed++ },
      onError: () => { errors++ },
      every: (_intervalMs, work) => {
        tick = work
        return () => { tick = () => {} }
      }
    })
  })

  it('renews after three hours, not before', async () => {
    nowMs = REATTEST_MS - 1
    tick()
    expect(refreshed).to.equal(0)
    nowMs = REATTEST_MS
    tick()
    tick()
    await eventually(() => renewed === 1)
    expect(refreshed).to.equal(1)
    nowMs = 2 * REATTEST_MS - 1
    tick()
    expect(refreshed).to.equal(1)
  })

  it('renews as soon as what runs has changed', async () => {
    outdated = true
    tick()
    await eventually(() => renewed === 1)
    tick()
    expect(refreshed).to.equal(1)
  })

  it('tries again after a failure, and ends when it is stopped', async () => {
    fails = true
    nowMs = REATTEST_MS
    tick()
    await eventually(() => errors === 1)
    fails = false
    tick()
    await eventually(() => renewed === 1)
    stop()
    nowMs *= 3
    tick()
    expect(refreshed).to.equal(2)
  })
})
