import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { MAX_LINE_BYTES } from '../../src/constants.ts'
import { EventParser } from '../../src/openai/sse.ts'

describe('server-sent events', () => {
  it('reads the same events however they are cut and whatever ends a line', () => {
    const line = fc.string({ unit: fc.constantFrom('a', ' ', ':', 'é'), maxLength: 6 })
    fc.assert(fc.property(fc.array(fc.array(line, { minLength: 1, maxLength: 3 }), { maxLength: 6 }), fc.constantFrom('\n', '\r', '\r\n'), fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 9 }), (events, end, sizes) => {
      const text = events.map(lines => `: note${end}event: x${end}data: ${lines.join(`${end}data: `)}${end}${end}`).join('')
      const parser = new EventParser()
      const out: string[] = []

      for (let at = 0, i = 0; at < text.length; at += sizes[i % sizes.length], i++) {
        out.push(...parser.push(text.slice(at, at + sizes[i % sizes.length])))
      }

      expect(out).to.deep.equal(events.map(lines => lines.join('\n')))
    }))
  })

  it('bounds one event, not the stream', () => {
    const parser = new EventParser()
    const note = `: ${'x'.repeat(1_000)}\n`
    for (let i = 0; i < 2 * MAX_LINE_BYTES / note.length; i++) {
      expect(parser.push(note)).to.deep.equal([])
    }
    expect(() => {
      while (true) {
        parser.push(`data: ${'x'.repeat(1_000)}\n`)
      }
    }).to.throw().with.property('code', 'engine_failed')
  })
})
