import { CocoonError, accountToText } from '@cocoon-net/protocol'
import { z } from 'zod'
import type { Beacon } from '@cocoon-net/node'

const TIMEOUT_MS = 10_000
/** The answer is a few hundred bytes. */
const MAX_ANSWER_BYTES = 64 * 1_024

const masterchainInfo = z.object({ ok: z.literal(true), result: z.object({ last: z.object({ seqno: z.number().int().min(0), root_hash: z.string().max(64) }) }) })

async function post (url: string, body: unknown, apiKey?: string): Promise<unknown> {
  let text: string
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(apiKey === undefined ? {} : { 'x-api-key': apiKey }) },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS)
    })
    text = await response.text()
    if (!response.ok) {
      throw new Error(`HTTP ${response.status}`)
    }
    if (text.length > MAX_ANSWER_BYTES) {
      throw new Error('the answer is too long')
    }
    return JSON.parse(text)
  } catch (error) {
    throw new CocoonError('chain_unavailable', `the chain at ${new URL(url).origin} does not answer`, { cause: error })
  }
}

/**
 * The newest masterchain block, as the chain's API shows it.
 *
 * @throws {CocoonError} chain_unavailable
 */
export async function readBeacon (chainUrl: string, now: () => number, apiKey?: string): Promise<Beacon> {
  const parsed = masterchainInfo.safeParse(await post(chainUrl, { id: '1', jsonrpc: '2.0', method: 'getMasterchainInfo', params: {} }, apiKey))
  const rootHash = parsed.success ? Buffer.from(parsed.data.result.last.root_hash, 'base64') : Buffer.alloc(0)
  if (!parsed.success || rootHash.byteLength !== 32) {
    throw new CocoonError('chain_unavailable', 'the chain\'s answer is not what toncenter\'s API gives')
  }
  return { seqno: parsed.data.result.last.seqno, rootHash: new Uint8Array(rootHash), atMs: now() }
}

/**
 * A devnet's faucet.
 *
 * @throws {CocoonError} chain_unavailable
 */
export async function askFaucet (chainUrl: string, account: Uint8Array, amountNano: bigint): Promise<void> {
  await post(new URL('/devnet/faucet', chainUrl).href, { address: accountToText(account), amountNano: amountNano.toString() })
}
