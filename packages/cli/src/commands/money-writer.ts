import { join } from 'node:path'
import { clientVault } from '@cocoon-net/contracts'
import { CocoonError, accountToText, asCocoonError, fromHex, toHex } from '@cocoon-net/protocol'
import { createClientPayments, createProviderPayments, laneKeyOf, openKeyValue } from '@cocoon-net/settlement'
import { z } from 'zod'
import { adminAction } from '../local-api.ts'
import { sendBody } from '../money-wire.ts'
import { errorText } from '../output.ts'
import { exists, keyOptions, paymentStore, signerOf } from './wallet-access.ts'
import type { ChainAccess } from './wallet-access.ts'
import type { Invocation } from '../invocation.ts'
import type { ClientPayments, CloseOffer, ProviderPayments, Wallet, WalletMessage } from '@cocoon-net/settlement'

/** What moves this home's coins: the command itself, or the node that runs from the home. Amounts are nanoTON. */
export interface MoneyWriter {
  /** Resolves when the wallet has executed the message. */
  send (message: WalletMessage): Promise<void>
  openLane (payee: Uint8Array, capNano: bigint): Promise<void>
  topUpLane (payee: Uint8Array, addNano: bigint): Promise<void>
  /** Begins no further job on the lane. */
  retireLane (payee: Uint8Array): Promise<void>
  /** As the payer: signs the end of a lane, at what its jobs have cost or at `sumNano`. */
  signClose (payee: Uint8Array, sumNano: bigint | undefined): Promise<SignedClose>
  /** As the payee: redeems what a lane holds. */
  redeemLane (vault: Uint8Array, epoch: bigint): Promise<void>
  /** As the payee: signs the end of a lane and takes no further voucher on it. */
  agreeToClose (offer: CloseOffer): Promise<PayeeSignature>
}

/** The payer's half of a close. */
export interface SignedClose {
  readonly epoch: bigint
  readonly sumNano: bigint
  readonly paidNano: bigint
  readonly capNano: bigint
  readonly signerSignature: Uint8Array
}

/** A lane that has ended, together with its provider, over the wire. */
export interface EndedLane extends Omit<SignedClose, 'signerSignature'> {
  /** raw addresses */
  readonly vault: string
  readonly payee: string
  readonly sentBy: 'payer' | 'payee'
}

/** The payee's half of a close, and its wallet's key; 64 and 32 bytes. */
export interface PayeeSignature {
  readonly payeeSignature: Uint8Array
  readonly publicKey: Uint8Array
}

const agreedSchema = z.object({
  payeeSignature: z.string().regex(/^[0-9a-f]{128}$/).transform(fromHex),
  publicKey: z.string().regex(/^[0-9a-f]{64}$/).transform(fromHex)
})
const nano = z.string().regex(/^\d{1,20}$/).transform(BigInt)
const sums = { epoch: nano, sumNano: nano, paidNano: nano, capNano: nano }
const signedSchema = z.object({ ...sums, signerSignature: z.string().regex(/^[0-9a-f]{128}$/).transform(fromHex) })
const endedSchema = z.object({ ...sums, vault: z.string().max(100), payee: z.string().max(100), sentBy: z.enum(['payer', 'payee']) })

type Act = (path: string, body: Record<string, unknown>) => Promise<unknown>

/** Actions of the node that runs, on the money of this chain's wallet. */
function actOf (invocation: Invocation, chain: ChainAccess): Act {
  return async (path, body) => adminAction(invocation, path, { wallet: accountToText(chain.wallet.account), ...body })
}

/** Through the node that runs: its wallet sends one message at a time, and it is its lanes' one writer. */
function nodeWriter (act: Act): MoneyWriter {
  return {
    send: async message => { await act('wallet-send', sendBody([message])) },
    openLane: async (payee, capNano) => { await act('lane-open', { payee: accountToText(payee), capNano: capNano.toString() }) },
    topUpLane: async (payee, addNano) => { await act('lane-top-up', { payee: accountToText(payee), addNano: addNano.toString() }) },
    retireLane: async payee => { await act('lane-retire', { payee: accountToText(payee) }) },
    signClose: async (payee, sumNano) => signedSchema.parse(await act('lane-sign-close', { payee: accountToText(payee), sumNano: sumNano?.toString() })),
    redeemLane: async (vault, epoch) => { await act('lane-redeem', { vault: accountToText(vault), epoch: epoch.toString() }) },
    agreeToClose: async ({ vault, epoch, sumNano, signerSignature }) =>
      agreedSchema.parse(await act('lane-agree-close', { vault: accountToText(vault), epoch: epoch.toString(), sumNano: sumNano.toString(), signerSignature: toHex(signerSignature) }))
  }
}

