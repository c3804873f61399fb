import { utf8 } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { createChunkOpener, createChunkSealer, responseKeys } from '../src/chunk-cipher.ts'
import { aeadOf, portableAead } from '../src/platform.ts'
import type { ChunkOpener, ChunkSealer } from '../src/index.ts'

const secret = new Uint8Array(32).fill(1)
const enc = new Uint8Array(1_120).fill(2)
const providerNonce = new Uint8Array(32).fill(3)

function pair (): { sealer: ChunkSealer, opener: ChunkOpener } {
  return {
    sealer: createChunkSealer(responseKeys(secret, enc, providerNonce)),
    opener: createChunkOpener(responseKeys(secret, enc, providerNonce))
  }
}

function sealAll (texts: readonly Uint8Array[]): Uint8Array[] {
  const { sealer } = pair()
  return texts.map((text, i) => sealer.seal(text, { final: i === texts.length - 1 }))
}

const chunks = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 12 })

describe('chunk cipher', () => {
  it('opens what was sealed, in order', () => {
    fc.assert(fc.property(chunks, (texts) => {
      const { opener } = pair()
      sealAll(texts).forEach((sealed, i) => {
        expect(opener.finished).to.be.false()
        expect(opener.open(sealed)).to.deep.equal(texts[i])
      })
      expect(opener.finished).to.be.true()
    }), { numRuns: 40 })
  })

  /** Opens what comes before, then meets the attack, after which nothing opens, not even what is genuine. */
  function attack (sealed: readonly Uint8Array[], index: number, changed: Uint8Array): void {
    const { opener } = pair()
    sealed.slice(0, index).forEach(chunk => opener.open(chunk))
    expect(() => opener.open(changed)).to.throw().with.property('code', 'seal_failed')
    expect(() => opener.open(sealed[index])).to.throw().with.property('code', 'seal_failed')
    expect(opener.finished).to.be.false()
  }

  it('refuses every flipped bit of every chunk of a stream, and everything after it', () => {
    const sealed = sealAll([utf8('one'), new Uint8Array(), utf8('the end')])
    sealed.forEach((chunk, index) => {
      for (let bit = 0; bit < chunk.byteLength * 8; bit++) {
        const changed = chunk.slice()
        changed[bit >> 3] ^= 1 << (bit & 7)
        attack(sealed, index, changed)
      }
    })
  })

  it('refuses every truncation of every chunk, at either end, and every chunk lengthened', () => {
    const sealed = sealAll([utf8('one'), new Uint8Array(), utf8('the end')])
    sealed.forEach((chunk, index) => {
      for (let length = 0; length < chunk.byteLength; length++) {
        attack(sealed, index, chunk.slice(0, length))
        attack(sealed, index, chunk.slice(chunk.byteLength - length))
      }
      attack(sealed, index, new Uint8Array([...chunk, 0]))
      attack(sealed, index, new Uint8Array([0, ...chunk]))
    })
  })

  it('refuses a flipped bit anywhere in streams of any shape', () => {
    fc.assert(fc.property(chunks, fc.nat(), fc.nat(), (texts, which, where) => {
      const sealed = sealAll(texts)
      const index = which % sealed.length
      const bit = where % (sealed[index].byteLength * 8)
      const changed = sealed[index].slice()
      changed[bit >> 3] ^= 1 << (bit & 7)
      attack(sealed, index, changed)
    }), { numRuns: 100 })
  })

  it('refuses every order of a stream\'s chunks but its own: moved, missing, repeated, at every position', () => {
    const sealed = sealAll(['a', 'b', 'c', 'd', 'e'].map(utf8))
    const orders: number[][] = []
    const own = [...sealed.keys()]
    for (const at of own) {
      for (const to of own) {
        const moved = own.filter(i => i !== at)
        moved.splice(to, 0, at)
        const repeated = [...own]
        repeated.splice(to, 0, at)
        orders.push(moved, repeated)
      }
      orders.push(own.filter(i => i !== at))
    }
    for (const order of orders.filter(one => one.join() !== own.join())) {
      const { opener } = pair()
      const opened: number[] = []
      // A stream whose end is missing opens as far as it goes, and is not finished: its reader calls it cut short.
      const ended = order.join() === own.slice(0, -1).join()
      const run = (): void => order.forEach(i => { opener.open(sealed[i]); opened.push(i) })
      if (ended) {
        run()
      } else {
        expect(run).to.throw().with.property('code', 'seal_failed')
      }
      expect(opened).to.deep.equal(own.slice(0, opened.length))
      // Only what came whole and in order, with more behind it, was ever finished.
      expect(opener.finished).to.equal(opened.length === own.length)
    }
  })

  it('refuses chunks of another stream', () => {
    const sealed = sealAll(['a', 'b'].map(utf8))
    const other = createChunkSealer(responseKeys(secret, enc, new Uint8Array(32).fill(9)))
    attack(sealed, 0, other.seal(utf8('a'), { final: false }))
    attack(sealed, 1, other.seal(utf8('b'), { final: true }))
  })

  it('is not finished when the end was cut off, and cannot be ended by others', () => {
    const [first, last] = sealAll([utf8('a'), utf8('b')])
    const { opener } = pair()
    opener.open(first)
    expect(opener.finished).to.be.false()
    const forged = first.slice()
    forged[forged.byteLength - 1] = 1
    expect(() => pair().opener.open(forged)).to.throw().with.property('code', 'seal_failed')
    const unmarked = last.slice()
    unmarked[unmarked.byteLength - 1] = 0
    expect(() => opener.open(unmarked)).to.throw().with.property('code', 'seal_failed')
  })

  it('neither seals nor opens after the final chunk', () => {
    const { sealer, opener } = pair()
    const last = sealer.seal(utf8('end'), { final: true })
    expect(() => sealer.seal(utf8('more'), { final: false })).to.throw().with.property('code', 'seal_failed')
    opener.open(last)
    expect(() => opener.open(last)).to.throw().with.property('code', 'seal_failed')
    expect(opener.finished).to.be.true()
  })

  it('wipes its keys with the final chunk, and with the first that does not open', () => {
    for (const aead of [aeadOf, portableAead]) {
      const keysOf = (): { aead: ReturnType<typeof aead>, nonce: Uint8Array } => ({ aead: aead(new Uint8Array(32).fill(5)), nonce: new Uint8Array(12).fill(6) })
      const isWiped = ({ aead, nonce }: ReturnType<typeof keysOf>): boolean => {
        try {
          aead.sealInto(new Uint8Array(17), new Uint8Array(12), new Uint8Array(1), new Uint8Array())
          return false
        } catch {
          return nonce.every(byte => byte === 0)
        }
      }
      const [sealing, opening, failing] = [keysOf(), keysOf(), keysOf()]
      const sealer = createChunkSealer(sealing)
      const opener = createChunkOpener(opening)
      opener.open(sealer.seal(utf8('more'), { final: false }))
      expect([sealing, opening].map(isWiped)).to.deep.equal([false, false])
      opener.open(sealer.seal(utf8('end'), { final: true }))
      expect(() => createChunkOpener(failing).open(new Uint8Array(17))).to.throw().with.property('code', 'seal_failed')
      expect([sealing, opening, failing].map(isWiped)).to.deep.equal([true, true, true])
      expect(() => opening.aead.open(new Uint8Array(12), new Uint8Array(17), new Uint8Array())).to.throw()
    }
  })
})
