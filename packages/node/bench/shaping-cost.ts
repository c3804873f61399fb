/**
 * What it costs that sizes and times say little: the padding of requests and chunks, and the wait for company. Runs the
 * provider's own sender on streams of tokens at fixed speeds, with real timers:
 * `node --conditions=source packages/node/bench/shaping-cost.ts`. Prints
 * one JSON line, whose fields are described where the benchmark reads them: `testnet/src/bench/shaping-rows.ts`.
 */
import process from 'node:process'
import { encodeChunk, encodeRequestPayload, utf8 } from '@cocoon-net/protocol'
import { generateHpkeKeyPair, openRequest, sealRequest } from '@cocoon-net/sealing'
import { FLUSH_MS } from '../src/constants.ts'
import { createAnswerSender } from '../src/provider/answer-sender.ts'
import { createChunkWriter } from '../src/provider/chunk-writer.ts'
import type { AnswerSenderInit } from '../src/provider/answer-sender.ts'
import type { ChunkSealer } from '@cocoon-net/sealing'

type Figures = Readonly<Record<string, number>>

const SPEEDS = [10, 50, 200, 1_000]
const RUN_MS = 2_000
/** English text has some four bytes a token. */
const TOKEN = utf8(' fox')
const TEXT_BYTES = [50, 500, 2_000, 8_000]
/** AEAD tag and mark of a chunk. */
const SEAL_BYTES = 17

async function sealerOf (): Promise<ChunkSealer> {
  const keyPair = await generateHpkeKeyPair()
  const request = { bindingHash: new Uint8Array(32), header: new Uint8Array(200) }
  const { ciphertext } = await sealRequest({ ...request, kem: keyPair.kem, publicKey: keyPair.publicKey, payload: new Uint8Array(1_024) })
  return (await openRequest({ ...request, keyPair, ciphertext })).sealer(new Uint8Array(32))
}

/** Bytes that a chunk of so many tokens takes before it is padded: the padding is its longest run of zeros. */
function unpaddedOf (count: number): number {
  const chunk = encodeChunk({
    firstIndex: 0, ids: new Array<number>(count).fill(1), utf8: new Array<Uint8Array>(count).fill(TOKEN), classes: new Uint8Array(count).fill(2),
    hash: new Uint8Array(32).fill(1), counts: null, final: false, flush: true, finish: null, extra: null
  })
  return chunk.byteLength - longestZeros(chunk)
}

function longestZeros (bytes: Uint8Array): number {
  let most = 0
  let run = 0
  for (const byte of bytes) {
    run = byte === 0 ? run + 1 : 0
    most = Math.max(most, run)
  }
  return most
}

/** One stream at one speed, through the timer and the buckets as they stand. */
async function measureStream (tokensPerSecond: number): Promise<Figures> {
  const count = Math.round(tokensPerSecond * RUN_MS / 1_000)
  const pushedMs: number[] = []
  const delaysMs: number[] = []
  let wireBytes = 0
  let unpaddedBytes = 0
  let chunks = 0
  const writer = createChunkWriter({ sealer: await sealerOf(), startHash: new Uint8Array(32), counts: () => [1, 0] })
  const frames: AnswerSenderInit['frames'] = {
    write: async frame => {
      if (frame.t !== 'chunk') {
        throw new TypeError(`a sender of chunks writes a ${frame.t}`)
      }
      const nowMs = performance.now()
      wireBytes += frame.sealed.byteLength
      unpaddedBytes += unpaddedOf(pushedMs.length) + SEAL_BYTES
      chunks++
      delaysMs.push(...pushedMs.map(ms => nowMs - ms))
      pushedMs.length = 0
    }
  }
  const sender = createAnswerSender({ frames, writer, onError: (error) => { throw error } })
  const startMs = performance.now()
  for (let i = 0; i < count; i++) {
    const waitMs = startMs + i * 1_000 / tokensPerSecond - performance.now()
    if (waitMs >= 1) {
      await new Promise(resolve => { setTimeout(resolve, waitMs) })
    }
    pushedMs.push(performance.now())
    await sender.push({ id: 1, bytes: TOKEN, class: 'completion' })
  }
  await sender.flush({ flush: false })
  sender.stop()
  const alone = encodeChunk({ firstIndex: 0, ids: [1], utf8: [TOKEN], classes: Uint8Array.of(2), hash: new Uint8Array(32), counts: null, final: false, flush: true, finish: null, extra: null })
  return {
    tokensPerSecond,
    tokensPerChunk: count / chunks,
    wireBytes: wireBytes / count,
    unpaddedBytes: unpaddedBytes / count,
    aloneBytes: alone.byteLength + SEAL_BYTES,
    delayMeanMs: delaysMs.reduce((sum, ms) => sum + ms, 0) / count,
    delayMostMs: Math.max(...delaysMs)
  }
}

/** One request of so many bytes of text: what is sealed, and the same without padding. */
async function measureRequest (textBytes: number): Promise<Figures> {
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(textBytes) }] })
  const payload = encodeRequestPayload({ v: 1, model: new Uint8Array(32).fill(1), endpoint: 'chat', body, prefix: [] })
  const { kem, publicKey } = await generateHpkeKeyPair()
  const seal = { kem, publicKey, bindingHash: new Uint8Array(32), header: new Uint8Array(200) }
  const { ciphertext } = await sealRequest({ ...seal, payload })
  return { textBytes, sealedBytes: ciphertext.byteLength, unpaddedBytes: ciphertext.byteLength - longestZeros(payload) }
}

/** Streams one after the other, so that none waits for another. */
async function measureShaping (): Promise<object> {
  const streams: Figures[] = []
  for (const speed of SPEEDS) {
    streams.push(await measureStream(speed))
  }
  return { flushMs: FLUSH_MS, streams, requests: await Promise.all(TEXT_BYTES.map(measureRequest)) }
}

process.stdout.write(`${JSON.stringify(await measureShaping())}\n`)
