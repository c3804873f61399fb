/**
 * What sealing costs beside the bare primitive, in one run and in turn:
 * `node --conditions=source packages/sealing/bench/seal-cost.ts [--rounds N]`. Prints one JSON line.
 */
import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { KEMS } from '@cocoon-net/protocol'
import { generateHpkeKeyPair, openRequest, sealRequest, xWingSource } from '../src/index.ts'

/** Wall time, microseconds: the first decile of many short batches for chunks, which a busy machine does not interrupt, and medians for requests. */
export interface SealCost {
  /** Whose ML-KEM X-Wing ran on: `node` is Node's own. */
  readonly mlKem: string
  /** One chunk of 1 KiB, sealed in order. */
  readonly chunkUs: number
  /** Node's own AES-256-GCM over the same bytes with the same additional data, the key imported once. */
  readonly aesGcmUs: number
  /** A request of 1 KiB sealed to a key, and opened, X-Wing. */
  readonly requestSealUs: number
  readonly requestOpenUs: number
}

const CHUNK_BYTES = 1_024
/** Half a millisecond: most of them run without another program in between. */
const BATCH = 50
const BATCHES = 8
const WARM_UP = 20
const AAD = new TextEncoder().encode('cocoon/chunk/v1/more')

function quantile (values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)]
}

function batchUs (step: () => void): number {
  const start = performance.now()
  for (let i = 0; i < BATCH; i++) {
    step()
  }
  return (performance.now() - start) * 1_000 / BATCH
}

export async function measureSeal (rounds: number): Promise<SealCost> {
  const times = { chunk: [] as number[], bare: [] as number[], seal: [] as number[], open: [] as number[] }
  const keyPair = await generateHpkeKeyPair(KEMS.xWing)
  const request = { kem: KEMS.xWing, publicKey: keyPair.publicKey, bindingHash: new Uint8Array(32), header: new Uint8Array(200), payload: new Uint8Array(CHUNK_BYTES) }
  const plaintext = new Uint8Array(randomBytes(CHUNK_BYTES))
  const key = createSecretKey(randomBytes(32))
  const nonce = randomBytes(12)
  const bare = (): void => {
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    cipher.setAAD(AAD)
    cipher.update(plaintext)
    cipher.final()
    cipher.getAuthTag()
  }
  for (let round = 0; round < WARM_UP + rounds; round++) {
    const sealStart = performance.now()
    const { ciphertext } = await sealRequest(request)
    const openStart = performance.now()
    const job = await openRequest({ keyPair, bindingHash: request.bindingHash, header: request.header, ciphertext })
    const openEnd = performance.now()
    const sealer = await job.sealer(new Uint8Array(32))
    const chunk = (): void => { sealer.seal(plaintext, { final: false }) }
    for (let batch = 0; batch < BATCHES; batch++) {
      // Turn about, so that a machine that slows down slows both.
      const chunkUs = batch % 2 === 0 ? batchUs(chunk) : null
      const bareUs = batchUs(bare)
      if (round >= WARM_UP) {
        times.bare.push(bareUs)
        times.chunk.push(chunkUs ?? batchUs(chunk))
      }
    }
    if (round >= WARM_UP) {
      times.seal.push((openStart - sealStart) * 1_000)
      times.open.push((openEnd - openStart) * 1_000)
    }
  }
  return {
    mlKem: xWingSource,
    chunkUs: quantile(times.chunk, 0.1),
    aesGcmUs: quantile(times.bare, 0.1),
    requestSealUs: quantile(times.seal, 0.5),
    requestOpenUs: quantile(times.open, 0.5)
  }
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100' } } })
process.stdout.write(`${JSON.stringify(await measureSeal(Number(values.rounds)))}\n`)
