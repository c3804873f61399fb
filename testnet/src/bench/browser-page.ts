/**
 * The page of `scripts/browser-bench.mjs`: what verification and sealing cost in a browser. It is bundled for browsers and
 * gives its result to `report`. A page's clock is coarse, so short steps are timed in batches.
 */
import { productionPolicy } from '@cocoon-net/attestation'
import { verifyEvidenceUnder } from '@cocoon-net/attestation/testing'
import { createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { KEMS } from '@cocoon-net/protocol'
import { generateHpkeKeyPair, openRequest, sealRequest, xWingSource } from '@cocoon-net/sealing'
import type { EvidenceInput } from '@cocoon-net/attestation'
import type { TrustedRoots } from '@cocoon-net/attestation/testing'

/** Wall time, medians over the rounds. */
export interface BrowserCost {
  readonly agent: string
  /** Whose ML-KEM X-Wing ran on: `web` is the browser's own. */
  readonly mlKem: string
  readonly newMachineMs: number
  readonly knownMachineMs: number
  readonly rememberedMs: number
  readonly chunkUs: number
  /** Web Crypto's AES-256-GCM over the same bytes: asynchronous, and so never alone. */
  readonly aesGcmUs: number
  readonly requestSealUs: number
  readonly requestOpenUs: number
}

interface Page { readonly ROUNDS: number, report(value: BrowserCost): void }

const AT_MS = Date.UTC(2026, 5, 1)
const CHUNK_BYTES = 1_024
const BATCH = 200
const REQUEST_BATCH = 4
const WARM_UP = 5

function median (values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

function timedMs (step: () => void, times = 1): number {
  const start = performance.now()
  for (let i = 0; i < times; i++) {
    step()
  }
  return (performance.now() - start) / times
}

async function timedAsyncMs (step: () => Promise<unknown>, times: number): Promise<number> {
  const start = performance.now()
  for (let i = 0; i < times; i++) {
    await step()
  }
  return (performance.now() - start) / times
}

function verifyOnce (roots: TrustedRoots, input: EvidenceInput): void {
  if (verifyEvidenceUnder(roots, input).verdict !== 'verified') {
    throw new Error('evidence that is sound did not verify')
  }
}

async function measure (rounds: number): Promise<BrowserCost> {
  const times = { fresh: [] as number[], known: [] as number[], remembered: [] as number[], chunk: [] as number[], bare: [] as number[], seal: [] as number[], open: [] as number[] }
  const keyPair = await generateHpkeKeyPair(KEMS.xWing)
  const request = { kem: KEMS.xWing, publicKey: keyPair.publicKey, bindingHash: new Uint8Array(32), header: new Uint8Array(200), payload: new Uint8Array(CHUNK_BYTES) }
  const plaintext = crypto.getRandomValues(new Uint8Array(CHUNK_BYTES))
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt'])
  const iv = new Uint8Array(12)
  const additionalData = new TextEncoder().encode('cocoon/chunk/v1/more')
  for (let round = 0; round < WARM_UP + rounds; round++) {
    const platform = createTdxTestPlatform({ seed: new Uint8Array(32), atMs: AT_MS, machine: round + 1 })
    const roots = { intel: [platform.rootSpkiHash], amd: { Milan: [], Genoa: [], Turin: [] }, nvidia: [] }
    const first = { evidence: platform.quote(new Uint8Array(64)), collateral: platform.collateral(), atMs: AT_MS, policy: productionPolicy }
    const next = { ...first, evidence: platform.quote(new Uint8Array(64).fill(1)) }
    const fresh = timedMs(() => { verifyOnce(roots, first) })
    const known = timedMs(() => { verifyOnce(roots, next) })
    const remembered = timedMs(() => { verifyOnce(roots, next) }, BATCH)

    const { ciphertext } = await sealRequest(request)
    const open = async (): ReturnType<typeof openRequest> => openRequest({ keyPair, bindingHash: request.bindingHash, header: request.header, ciphertext })
    const sealMs = await timedAsyncMs(async () => sealRequest(request), REQUEST_BATCH)
    const openMs = await timedAsyncMs(open, REQUEST_BATCH)
    const sealer = await (await open()).sealer(new Uint8Array(32))
    const chunkMs = timedMs(() => { sealer.seal(plaintext, { final: false }) }, BATCH)
    const bareMs = await timedAsyncMs(async () => crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, key, plaintext), BATCH)
    if (round >= WARM_UP) {
      times.fresh.push(fresh)
      times.known.push(known)
      times.remembered.push(remembered)
      times.seal.push(sealMs)
      times.open.push(openMs)
      times.chunk.push(chunkMs)
      times.bare.push(bareMs)
    }
  }
  return {
    agent: navigator.userAgent,
    mlKem: xWingSource,
    newMachineMs: median(times.fresh),
    knownMachineMs: median(times.known),
    rememberedMs: median(times.remembered),
    chunkUs: median(times.chunk) * 1_000,
    aesGcmUs: median(times.bare) * 1_000,
    requestSealUs: median(times.seal) * 1_000,
    requestOpenUs: median(times.open) * 1_000
  }
}

const page = globalThis as unknown as Page
page.report(await measure(page.ROUNDS))
