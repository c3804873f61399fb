import { CocoonError } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { parseOnce } from '../src/parse-once.ts'

const bytes = Uint8Array.of(1, 2, 3)

describe('a parser that runs once', () => {
  it('parses the same bytes once, wherever they stand, and forgets the oldest', () => {
    const seen: number[] = []
    const parse = parseOnce({ what: 'a thing', maxBytes: 3, maxKept: 2 }, data => {
      seen.push(data[0])
      return { first: data[0] }
    })
    expect([parse(bytes), parse(bytes.slice()), parse(Uint8Array.of(9, 1, 2, 3).subarray(1))].map(({ first }) => first)).to.deep.equal([1, 1, 1])
    expect(seen).to.deep.equal([1])
    for (const first of [2, 3, 1]) {
      parse(Uint8Array.of(first, 2, 3))
    }
    expect(seen).to.deep.equal([1, 2, 3, 1])
  })

  it('gives the step a copy, so that what the caller writes later changes no parse, and the hash of it', () => {
    const data = bytes.slice()
    const value = parseOnce({ what: 'a thing', maxBytes: 3, maxKept: 1 }, (copy, id) => ({ copy, id }))(data)
    data.fill(0)
    expect([...value.copy]).to.deep.equal([1, 2, 3])
    expect(value.id).to.equal('039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81')
  })

  it('refuses what is too large unread, throws the package\'s own error alone, and keeps no failure', () => {
    const errors = [new TypeError('not DER'), new CocoonError('bad_signature', 'its own')]
    let runs = 0
    const parse = parseOnce({ what: 'a thing', maxBytes: 3, maxKept: 1 }, () => { throw errors[runs++] })
    expect(() => parse(new Uint8Array(4))).to.throw('a thing is too large').with.property('code', 'evidence_malformed')
    expect(runs).to.equal(0)
    expect(() => parse(bytes)).to.throw('a thing cannot be parsed').with.property('code', 'evidence_malformed')
    expect(() => parse(bytes)).to.throw('its own').with.property('code', 'bad_signature')
  })
})
