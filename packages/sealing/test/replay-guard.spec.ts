import { u32be } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { ReplayGuard } from '../src/index.ts'

describe('replay guard', () => {
  it('refuses a request that was seen, until its binding ends and after', () => {
    let nowMs = 0
    const guard = new ReplayGuard({ now: () => nowMs })
    guard.insert(u32be(1), 1_000)
    expect(() => { guard.insert(u32be(1), 1_000) }).to.throw().with.property('code', 'request_replayed')
    nowMs = 999
    expect(() => { guard.insert(u32be(1), 1_000) }).to.throw().with.property('code', 'request_replayed')
    nowMs = 1_000
    expect(() => { guard.insert(u32be(1), 1_000) }).to.throw().with.property('code', 'binding_unknown')
  })

  it('refuses it under a later binding as well', () => {
    const guard = new ReplayGuard({ now: () => 0 })
    guard.insert(u32be(1), 1_000)
    expect(() => { guard.insert(u32be(1), 2_000) }).to.throw().with.property('code', 'request_replayed')
  })

  it('says that it is full and does not forget', () => {
    let nowMs = 0
    const guard = new ReplayGuard({ now: () => nowMs, maxEntries: 3 })
    for (let i = 0; i < 3; i++) {
      guard.insert(u32be(i), i === 0 ? 1_000 : 5_000)
    }
    expect(() => { guard.insert(u32be(9), 5_000) }).to.throw().that.includes({ code: 'no_room', retryAfterMs: 1_000 })
    expect(() => { guard.insert(u32be(0), 1_000) }).to.throw().with.property('code', 'request_replayed')
    expect(guard.size).to.equal(3)
    nowMs = 1_000
    guard.insert(u32be(9), 5_000)
    expect(guard.size).to.equal(3)
    expect(() => { guard.insert(u32be(1), 5_000) }).to.throw().with.property('code', 'request_replayed')
  })

  it('lets no request through twice, whatever comes in between and however time goes on', () => {
    const step = fc.oneof(
      fc.record({ request: fc.nat(6), notAfterMs: fc.constantFrom(1_000, 2_000, 3_000) }),
      fc.record({ waitMs: fc.nat(900) })
    )
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let nowMs = 0
      const guard = new ReplayGuard({ now: () => nowMs })
      const lifeEndsMs = new Map<number, number>()
      for (const one of steps) {
        if ('waitMs' in one) {
          nowMs += one.waitMs
          continue
        }
        const alive = (lifeEndsMs.get(one.request) ?? 0) > nowMs
        const insert = (): void => { guard.insert(u32be(one.request), one.notAfterMs) }
        if (one.notAfterMs <= nowMs) {
          expect(insert).to.throw().with.property('code', 'binding_unknown')
        } else if (alive) {
          expect(insert).to.throw().with.property('code', 'request_replayed')
        } else {
          insert()
          lifeEndsMs.set(one.request, one.notAfterMs)
        }
      }
    }), { numRuns: 200 })
  })
})
