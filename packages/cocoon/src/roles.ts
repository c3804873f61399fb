import { devnetPolicy, productionPolicy } from '@cocoon-net/attestation'
import { clientVault } from '@cocoon-net/contracts'
import { createClientPayments, createProviderPayments, createWallet, readStake } from '@cocoon-net/settlement'
import { askFaucet, readBeacon } from './chain.ts'
import { DEFAULT_MAX_COST_NANO, DEFAULT_WINDOW_NANO, completePrices, defaultMinTier } from './options.ts'
import { createReceiptStore } from './receipt-store.ts'
import { openSlashEvidence, slashEvidenceFolder } from './slash-evidence-files.ts'
import { openStakeFile } from './stake-file.ts'
import type { Home } from './home.ts'
import type { NodeOptions } from './options.ts'
import type { FollowedRegistry } from './registry-follow.ts'
import type { Policy } from '@cocoon-net/attestation'
import type { ClientRoleInit, ProviderInit } from '@cocoon-net/node'
import type { NetworkPreset } from '@cocoon-net/protocol'
import type { ClientPayments, ProviderPayments, TonReader, VaultContract, Wallet } from '@cocoon-net/settlement'

/** A devnet makes its blocks at once. */
const DEVNET_POLL_MS = 100
/** Pays for some fifty redeems. */
const PROVIDER_GAS_NANO = 500_000_000n

export interface RoleParts {
  readonly network: NetworkPreset
  readonly home: Home
  readonly options: NodeOptions
  readonly chain: TonReader
  readonly registry: FollowedRegistry
  /** Of the role that was composed before: two writers of one wallet would void each other's messages. */
  readonly wallet?: Wallet
}

function chainOf ({ network, chain }: RoleParts): { port: TonReader, vaults: VaultContract, pollMs?: number } {
  return {
    port: chain,
    vaults: clientVault({ networkId: network.networkId, ...network.vault }),
    ...(network.kind === 'devnet' ? { pollMs: DEVNET_POLL_MS } : {})
  }
}

export interface ClientParts {
  readonly role: ClientRoleInit
  readonly payments: ClientPayments
  readonly wallet: Wallet
  /** Public, 32 bytes. */
  readonly voucherKey: Uint8Array
}

function defaultPolicy (network: NetworkPreset): Policy {
  return network.kind === 'devnet' ? devnetPolicy(network) : productionPolicy
}

export async function composeClient (parts: RoleParts): Promise<ClientParts> {
  const { network, home, options } = parts
  const { port, vaults, pollMs } = chainOf(parts)
  const client = options.client === false ? {} : options.client ?? {}
  const policy = client.policy ?? defaultPolicy(network)
  const wallet = parts.wallet ?? createWallet({ signer: await home.signer('wallet'), port, globalId: network.tonGlobalId, pollMs })
  const voucherSigner = await home.signer('voucher')
  const payments = createClientPayments({
    network,
    vaults,
    port,
    wallet,
    pollMs,
    voucherSigner,
    kv: await home.keyValue('client'),
    limits: client.limits,
    laneCapNano: client.laneCapNano,
    depositNano: client.depositNano,
    fund: network.kind === 'devnet' ? async (account, amountNano) => askFaucet(options.chainUrl, account, amountNano) : undefined,
    onError: options.onError
  })
  return {
    wallet,
    payments,
    voucherKey: voucherSigner.publicKey,
    role: {
      payments,
      policy,
      rules: parts.registry.rules(policy),
      onlyListedModels: client.onlyListedModels,
      trust: {},
      minTier: client.minTier ?? defaultMinTier(network),
      minStakeNano: client.minStakeNano,
      readStake: async account => readStake(port, network, account),
      evidence: await openSlashEvidence(slashEvidenceFolder(options.home)),
      maxCostNano: client.maxCostNano ?? DEFAULT_MAX_COST_NANO,
      warmProviders: client.warmProviders
    }
  }
}

export interface ProviderParts {
  readonly role: ProviderInit
  readonly payments: ProviderPayments
  readonly wallet: Wallet
  fund(): Promise<void>
}

export async function composeProvider (parts: RoleParts): Promise<ProviderParts> {
  const { network, home, options } = parts
  const provider = options.provider
  if (provider == null) {
    throw new TypeError('no provider options')
  }
  // what can be refused is read before a store is opened, which a refusal would leave open
  const stake = provider.stakeFile == null ? null : await openStakeFile(provider.stakeFile, network)
  const payeeSigner = await home.signer('wallet')
  const receiptSigner = await home.signer('receipt')
  const { port, vaults, pollMs } = chainOf(parts)
  const wallet = createWallet({ signer: payeeSigner, port, globalId: network.tonGlobalId, pollMs })
  const payments = createProviderPayments({ network, payee: wallet.account, vaults, port, wallet, payeeSigner, kv: await home.keyValue('provider'), pollMs: pollMs == null ? undefined : 1_000, onError: options.onError })
  return {
    wallet,
    payments,
    fund: async () => {
      if (network.kind === 'devnet' && await wallet.balance() < PROVIDER_GAS_NANO / 2n) {
        await askFaucet(options.chainUrl, wallet.account, PROVIDER_GAS_NANO)
      }
    },
    role: {
      engine: provider.engine,
      payments,
      receiptSigner,
      receipts: createReceiptStore(await home.keyValue('receipts')),
      payee: wallet.account,
      prices: completePrices(provider.prices),
      windowNano: provider.windowNano ?? DEFAULT_WINDOW_NANO,
      collector: provider.collector ?? null,
      stake,
      receiptLog: provider.receiptLog,
      refusal: parts.registry.rules(defaultPolicy(network)).refusal,
      beacon: async () => readBeacon(options.chainUrl, Date.now, options.chainApiKey),
      onError: options.onError
    }
  }
}
