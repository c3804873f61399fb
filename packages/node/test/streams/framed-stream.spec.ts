import { CocoonError, encodeWith } from '@cocoon-net/protocol'
import { streamPair } from '@libp2p/utils'
import { expect } from 'aegir/chai'
import { framedStream } from '../../src/streams/framed-stream.ts'
import type { FramedStream } from '../../src/streams/framed-stream.ts'
import type { Codec } from '@cocoon-net/protocol'
import type { Stream } from '@libp2p/interface'

interface Frame { readonly n: number }
const codec: Codec<Frame> = {
  encode: ({ n }) => new Map([['n', n]]),
  decode: (value) => {
    if (!(value instanceof Map)) {
      throw new CocoonError('frame_malformed')
    }
    return { n: value.get('n') }
  }
}
/** Longer than any test takes. */
const LONG_MS = 60_000
const MAX_BYTES = 16

function framed (stream: Stream, init: { idleMs?: number, signal?: AbortSignal } = {}): FramedStream<Frame, Frame> {
  return framedStream(stream, { reads: codec, writes: codec, maxReadBytes: MAX_BYTES, idleMs: init.idleMs ?? LONG_MS, signal: init.signal, what: 'test' })
}

async function codeOf (promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'none', (error: unknown) => error instanceof CocoonError ? error.code : String(error))
}

describe('framed stream', () => {
  it('carries frames both ways, in order', async () => {
    const [near, far] = (await streamPair()).map(stream => framed(stream))
    await near.write({ n: 1 })
    await near.write({ n: 2 })
    expect([await far.read(), await far.next()]).to.deep.equal([{ n: 1 }, { n: 2 }])
    await far.write({ n: 3 })
    expect(await near.read()).to.deep.equal({ n: 3 })
  })

  it('says that the peer is done when it closed, and when it was silent for too long', async () => {
    const [near, far] = (await streamPair()).map(stream => framed(stream))
    await near.close()
    expect(await far.next()).to.equal(null)
    const [, silent] = (await streamPair()).map(stream => framed(stream))
    expect(await silent.next({ idleMs: 1 })).to.equal(null)
  })

  it('has a code for each end of a read that is needed', async () => {
    const [near, far] = (await streamPair()).map(stream => framed(stream))
    await near.close()
    expect(await codeOf(far.read())).to.equal('stream_closed')
    const [, silent] = (await streamPair()).map(stream => framed(stream, { idleMs: 1 }))
    expect(await codeOf(silent.read())).to.equal('timeout')
    // What ended once stays ended, with the same reason.
    expect(await codeOf(silent.read({ patient: true }))).to.equal('timeout')
    expect(await codeOf(silent.write({ n: 1 }))).to.equal('timeout')
  })

  it('waits without a deadline when it is patient', async () => {
    const [near, far] = (await streamPair()).map(stream => framed(stream, { idleMs: 1 }))
    const reading = far.read({ patient: true })
    await new Promise(resolve => { setTimeout(resolve, 5) })
    await near.write({ n: 4 })
    expect(await reading).to.deep.equal({ n: 4 })
  })

  it('refuses a frame above its bound, and one that is no frame of its type, quietly or not', async () => {
    for (const [bytes, code] of [[new Uint8Array(MAX_BYTES + 1), 'frame_too_large'], [Uint8Array.of(1), 'frame_malformed']] as const) {
      const [raw, stream] = await streamPair()
      const far = framed(stream)
      raw.send(Uint8Array.of(bytes.byteLength, ...bytes))
      expect(await codeOf(far.next())).to.equal(code)
    }
    const [raw, stream] = await streamPair()
    const largest = encodeWith(codec, { n: 1_000 })
    raw.send(Uint8Array.of(largest.byteLength, ...largest))
    expect(await framed(stream).next()).to.deep.equal({ n: 1_000 })
  })

  it('ends with its signal, before and after it was made', async () => {
    const gone = AbortSignal.abort(new CocoonError('job_cancelled'))
    const [early] = (await streamPair()).map(stream => framed(stream, { signal: gone }))
    expect(await codeOf(early.read())).to.equal('job_cancelled')
    const stop = new AbortController()
    const [late] = (await streamPair()).map(stream => framed(stream, { signal: stop.signal }))
    const reading = late.read()
    stop.abort(new CocoonError('job_cancelled'))
    expect(await codeOf(reading)).to.equal('job_cancelled')
  })
})
