import { CocoonError, TIERS } from '@cocoon-net/protocol'
import { z } from 'zod'
import type { Tier } from '@cocoon-net/protocol'

/** `chain` and `vault` are what commands that only move coins need of `network` and `client`; `api` is what reaches a gateway, for those who serve it and those who ask it. */
export type ConfigGroup = 'chain' | 'network' | 'provider' | 'vault' | 'client' | 'api' | 'gateway'

export interface ConfigKey {
  readonly schema: z.ZodType
  readonly group: ConfigGroup
  /** One line for --help; units included. */
  readonly help: string
  /** What a flag's value is called in --help; none for switches. */
  readonly placeholder?: string
  readonly list?: boolean
  readonly secret?: boolean
}

const port = z.coerce.number().int().min(0).max(65_535)
const count = z.coerce.number().int().min(1).max(1_000_000)
// Written as decimal strings where a number would not be exact.
const nano = z.union([z.number().int().min(0).max(Number.MAX_SAFE_INTEGER), z.string().regex(/^(0|[1-9]\d{0,19})$/, 'must be a whole number of nanoTON')]).transform(value => String(value))
const bool = z.union([z.boolean(), z.enum(['true', 'false']).transform(text => text === 'true')])
const url = z.url({ protocol: /^https?$/, error: 'must be an http or https address' })
const text = z.string().min(1).max(4_096)
const texts = z.array(text).max(256)

const TIER_KEY = new RegExp(`^(${TIERS.join('|')}):\\S{8,256}$`)

/** Every setting there is. Each is a key of the file, a flag and a `COCOON_*` variable. */
export const CONFIG_KEYS = Object.freeze({
  network: { schema: z.enum(['devnet', 'testnet', 'mainnet']), group: 'chain', help: 'network to join: devnet, testnet or mainnet; default devnet', placeholder: 'name' },
  devnetGenesis: { schema: z.string().regex(/^[0-9a-f]{64}(?:[0-9a-f]{64})?$/, 'must be 64 hex digits, or 128 with the registry'), group: 'chain', help: 'genesis of the devnet, 64 hex digits; 64 more name its registry', placeholder: 'hex' },
  chainUrl: { schema: url, group: 'chain', help: 'toncenter-compatible JSON-RPC API of the chain; default on public networks: toncenter', placeholder: 'url' },
  chainApiKey: { schema: z.string().min(8).max(256), group: 'chain', help: 'API key that chainUrl is asked with', placeholder: 'key', secret: true },
  secondChainUrl: { schema: url, group: 'chain', help: 'second API of the chain, of somebody else: what gates money must be shown by both', placeholder: 'url' },
  bootstrap: { schema: texts, group: 'network', help: 'multiaddr of a node to join the network by; repeat for more', placeholder: 'multiaddr', list: true },
  listen: { schema: texts, group: 'network', help: 'multiaddr to listen on; repeat for more', placeholder: 'multiaddr', list: true },
  intelUrl: { schema: url, group: 'network', help: 'where Intel\'s collateral is asked for; default: Intel\'s own service', placeholder: 'url' },
  amdUrl: { schema: url, group: 'network', help: 'where AMD\'s keys are asked for; default: AMD\'s own service', placeholder: 'url' },
  mdns: { schema: bool, group: 'network', help: 'find nodes on the local network' },
  adminPort: { schema: port, group: 'chain', help: 'loopback port of the administration API and /metrics; default 10002', placeholder: 'port' },
  model: { schema: texts, group: 'provider', help: 'GGUF file to serve; repeat for more', placeholder: 'file', list: true },
  engineUrl: { schema: url, group: 'provider', help: 'OpenAI-compatible server to sell from instead of the embedded engine (tier open)', placeholder: 'url' },
  engineModel: { schema: texts, group: 'provider', help: 'model of the server at engineUrl; repeat for more', placeholder: 'name', list: true },
  evidence: { schema: z.string().regex(/^(none|tsm(:\/\S{1,1024})?)$/, 'must be none, tsm or tsm:/DIRECTORY'), group: 'provider', help: 'what proves this machine: none (tier open), or tsm for a TDX or SEV-SNP guest; tsm:/DIR where configfs is elsewhere', placeholder: 'source' },
  stakeFile: { schema: text, group: 'provider', help: 'what `cocoon stake delegate --json` wrote: the stake to sell under; read again when it changes', placeholder: 'file' },
  contextLength: { schema: count, group: 'provider', help: 'context of the models served, tokens', placeholder: 'tokens' },
  slots: { schema: count, group: 'provider', help: 'jobs at once', placeholder: 'count' },
  pricePromptNano: { schema: nano, group: 'provider', help: 'nanoTON per million prompt tokens; default 50000000', placeholder: 'nano' },
  priceCachedNano: { schema: nano, group: 'provider', help: 'nanoTON per million cached prompt tokens; default a quarter of the prompt\'s', placeholder: 'nano' },
  priceCompletionNano: { schema: nano, group: 'provider', help: 'nanoTON per million completion tokens; default 200000000', placeholder: 'nano' },
  priceReasoningNano: { schema: nano, group: 'provider', help: 'nanoTON per million reasoning tokens; default the completion\'s', placeholder: 'nano' },
  windowNano: { schema: nano, group: 'provider', help: 'credit window: the most that is delivered before it is paid, nanoTON; default 1000000', placeholder: 'nano' },
  maxCostNano: { schema: nano, group: 'client', help: 'most that one request may cost, nanoTON; default 100000000', placeholder: 'nano' },
  maxPriceNano: { schema: nano, group: 'client', help: 'most per million completion tokens, nanoTON', placeholder: 'nano' },
  minTier: { schema: z.enum(TIERS), group: 'client', help: `lowest tier accepted, of ${TIERS.join(', ')}; default silver, on a devnet simulated`, placeholder: 'tier' },
  minStakeNano: { schema: nano, group: 'client', help: 'least stake that a provider must have bonded, nanoTON', placeholder: 'nano' },
  prefer: { schema: z.enum(['price', 'latency', 'balanced']), group: 'client', help: 'what to choose providers by: price, latency or balanced, the default', placeholder: 'what' },
  depositNano: { schema: nano, group: 'vault', help: 'what a new vault is deployed with, nanoTON', placeholder: 'nano' },
  laneCapNano: { schema: nano, group: 'vault', help: 'what a new lane locks for its provider, nanoTON', placeholder: 'nano' },
  dailyLimitNano: { schema: nano, group: 'vault', help: 'most that is spent in a day, nanoTON', placeholder: 'nano' },
  gatewayPort: { schema: port, group: 'api', help: 'loopback port of the OpenAI-compatible API; default 10000', placeholder: 'port' },
  apiKey: { schema: z.string().min(8).max(256), group: 'api', help: 'key that requests to the gateway must carry', placeholder: 'key', secret: true },
  tierKey: {
    schema: z.array(z.string().regex(TIER_KEY, 'must be TIER:KEY, with a key of 8 to 256 characters')).max(256),
    group: 'gateway',
    help: 'further key for the gateway, with the least tier that its requests may be answered with, as TIER:KEY; repeat for more',
    placeholder: 'tier:key',
    list: true,
    secret: true
  },
  onlyListedModels: { schema: bool, group: 'gateway', help: 'refuse models that the network\'s registry does not list, where it lists any' },
  allowedHosts: { schema: texts, group: 'gateway', help: 'further Host that requests may name; repeat for more', placeholder: 'host', list: true },
  allowedOrigins: { schema: texts, group: 'gateway', help: 'Origin whose web pages may spend; repeat for more', placeholder: 'origin', list: true }
} as const satisfies Record<string, ConfigKey>)

