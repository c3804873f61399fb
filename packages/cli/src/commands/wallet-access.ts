import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CocoonError, MAINNET, NO_ACCOUNT, TESTNET, accountFromText, addressOfAccount, asCocoonError, devnetPreset, equalBytes, fromHex, parseDevnetText } from '@cocoon-net/protocol'
import { createChainReader, createWallet, ed25519Signer, loadKey, loadOrCreateKey, openKeyValue, walletAccount } from '@cocoon-net/settlement'
import { z } from 'zod'
import { chainEndpointsOf } from '../config-keys.ts'
import { adminRead } from '../local-api.ts'
import { checkEndpoints } from './check-network.ts'
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
function presetOf ({ network = 'devnet', devnetGenesis }: Pick<Invocation['config'], 'network' | 'devnetGenesis'>): NetworkPreset {
  if (network !== 'devnet') {
    return network === 'mainnet' ? MAINNET : TESTNET
  }
  if (devnetGenesis === undefined) {
    throw new CocoonError('config_invalid', 'devnetGenesis is not set: name the genesis of your devnet with --devnet-genesis, or another network with --network')
  }
  const { genesis, registry } = parseDevnetText(devnetGenesis)
  return devnetPreset(genesis, registry)
}

/** @throws {CocoonError} config_invalid */
export function networkOfConfig ({ config }: Invocation): NetworkPreset {
  return presetOf(config)
}

export async function exists (path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false)
}

/** Whether the home itself says which chain and which wallet; otherwise only a running node can. */
export async function hasWallet (invocation: Invocation): Promise<boolean> {
  return exists(keyPath(invocation.home, 'wallet'))
}

export function missingKey ({ home }: Invocation, name: KeyName): CocoonError {
  const remedy = name === 'receipt' ? 'a provider makes it when it starts, and --receipt-key names another' : '`cocoon wallet create` or `cocoon wallet import` makes it, and so does a node when it starts'
  return new CocoonError('file_unusable', `${home} has no ${name} key yet; ${remedy}`)
}

/** @throws {CocoonError} file_unusable, key_locked */
export async function seedOf (invocation: Invocation, name: KeyName): Promise<Uint8Array> {
  const path = keyPath(invocation.home, name)
  if (!await exists(path)) {
    throw missingKey(invocation, name)
  }
  return loadKey(path, keyOptions(invocation))
}

/**
 * A key that is made when it is first needed. Beside a wallet that is protected none is made without the passphrase.
 *
 * @throws {CocoonError} file_unusable, key_locked
 */
