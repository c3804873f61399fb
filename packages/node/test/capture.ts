import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { noise } from '@chainsafe/libp2p-noise'
import { openRequest, prepareSeal } from '@cocoon-net/sealing'
import type { Protection } from '../src/node.ts'
import type { KeyValue } from '@cocoon-net/settlement'
import type { ConnectionEncrypter, MessageStream, SecuredConnection } from '@libp2p/interface'

/** Everything that crossed a connection, as it was before the connection's own encryption. */
export interface Wire {
  readonly encrypters: Protection['encrypters']
  /** One part for each direction of each connection. */
  parts(): Buffer[]
}

/**
 * Noise, with every byte that is given to it for sending kept: what the muxer writes, so all streams of all protocols,
 * gossip included. With all nodes of a network under it both directions of every connection are kept.
 */
export function tapWire (): Wire {
  const taps: Buffer[][] = []
  const tap = (secured: SecuredConnection): SecuredConnection => {
    const sent: Buffer[] = []
    taps.push(sent)
    const connection: MessageStream = secured.connection
    const send = connection.send.bind(connection)
    connection.send = (data) => {
      sent.push(Buffer.from(data instanceof Uint8Array ? data : data.subarray()))
      return send(data)
    }
    return secured
  }
  const tapped = (components: any): ConnectionEncrypter => {
    const inner = noise()(components)
    return {
      protocol: inner.protocol,
      secureInbound: async (connection, options) => tap(await inner.secureInbound(connection, options)),
      secureOutbound: async (connection, options) => tap(await inner.secureOutbound(connection, options))
    }
  }
  return { encrypters: [tapped], parts: () => taps.map(sent => Buffer.concat(sent)) }
}

/** Every file under a folder, and every entry of the stores, which LevelDB may have compressed. */
export async function readDisk (folder: string, stores: readonly KeyValue[]): Promise<Buffer[]> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter(entry => entry.isFile())
  const parts = await Promise.all(files.map(async file => readFile(join(file.parentPath, file.name))))
  for (const store of stores) {
    parts.push(Buffer.from((await store.iterator().all()).flat().join('\n')))
  }
  return parts
}

/** The characters of a base64 text that follow from these bytes alone, when they start at this offset of a group of three. */
function base64Core (bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
  return text.slice(Math.ceil(offset * 8 / 6), Math.floor((offset + bytes.byteLength) * 8 / 6))
}

/** Ways to write a word. Cases are levelled where that loses nothing. */
function forms (word: string): Array<{ encoding: string, needle: Buffer, exact: boolean }> {
  const lower = Buffer.from(word.toLowerCase())
  return [
    { encoding: 'utf8', needle: lower, exact: false },
    { encoding: 'utf16', needle: Buffer.from(word.toLowerCase(), 'utf16le'), exact: false },
    { encoding: 'hex', needle: Buffer.from(lower.toString('hex')), exact: false },
    ...[0, 1, 2].map(offset => ({ encoding: 'base64', needle: Buffer.from(base64Core(Buffer.from(word), offset)), exact: true }))
  ]
}

/** ASCII capitals made small, everything else left. */
function levelled (part: Buffer): Buffer {
  return part.map(byte => byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte) as Buffer
}

/** Which of the words stand anywhere in the parts, as `word (encoding)`. */
export function findWords (parts: readonly Buffer[], words: readonly string[]): string[] {
  const found = new Set<string>()
  for (const part of parts) {
    const small = levelled(part)
    for (const word of words) {
      for (const { encoding, needle, exact } of forms(word)) {
        if ((exact ? part : small).includes(needle)) {
          found.add(`${word} (${encoding})`)
        }
      }
    }
  }
  return [...found].sort()
}

const identityChunks = {
  sealer: { seal: (plaintext: Uint8Array) => Uint8Array.from(plaintext) },
  opener: { open: (sealed: Uint8Array) => sealed, finished: false }
}

/** The answer's seal taken out: HPKE for the request, chunks as they are. */
export const answersUnsealed: Protection = {
  prepareSeal: async (init) => {
    const prepared = await prepareSeal(init)
    return { ...prepared, seal: async (request) => ({ ...await prepared.seal(request), response: async () => identityChunks.opener }) }
  },
  openRequest: async (init) => ({ ...await openRequest(init), sealer: async () => identityChunks.sealer })
}

/** The whole seal taken out: requests and chunks as they are. */
export const unsealed: Protection = {
  prepareSeal: async () => ({
    seal: async ({ payload }) => ({
      ciphertext: Uint8Array.from(payload),
      reqSalt: () => new Uint8Array(32),
      ansSalt: () => new Uint8Array(32),
      response: async () => identityChunks.opener,
      wipe: () => {}
    }),
    wipe: () => {}
  }),
  openRequest: async ({ ciphertext }) => ({
    payload: ciphertext,
    reqSalt: () => new Uint8Array(32),
    ansSalt: () => new Uint8Array(32),
    sealer: async () => identityChunks.sealer
  })
}
