import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keyPairFromSeed } from '@ton/crypto'
import { SendMode, TonClient, WalletContractV4, WalletContractV5R1, beginCell, external, internal, storeMessage } from '@ton/ton'
import { startDevnet } from '../../src/devnet/index.ts'
import type { Devnet, DevnetInit } from '../../src/devnet/index.ts'

export const TON = 1_000_000_000n
/** Unix seconds: tests move the clock. */
const VALID_UNTIL = 4_000_000_000

/** A chain in a folder of its own, and what takes both away again. */
export interface World {
  readonly home: string
  readonly devnet: Devnet
  readonly client: TonClient
  /** Stops the chain and starts it again in the same folder. */
  restart (): Promise<void>
  close (): Promise<void>
}

export async function createWorld (init: Partial<DevnetInit> = {}): Promise<World> {
  const home = await mkdtemp(join(tmpdir(), 'devnet-'))
  let devnet = await startDevnet({ home, ...init })
  return {
    home,
    get devnet () { return devnet },
    get client () { return new TonClient({ endpoint: devnet.endpoint }) },
    restart: async () => {
      await devnet.stop()
      devnet = await startDevnet({ home, ...init })
    },
    close: async () => {
      await devnet.stop()
      await rm(home, { recursive: true, force: true })
    }
  }
}

export function keysOf (seed: number): { publicKey: Buffer, secretKey: Buffer } {
  return keyPairFromSeed(Buffer.alloc(32, seed))
}

export function walletV4 (seed: number): WalletContractV4 {
  return WalletContractV4.create({ workchain: 0, publicKey: keysOf(seed).publicKey })
}

export function walletV5 (seed: number, networkGlobalId: number): WalletContractV5R1 {
  return WalletContractV5R1.create({ publicKey: keysOf(seed).publicKey, walletId: { networkGlobalId } })
}

/** A transfer from the v4 wallet of `seed`, as the external message that carries it, in base64. */
export function transferBoc (init: { seed: number, seqno: number, to: WalletContractV4, value: bigint }): string {
  const wallet = walletV4(init.seed)
  const body = wallet.createTransfer({
    seqno: init.seqno,
    timeout: VALID_UNTIL,
    secretKey: keysOf(init.seed).secretKey,
    sendMode: SendMode.PAY_GAS_SEPARATELY,
    messages: [internal({ to: init.to.address, value: init.value, bounce: false })]
  })
  const message = external({ to: wallet.address, init: init.seqno === 0 ? wallet.init : undefined, body })
  return beginCell().store(storeMessage(message)).endCell().toBoc().toString('base64')
}

export interface Answer { readonly status: number, readonly body: any }

export async function post (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body)
  })
  return { status: response.status, body: await response.json() }
}

export async function rpc (endpoint: string, method: string, params: object = {}): Promise<Answer> {
  return post(endpoint, { id: '1', jsonrpc: '2.0', method, params })
}

/** Asks again until it is so; mocha's own timeout ends the wait. */
export async function until (isSo: () => Promise<boolean>): Promise<void> {
  while (!await isSo()) {
    await new Promise(resolve => { setImmediate(resolve) })
  }
}