export async function madeSeedOf (invocation: Invocation, name: KeyName): Promise<Uint8Array> {
  if (!await exists(keyPath(invocation.home, name)) && await hasWallet(invocation)) {
    await seedOf(invocation, 'wallet')
  }
  return loadOrCreateKey(keyPath(invocation.home, name), keyOptions(invocation))
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

/** What a command needs to read the chain and to plan what moves; `withWriter` moves it. */
export interface ChainAccess {
  readonly network: NetworkPreset
  readonly port: TonReader
  /** Whose coins are meant. */
  readonly wallet: Pick<Wallet, 'account' | 'balance'>
  /** The wallet with its key; undefined where the home has none and a running node's wallet is meant. */
  readonly sender: Wallet | undefined
  readonly pollMs: number
  /**
   * The key that a new vault pins as its signer 0, 32 bytes.
   *
   * @throws {CocoonError} file_unusable, key_locked
   */
  voucherKey (): Promise<Uint8Array>
}

function pollMsOf (network: NetworkPreset): number {
  return network.kind === 'devnet' ? DEVNET_POLL_MS : PUBLIC_POLL_MS
}

/**
 * The chain as this home's configuration names it, with this home's wallet; where the home has no wallet, those of the
 * node that runs.
 *
 * @throws {CocoonError} config_invalid, file_unusable when there is neither a wallet nor a node, key_locked, wrong_network,
 * chain_unavailable
 */
export async function openChain (invocation: Invocation): Promise<ChainAccess> {
  const { as, dryRun } = invocation.options
  if (as !== undefined) {
    if (dryRun !== true) {
      throw new CocoonError('usage', '--as goes with --dry-run: only the wallet\'s own key can send')
    }
    return openChainAs(invocation, accountArgument(invocation, String(as), 'the wallet'))
  }
  if (!await hasWallet(invocation)) {
    return openChainOfNode(invocation)
  }
  const network = networkOfConfig(invocation)
  const pollMs = pollMsOf(network)
  const signer = await signerOf(invocation, 'wallet')
  const port = await openPort(invocation, network)
  const sender = createWallet({ signer, port, globalId: network.tonGlobalId, pollMs })
  return { network, port, wallet: sender, sender, pollMs, voucherKey: async () => (await signerOf(invocation, 'voucher')).publicKey }
}

/**
 * The chain as the configuration names it, once it has shown that it is that network's.
 *
 * @throws {CocoonError} config_invalid, wrong_network, chain_unavailable
 */
export async function openPort (invocation: Invocation, network: NetworkPreset): Promise<TonReader> {
  await checkEndpoints(invocation, network)
  return createChainReader({ ...chainEndpointsOf(invocation.config), nowMs: () => invocation.context.nowMs() })
}

/** To plan with: what has a wallet's address only can send nothing. */
function accessWithoutKey (network: NetworkPreset, port: TonReader, account: Uint8Array): Omit<ChainAccess, 'voucherKey'> {
  return { network, port, wallet: { account, balance: async () => port.balance(account) }, sender: undefined, pollMs: pollMsOf(network) }
}

async function openChainAs (invocation: Invocation, account: Uint8Array): Promise<ChainAccess> {
  const network = networkOfConfig(invocation)
  const port = await openPort(invocation, network)
  return {
    ...accessWithoutKey(network, port, account),
    // a home without keys has not made the voucher key yet: the plan shows where it would stand
    voucherKey: async () => await exists(keyPath(invocation.home, 'voucher')) ? (await signerOf(invocation, 'voucher')).publicKey : new Uint8Array(32)
  }
}

const bytes32 = z.string().regex(/^[0-9a-f]{64}$/).transform(fromHex)

/** What a running node says of its chain and its wallet. */
const nodeChainSchema = z.object({
  network: z.enum(['devnet', 'testnet', 'mainnet']),
  devnetGenesis: z.string().regex(/^([0-9a-f]{64}){1,2}$/).optional(),
  endpoint: z.url().max(4_096),
  secondEndpoint: z.url().max(4_096).optional(),
  wallet: z.string().transform(accountFromText),
  voucherKey: bytes32.optional()
})

async function openChainOfNode (invocation: Invocation): Promise<ChainAccess> {
  const answer = await adminRead(invocation, 'chain').catch((error: unknown) => {
    if (asCocoonError(error).code !== 'not_running') {
      throw error
    }
    // what the home lacks is told in the order in which it is needed
    networkOfConfig(invocation)
    throw missingKey(invocation, 'wallet')
  })
  const parsed = nodeChainSchema.safeParse(answer)
  if (!parsed.success) {
    throw new CocoonError('not_running', 'What answers is not a node of this version')
  }
  const { wallet: account, voucherKey, endpoint, secondEndpoint } = parsed.data
  const network = presetOf(parsed.data)
  const port = createChainReader({ endpoint, secondEndpoint, apiKey: invocation.config.chainApiKey, nowMs: () => invocation.context.nowMs() })
  return {
    ...accessWithoutKey(network, port, account),
    voucherKey: async () => {
      if (voucherKey === undefined) {
        throw new CocoonError('usage', 'The node that runs has no vault: it sells and does not buy')
      }
      return voucherKey
    }
  }
}

/**
 * The database of one side of this home.
 *
 * @throws {CocoonError} lane_busy
 */
export async function paymentStore (home: string, side: 'client' | 'provider'): Promise<KeyValue> {
  return openKeyValue(join(home, side))
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
  if (equalBytes(account, NO_ACCOUNT)) {
    throw new CocoonError('usage', `${JSON.stringify(text)} is the address of nobody`)
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
