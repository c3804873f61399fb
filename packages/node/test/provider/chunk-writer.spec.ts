import { decodeChunk, runningHashNext, runningHashStart, utf8 } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { createChunkWriter } from '../../src/provider/chunk-writer.ts'
import type { ChunkWriter } from '../../src/provider/chunk-writer.ts'
import type { Chunk } from '@cocoon-net/protocol'

const START = runningHashStart(new Uint8Array(32))

function writerWith (finals: boolean[] = []): ChunkWriter {
  return createChunkWriter({
    startHash: START,
    counts: () => [11, 5],
    sealer: {
      seal: (plaintext, { final }) => {
        finals.push(final)
        return plaintext
      }
    }
  })
}

function read (sealed: Uint8Array | null): Chunk {
  if (sealed == null) {
    throw new Error('nothing was sealed')
  }
  return decodeChunk(sealed)
}

describe('chunk writer', () => {
  it('numbers and hashes tokens through all chunks, and gives the prompt\'s counts once', () => {
    const finals: boolean[] = []
    const writer = writerWith(finals)
    writer.add({ id: 7, bytes: utf8('a'), class: 'completion' })
    writer.add({ id: 8, bytes: utf8('b'), class: 'reasoning' })
    expect(writer.pending).to.equal(2)
    const first = read(writer.seal({ flush: true }))
    const two = runningHashNext(runningHashNext(START, 7), 8)
    expect(first).to.deep.include({ firstIndex: 0, ids: [7, 8], counts: [11, 5], final: false, flush: true, finish: null, hash: two })
    expect([...first.classes]).to.deep.equal([2, 3])
    expect(first.utf8.map(bytes => new TextDecoder().decode(bytes))).to.deep.equal(['a', 'b'])
    expect(writer.pending).to.equal(0)
    expect(writer.hash).to.deep.equal(two)

    writer.add({ id: 9, bytes: utf8('c'), class: 'completion' })
    const second = read(writer.seal({ flush: false }))
    expect(second).to.deep.include({ firstIndex: 2, ids: [9], counts: null, flush: false, hash: runningHashNext(two, 9) })

    const last = read(writer.seal({ flush: false, finish: 'length' }))
    expect(last).to.deep.include({ firstIndex: 3, ids: [], counts: null, final: true, finish: 'length', hash: runningHashNext(two, 9) })
    expect(finals).to.deep.equal([false, false, true])
  })

  it('seals nothing when nothing waits, unless it is the end', () => {
    const writer = writerWith()
    expect(writer.seal({ flush: true })).to.equal(null)
    expect(read(writer.seal({ flush: false, finish: 'stop' }))).to.deep.include({ ids: [], counts: [11, 5], final: true, hash: START })
  })
})
