import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { StopMatcher } from '../src/stop-matcher.ts'
import type { Piece } from '../src/stop-matcher.ts'

function run (parts: readonly Uint8Array[], stops: readonly string[]): { out: Buffer, pieces: Piece[], stopped: boolean } {
  const matcher = new StopMatcher(stops)
  const pieces: Piece[] = []
  let stopped = false

  for (const [id, bytes] of parts.entries()) {
    const result = matcher.push({ id, bytes, class: 'completion' })
    pieces.push(...result.release)
    stopped = result.stopped
    if (stopped) {
      break
    }
  }

  pieces.push(...matcher.flush())

  return { out: Buffer.concat(pieces.map(piece => piece.bytes)), pieces, stopped }
}

/** The rule said slowly: earliest end, then earliest start. */
function expected (whole: Buffer, stops: readonly string[]): { cut: number, stopped: boolean } {
  for (let end = 1; end <= whole.length; end++) {
    const starts = stops.map(stop => Buffer.from(stop)).filter(stop => stop.length <= end && whole.subarray(end - stop.length, end).equals(stop)).map(stop => end - stop.length)
    if (starts.length > 0) {
      return { cut: Math.min(...starts), stopped: true }
    }
  }

  return { cut: whole.length, stopped: false }
}

describe('stop matcher', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '😀'), minLength: 1, maxLength: 5 })
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '😀'), maxLength: 40 })

  it('cuts at the same byte however the text is split into tokens', () => {
    fc.assert(fc.property(text, fc.array(letters, { minLength: 1, maxLength: 4 }), fc.array(fc.nat(5), { maxLength: 80 }), (body, stops, sizes) => {
      const whole = Buffer.from(body)
      const parts: Uint8Array[] = []
      let at = 0

      // Sizes may be 0: a token without bytes is a token all the same.
      for (const size of sizes) {
        parts.push(whole.subarray(at, at + size))
        at += size
      }
      parts.push(whole.subarray(at))

      const { out, stopped, pieces } = run(parts, stops)
      const want = expected(whole, stops)
      expect(stopped).to.equal(want.stopped)
      expect(out.equals(whole.subarray(0, want.cut))).to.equal(true)
      expect(pieces.map(piece => piece.id)).to.deep.equal(pieces.map((_, i) => i))
    }), { numRuns: 500 })
  })

  it('holds nothing back longer than a stop string could need', () => {
    const matcher = new StopMatcher(['END'])
    const push = (text: string): string => matcher.push({ id: 0, bytes: Buffer.from(text), class: 'completion' }).release.map(piece => Buffer.from(piece.bytes).toString()).join('')
    expect(push('a')).to.equal('a')
    expect(push('E')).to.equal('')
    expect(push('N')).to.equal('')
    expect(push('x')).to.equal('ENx')
  })
})
