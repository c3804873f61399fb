import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CocoonError, MAINNET, TESTNET, accountFromText, addressOfAccount, devnetPreset, fromHex } from '@cocoon-net/protocol'
import { createTonPort, createWallet, ed25519Signer, loadKey, openKeyValue, walletAccount } from '@cocoon-net/settlement'
import { chainUrlOf } from '../config-keys.ts'
import type { Invocation } from '../invocation.ts'
import type { NetworkPreset } from '@cocoon-net/protocol'
import type { KeyFileOptions, KeyValue, Signer, TonReader, Wallet } from '@cocoon-net/settlement'

/** A devnet makes its blocks at once. */
const DEVNET_POLL_MS = 100
const PUBLIC_POLL_MS = 1_000

export type KeyName = 'wallet' | 'voucher' | 'receipt' | 'stake'

export function keyPath (home: string, name: KeyName): string {
  return join(home, 'keys', `${name}.key`)
}

/** The passphrase comes from the environment only: arguments are visible to every process of the machine. */
export function keyOptions (invocation: Invocation): KeyFileOptions {
  const passphrase = invocation.context.env.COCOON_PASSPHRASE
  return passphrase === undefined || passphrase === '' ? {} : { passphrase }
}

/** @throws {CocoonError} config_invalid */
export function networkOfConfig (invocation: Invocation): NetworkPreset {
  const { network = 'devnet', devnetGenesis } = invocation.config
  if (network !== 'devnet') {
    return network === 'mainnet' ? MAINNET : TESTNET
  }
  if (devnetGenesis === undefined) {
    throw new CocoonError('config_invalid', 'devnetGenesis is not set: name the genesis of your devnet with --devnet-genesis, or another network with --network')
  }
  return devnetPreset(fromHex(devnetGenesis))
}

export async function exists (path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false)
}

/** Whether the home itself says which chain and which wallet; otherwise only a running node can. */
export async function hasWallet (invocation: Invocation): Promise<boolean> {
  return exists(keyPath(invocation.home, 'wallet'))
}

/** @throws {CocoonError} file_unusable, key_locked */
export async function seedOf (invocation: Invocation, name: KeyName): Promise<Uint8Array> {
  const path = keyPath(invocation.home, name)
  if (!await exists(path)) {
    throw new CocoonError('file_unusable', `${invocation.home} has no ${name} key yet; ${name === 'receipt' ? 'a provider makes it when it starts, and --receipt-key names another' : '`cocoon wallet create` or `cocoon wallet import` makes it, and so does a node when it starts'}`)
  }
  return loadKey(path, keyOptions(invocation))
}

/** @throws {CocoonError} file_unusable, key_locked */
export async function signerOf (invocation: Invocation, name: KeyName): Promise<Signer> {
  return ed25519Signer(await seedOf(invocation, name))
}

/**
 * The account of this home's wallet, without a chain.
 *
 * @throws {CocoonError} config_invalid, file_unusable, key_locked
 */
export async function walletAccountOf (invocation: Invocation): Promise<Uint8Array> {
  return walletAccount((await signerOf(invocation, 'wallet')).publicKey, networkOfConfig(invocation).tonGlobalId)
}

/** What a command needs to read the chain and, with the wallet's key, to write to it. */
export interface ChainAccess {
  readonly network: NetworkPreset
  readonly port: TonReader
  readonly wallet: Wallet
  readonly pollMs: number
}

/** @throws {CocoonError} config_invalid, file_unusable when the home has no wallet, key_locked */
export async function openChain (invocation: Invocation): Promise<ChainAccess> {
  const network = networkOfConfig(invocation)
  const port = createTonPort({ endpoint: chainUrlOf(invocation.config), nowMs: () => invocation.context.nowMs() })
  const pollMs = network.kind === 'devnet' ? DEVNET_POLL_MS : PUBLIC_POLL_MS
  const wallet = createWallet({ signer: await signerOf(invocation, 'wallet'), port, globalId: network.tonGlobalId, pollMs })
  return { network, port, wallet, pollMs }
}

/**
 * The database of one side of this home.
 *
 * @throws {CocoonError} lane_busy
 */
export async function paymentStore (home: string, side: 'client' | 'provider'): Promise<KeyValue> {
  return openKeyValue(join(home, side))
}

/**
 * Runs `work` while no node runs from this home: two processes that use one wallet would each void the other's messages.
 *
 * @throws {CocoonError} home_locked
 */
export async function aloneInHome<T> (invocation: Invocation, work: () => Promise<T>): Promise<T> {
  // the peers' database is the home's lock
  const lock = await openKeyValue(join(invocation.home, 'peers')).catch((cause: unknown) => {
    throw new CocoonError('home_locked', `A node that runs from ${invocation.home} uses this wallet`, { cause })
  })
  try {
    return await work()
  } finally {
    await lock.close()
  }
}

const TEST_ONLY_FLAG = 0x80

/**
 * An address in any notation. One that is marked for test networks is refused on mainnet.
 *
 * @throws {CocoonError} usage
 */
export function accountArgument (invocation: Invocation, text: string | undefined, what: string): Uint8Array {
  if (text === undefined) {
    throw new CocoonError('usage', `Name ${what}`)
  }
  let account: Uint8Array
  try {
    account = accountFromText(text)
  } catch (cause) {
    throw new CocoonError('usage', `${JSON.stringify(text.slice(0, 80))} is no TON address in the basechain`, { cause })
  }
  if (invocation.config.network === 'mainnet' && !text.includes(':') && (Buffer.from(text, 'base64')[0] & TEST_ONLY_FLAG) !== 0) {
    throw new CocoonError('usage', `${text} is marked for test networks, and this is mainnet`)
  }
  return account
}

/** As wallets show it: not bounceable, marked for test networks elsewhere than on mainnet. */
export function friendlyText (account: Uint8Array, network: NetworkPreset): string {
  return addressOfAccount(account).toString({ bounceable: false, testOnly: network.kind !== 'mainnet', urlSafe: true })
}
