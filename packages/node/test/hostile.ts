import {
  bindingHashOf, challengeCodec, decodeBinding, decodeWith, encodeRequestHeader, encodeRequestPayload, encodeWith, evidenceCodec, inferRequestCodec, inferResponseCodec,
  payOpenBytes, payRequestCodec, payResponseCodec, protocolId, quoteHash, voucherHash
} from '@cocoon-net/protocol'
import { sealRequest } from '@cocoon-net/sealing'
import { ed25519Signer } from '@cocoon-net/settlement'
import { lpStream } from '@libp2p/utils'
import { expect } from 'aegir/chai'
import { noCounters } from '../src/counters.ts'
import { askOffers } from '../src/offers/ask-offers.ts'
import { eventually } from './eventually.ts'
import { hostFactory } from './hosts.ts'
import type { TestProvider, Trade } from './trade.ts'
import type { Host } from '../src/host/create-host.ts'
import type { SignedOffer } from '../src/offers/signed-offer.ts'
import type { Codec, PayClose, PayFrame, PayOpen, RequestHeader, RequestPayload } from '@cocoon-net/protocol'
import type { SealRequestInit } from '@cocoon-net/sealing'
import type { Signer } from '@cocoon-net/settlement'

const MAX_BYTES = 256 * 1_024
const RESPONSES = { attest: evidenceCodec, pay: payResponseCodec, infer: inferResponseCodec } as const

export type Service = keyof typeof RESPONSES
export type Answer = { readonly t: string, readonly code?: string } & Record<string, unknown>

/** A stream that says what it is told to and reads what comes. */
export interface RawStream {
  send(bytes: Uint8Array): Promise<void>
  /** Only the length of a frame, and nothing after it. */
  announce(length: number): void
  receive(): Promise<Answer>
  close(): Promise<void>
}

/** A peer that knows the protocol and keeps to none of it. */
export interface Attacker {
  readonly host: Host
  readonly offer: SignedOffer
  readonly signer: Signer
  readonly owner: Uint8Array
  readonly vault: Uint8Array
  readonly epoch: bigint
  readonly bindingHash: Uint8Array
  stream(service: Service): Promise<RawStream>
  /** Sends one frame on a stream of its own and returns the first answer. */
  exchange(service: Service, bytes: Uint8Array): Promise<Answer>
  /** A correct frame that opens the lane; `change` makes it another. */
  open(change?: Partial<Parameters<typeof payOpenBytes>[0] & { owner: Uint8Array, signer: Signer }>): PayOpen
  /** Opens the lane and keeps the stream. */
  opened(): Promise<RawStream>
  voucher(cumulative: bigint, change?: Partial<PayFrame['voucher'] & { signer: Signer, jobs: PayFrame['jobs'] }>): Uint8Array
  /** A correct request; `change` makes it another, before the seal or in it. */
  request(change?: RequestChange): Promise<Uint8Array>
  stop(): Promise<void>
}

export interface RequestChange {
  readonly header?: Partial<RequestHeader>
  readonly payload?: Partial<RequestPayload>
  readonly seal?: Partial<SealRequestInit>
  /** Plaintext instead of an encoded payload. */
  readonly plaintext?: Uint8Array
  readonly frame?: { kem?: number, bindingHash?: Uint8Array, header?: Uint8Array }
  ciphertext?(ciphertext: Uint8Array): Uint8Array
}

export function pay (frame: PayOpen | PayFrame | PayClose): Uint8Array {
  return encodeWith(payRequestCodec, frame)
}