/** Through the home's own keys and records, which no other process may use meanwhile. */
function ownWriter (invocation: Invocation, chain: ChainAccess, sender: Wallet): MoneyWriter {
  const { network, port, pollMs } = chain
  const withPayments = async <T>(work: (payments: ClientPayments) => Promise<T>): Promise<T> => {
    const { depositNano } = invocation.config
    const payments = createClientPayments({
      network,
      vaults: clientVault({ networkId: network.networkId, ...network.vault }),
      port,
      wallet: sender,
      voucherSigner: await signerOf(invocation, 'voucher'),
      kv: await paymentStore(invocation.home, 'client'),
      depositNano: depositNano === undefined ? undefined : BigInt(depositNano),
      pollMs,
      onError: error => { invocation.context.err(errorText(asCocoonError(error))) }
    })
    await payments.start()
    try {
      return await work(payments)
    } finally {
      await payments.stop()
    }
  }
  const withEarnings = async <T>(work: (earnings: ProviderPayments) => Promise<T>): Promise<T> => {
    const earnings = createProviderPayments({
      network,
      payee: sender.account,
      vaults: clientVault({ networkId: network.networkId, ...network.vault }),
      port,
      wallet: sender,
      payeeSigner: await signerOf(invocation, 'wallet'),
      kv: await paymentStore(invocation.home, 'provider'),
      onError: error => { invocation.context.err(errorText(asCocoonError(error))) }
    })
    await earnings.start()
    try {
      return await work(earnings)
    } finally {
      await earnings.stop()
    }
  }
  return {
    send: async message => sender.send([message], { signal: invocation.context.signal }),
    openLane: async (payee, capNano) => withPayments(async payments => (await payments.lane(payee, { capNano })).ready()),
    topUpLane: async (payee, addNano) => withPayments(async payments => { await payments.topUp(payee, addNano) }),
    retireLane: async payee => {
      if (await exists(join(invocation.home, 'client'))) {
        await withPayments(async payments => payments.retire(payee))
      }
    },
    signClose: async (payee, sumNano) => withPayments(async payments => {
      const { id: { epoch }, ...signed } = await payments.close(payee, { sumNano })
      return { ...signed, epoch }
    }),
    redeemLane: async (vault, epoch) => withEarnings(async earnings => { await earnings.settle({ laneKey: laneKeyOf({ vault, payee: sender.account, epoch }) }) }),
    agreeToClose: async offer => withEarnings(async earnings => {
      const { payeeSignature, wallet: { publicKey } } = await earnings.agreeToClose(offer)
      return { payeeSignature, publicKey }
    })
  }
}

/**
 * Runs `work` with what may write: where a node runs from this home, that node, since two processes that use one wallet
 * would each void the other's messages; else the command itself, and no node starts meanwhile.
 *
 * @throws {CocoonError} not_running, wrong_wallet, and what the writing throws
 */
export async function withWriter<T> (invocation: Invocation, chain: ChainAccess, work: (writer: MoneyWriter) => Promise<T>): Promise<T> {
  const { sender } = chain
  const lock = sender === undefined ? undefined : await homeLock(invocation)
  if (sender === undefined || lock === undefined) {
    return work(nodeWriter(actOf(invocation, chain)))
  }
  try {
    return await work(ownWriter(invocation, chain, sender))
  } finally {
    await lock.close()
  }
}

/**
 * Ends a lane together with its provider, over the wire: through the node that runs from this home, or one that runs for as
 * long as it takes.
 *
 * @throws {CocoonError} no_provider where the home names nobody to ask, not_running, wrong_wallet, and as `Client.closeLane`
 */
export async function closeTogether (invocation: Invocation, chain: ChainAccess, lane: Uint8Array | string, sumNano: bigint | undefined): Promise<EndedLane> {
  const lock = chain.sender === undefined ? undefined : await homeLock(invocation)
  if (lock === undefined) {
    const text = typeof lane === 'string' ? lane : accountToText(lane)
    return endedSchema.parse(await actOf(invocation, chain)('lane-close', { lane: text, sumNano: sumNano?.toString() }))
  }
  await lock.close()
  const { home, config, context } = invocation
  if ((config.bootstrap ?? []).length === 0 && config.mdns !== true) {
    throw new CocoonError('no_provider', 'No node runs from this home, and it names no peer to join by (--bootstrap)')
  }
  const { withClientNode } = await import('../compose.ts')
  const init = { home, config, ...keyOptions(invocation), onError: (error: unknown) => { context.err(errorText(asCocoonError(error))) } }
  return withClientNode(init, async ({ money }) => {
    if (money === undefined) {
      throw new CocoonError('internal', 'The node started without its wallet')
    }
    const { vault, payee, ...ended } = await money.closeLane(lane, sumNano)
    return { ...ended, vault: accountToText(vault), payee: accountToText(payee) }
  })
}

/** The peers' database is the home's lock; undefined while a node holds it. */
async function homeLock (invocation: Invocation): Promise<{ close (): Promise<void> } | undefined> {
  return openKeyValue(join(invocation.home, 'peers')).catch(() => undefined)
}

/**
 * Runs `work` while no node runs from this home.
 *
 * @throws {CocoonError} home_locked
 */
export async function aloneInHome<T> (invocation: Invocation, work: () => Promise<T>): Promise<T> {
  const lock = await homeLock(invocation)
  if (lock === undefined) {
    throw new CocoonError('home_locked', `A node that runs from ${invocation.home} does this by itself`)
  }
  try {
    return await work()
  } finally {
    await lock.close()
  }
}