export type ConfigName = keyof typeof CONFIG_KEYS

export type Config = { readonly [K in ConfigName]?: z.output<typeof CONFIG_KEYS[K]['schema']> }

export const CONFIG_NAMES = Object.freeze(Object.keys(CONFIG_KEYS)) as readonly ConfigName[]

export function configKey (name: ConfigName): ConfigKey {
  return CONFIG_KEYS[name]
}

/** `gatewayPort` → `gateway-port` */
export function flagName (name: ConfigName): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

/** `gatewayPort` → `COCOON_GATEWAY_PORT` */
export function variableName (name: ConfigName): string {
  return `COCOON_${name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`
}

/** A `TIER:KEY` in its two parts. */
export function tierKeyOf (text: string): { readonly key: string, readonly minTier: Tier } {
  const [minTier] = TIERS.filter(tier => text.startsWith(`${tier}:`))
  return { minTier, key: text.slice(minTier.length + 1) }
}

// The public endpoints of https://toncenter.com/api/v2/, one request a second without a key.
const PUBLIC_CHAIN_URLS = Object.freeze({ mainnet: 'https://toncenter.com/api/v2/jsonRPC', testnet: 'https://testnet.toncenter.com/api/v2/jsonRPC' })

/**
 * All endpoints of the chain, with the first one's key.
 *
 * @throws {CocoonError} config_invalid for a devnet without one
 */
export function chainEndpointsOf (config: Config): { readonly endpoint: string, readonly secondEndpoint?: string, readonly apiKey?: string } {
  return { endpoint: chainUrlOf(config), secondEndpoint: config.secondChainUrl, apiKey: config.chainApiKey }
}

/**
 * Where the chain is asked: what the configuration says, or the public endpoint of a public network.
 *
 * @throws {CocoonError} config_invalid for a devnet without one
 */
export function chainUrlOf (config: Config): string {
  const { chainUrl, network = 'devnet' } = config
  if (chainUrl !== undefined) {
    return chainUrl
  }
  if (network === 'devnet') {
    throw new CocoonError('config_invalid', 'chainUrl is not set')
  }
  return PUBLIC_CHAIN_URLS[network]
}