/** A peer with its own vault and an open lane to the provider on chain. */
export async function createAttacker (trade: Trade, target: TestProvider, seed: number, init: { lane?: 'none' | 'open' } = {}): Promise<Attacker> {
  const { network, chain } = trade
  const hosts = hostFactory(network)
  const host = await hosts.make({ listen: [] })
  await host.libp2p.dial(target.node.host.libp2p.getMultiaddrs())
  const signer = ed25519Signer(new Uint8Array(32).fill(seed))
  const owner = new Uint8Array(32).fill(seed)
  const vault = chain.vaults.account(owner)
  const epoch = 1_000n
  const wallet = chain.wallet(owner)
  await wallet.send([{ to: vault, valueNano: 0n, body: chain.vaults.deployBody({ signerKey: signer.publicKey, operator: owner }) }])
  if (init.lane !== 'none') {
    await wallet.send([{ to: vault, valueNano: 0n, body: chain.vaults.openLanesBody({ epoch, keyIdx: 0, lanes: [{ payee: target.payee, capNano: 100_000_000n }] }) }])
  }
  const [offer] = await askOffers(target.node.host.peerId, { host, counters: noCounters }, { model: null })
  const ids = { client: host.peerId.toMultihash().bytes, provider: target.node.host.peerId.toMultihash().bytes }
  let nonces = 0

  const stream = async (service: Service): Promise<RawStream> => {
    const raw = await host.libp2p.dialProtocol(target.node.host.peerId, protocolId(network, service))
    const frames = lpStream(raw)
    return {
      send: async (bytes) => frames.write(bytes),
      announce: (length) => {
        const prefix: number[] = []
        for (let rest = length; ; rest = Math.floor(rest / 128)) {
          prefix.push(rest < 128 ? rest : (rest % 128) | 128)
          if (rest < 128) {
            break
          }
        }
        raw.send(Uint8Array.from(prefix))
      },
      receive: async () => decodeWith(RESPONSES[service] as Codec<any>, (await frames.read()).subarray(), MAX_BYTES, service) as Answer,
      close: async () => raw.close()
    }
  }
  const exchange = async (service: Service, bytes: Uint8Array): Promise<Answer> => {
    const raw = await stream(service)
    await raw.send(bytes)
    const answer = await raw.receive()
    await raw.close()
    return answer
  }
  const evidence = await exchange('attest', encodeWith(challengeCodec, { t: 'challenge', networkId: network.networkId, nonce: new Uint8Array(32) }))
  const binding = decodeBinding(evidence.binding as Uint8Array)
  const bindingHash = bindingHashOf(evidence.binding as Uint8Array)

  const attacker: Attacker = {
    host,
    offer,
    signer,
    owner,
    vault,
    epoch,
    bindingHash,
    stream,
    exchange,
    open: (change = {}) => {
      const by = change.signer ?? signer
      const signed = { networkId: network.networkId, vault, payee: target.payee, epoch, ...ids, ...change }
      const { networkId, payee, client, provider } = signed
      return {
        t: 'open',
        vault: signed.vault,
        vaultOwner: change.owner ?? owner,
        epoch: signed.epoch,
        signer: by.publicKey,
        signature: by.sign(payOpenBytes({ networkId, vault: signed.vault, payee, epoch: signed.epoch, client, provider }))
      }
    },
    opened: async () => {
      const raw = await stream('pay')
      await raw.send(pay(attacker.open()))
      const answer = await raw.receive()
      if (answer.t !== 'lane') {
        throw new Error(`the lane was not opened: ${answer.code}`)
      }
      return raw
    },
    voucher: (cumulative, change = {}) => {
      const { signer: by = signer, jobs = [], ...rest } = change
      const voucher = { networkId: network.networkId, vault, payee: target.payee, epoch, cumulative, ...rest }
      return pay({ t: 'pay', voucher, signature: by.sign(voucherHash(voucher)), jobs })
    },
    request: async (change = {}) => {
      const header = encodeRequestHeader({
        v: 1,
        vault,
        vaultOwner: owner,
        laneEpoch: epoch,
        quoteHash: quoteHash(offer.quote),
        maxTokens: 8,
        maxCharge: 1_000_000n,
        clientNonce: Uint8Array.from({ length: 32 }, (_, i) => i === 0 ? ++nonces : seed),
        ...change.header
      })
      const payload = change.plaintext ?? encodeRequestPayload({
        v: 1, model: offer.offer.model.digest, endpoint: 'chat', body: JSON.stringify({ messages: [{ role: 'user', content: 'one two' }] }), prefix: [], ...change.payload
      })
      const { kem, key } = binding.hpkeKeys[0]
      const { ciphertext } = await sealRequest({ kem, publicKey: key, bindingHash, header, payload, ...change.seal })
      return encodeWith(inferRequestCodec, { t: 'request', kem, bindingHash, header, ciphertext: change.ciphertext?.(ciphertext) ?? ciphertext, ...change.frame })
    },
    stop: async () => hosts.stopAll()
  }
  return attacker
}

/** What a refusal must leave as it was. */
async function snapshot (provider: TestProvider): Promise<Record<string, unknown>> {
  return {
    stored: await provider.stored(),
    summary: provider.provider.summary(),
    runs: provider.engine.runs,
    receipts: provider.receipts.length,
    outcomes: provider.outcomes.length
  }
}

/** Plays an attack and demands that it is refused with its code, counted once, and has changed nothing. */
export async function refused (provider: TestProvider, service: Service, code: string, attack: () => Promise<Answer>): Promise<void> {
  const before = await snapshot(provider)
  const counted = provider.counters.refusals.length
  const answer = await attack()
  expect([answer.t, answer.code]).to.deep.equal(['refusal', code])
  await eventually(() => provider.counters.refusals.length > counted)
  expect(provider.counters.refusals.slice(counted)).to.deep.equal([`${service} ${code}`])
  expect(await snapshot(provider)).to.deep.equal(before)
}
