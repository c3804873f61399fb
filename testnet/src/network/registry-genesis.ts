import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SIMULATED_MEASUREMENTS } from '@cocoon-net/attestation-simulated/measurements'
import { CLIENT_VAULT_CODE_HASH, PROVIDER_STAKE_CODE_HASH, REGISTRY_NUMBERS, parseRegistryState, registryAddress, registryStateInit } from '@cocoon-net/contracts'
import { CocoonError, DEVNET_GLOBAL_ID, accountFromAddress, accountToText, devnetPreset, devnetText, fromHex, parseDevnetText, toHex } from '@cocoon-net/protocol'
import { ed25519Signer, loadOrCreateKey, walletAccount } from '@cocoon-net/settlement'
import { Cell, beginCell, loadStateInit, storeStateInit } from '@ton/core'
import { writeHomeConfig } from './home-config.ts'
import { seededBytes } from './seed.ts'
import type { DevnetConfig } from './configs.ts'
import type { RegistryGenesis } from '@cocoon-net/contracts'

/** The model that ships with the engine; a test holds it against the file. */
export const DEMO_MODEL_DIGEST = '70335a64702e391038876ec107d688e697b72a3efef96e458ab22544a1c6874e'

/** Longer than the 1,200 s that a devnet's stake unbonds, as 21 days are longer than 14. */
export const DEFAULT_REGISTRY_DELAY_SECONDS = 1_800

/** Some thousand messages. */
const GOVERNOR_NANO = 10_000_000_000n
/** Rent for years. */
const REGISTRY_NANO = 1_000_000_000n
const GOVERNOR = 'governor'

export interface LocalGenesisInit {
  /** The network's. */
  readonly folder: string
  readonly seed?: string
  readonly delaySeconds?: number
}

/** What a local network begins with. */
export interface LocalGenesis {
  /** How it is named: genesis and registry, hex. */
  readonly network: string
  /** The chain's own, 64 hex digits. */
  readonly chain: string
  readonly begin: NonNullable<DevnetConfig['begin']>
}

/** Whose wallet governs the registry of the network in this folder: a home as any other. */
export function governorHome (folder: string): string {
  return join(folder, GOVERNOR)
}

function contentsOf (governor: Uint8Array, delaySeconds: number, genesis: Uint8Array): RegistryGenesis {
  // The terms of this network, held as they are: what is looser waits.
  const { vault, stake } = devnetPreset(genesis)
  return {
    governor,
    delaySeconds,
    entries: [
      { kind: 'vaultCode', hash: fromHex(CLIENT_VAULT_CODE_HASH) },
      { kind: 'stakeCode', hash: fromHex(PROVIDER_STAKE_CODE_HASH) },
      ...Object.values(SIMULATED_MEASUREMENTS).map(digest => ({ kind: 'measurement' as const, hash: fromHex(digest) })),
      { kind: 'model', hash: fromHex(DEMO_MODEL_DIGEST) }
    ],
    numbers: new Map([
      [REGISTRY_NUMBERS.leastUnbondSeconds, BigInt(stake.unbondSeconds)],
      [REGISTRY_NUMBERS.leastUnlockSeconds, BigInt(vault.unlockSeconds)],
      [REGISTRY_NUMBERS.mostFeeBps, BigInt(vault.feeBps)]
    ])
  }
}

async function readKnown (path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return null
    }
    throw new CocoonError('file_unusable', `${path} cannot be read`, { cause: error })
  }
}

/** How long the registry of these begin data waits. */
function delayOf (init: string): number {
  const { data } = loadStateInit(Cell.fromBase64(init).beginParse())
  if (data == null) {
    throw new CocoonError('file_unusable', 'the registry that is kept has no data')
  }
  return parseRegistryState(data).delaySeconds
}

/**
 * The genesis of the network in a folder; made at its first start, with the registry that it is named after. A network that
 * was made without a registry stays without. Where the software has moved on since, what the kept registry lists is not what
 * would run: the chain stays, and a new registry names the network anew.
 *
 * @throws {CocoonError} file_unusable
 */
export async function localGenesis ({ folder, seed, delaySeconds = DEFAULT_REGISTRY_DELAY_SECONDS }: LocalGenesisInit): Promise<LocalGenesis> {
  const path = join(folder, 'genesis')
  const registryPath = join(folder, 'registry.boc')
  const known = await readKnown(path)
  const kept = known == null ? null : parseDevnetText(known)
  const keptInit = await readKnown(registryPath)
  if (kept != null && (kept.registry == null || keptInit == null)) {
    return { network: known ?? '', chain: toHex(kept.genesis), begin: [] }
  }
  const key = await loadOrCreateKey(join(governorHome(folder), 'keys', 'wallet.key'), seed == null ? {} : { random: () => seededBytes(seed, `${GOVERNOR}/wallet`) })
  const governor = walletAccount(ed25519Signer(key).publicKey, DEVNET_GLOBAL_ID)
  const genesis = kept?.genesis ?? (seed == null ? new Uint8Array(randomBytes(32)) : seededBytes(seed, 'genesis'))
  const contents = contentsOf(governor, kept == null || keptInit == null ? delaySeconds : delayOf(keptInit), genesis)
  const registry = accountFromAddress(registryAddress(contents))
  const init = beginCell().store(storeStateInit(registryStateInit(contents))).endCell().toBoc().toString('base64')
  const network = devnetText(genesis, registry)
  if (network !== known) {
    // The name last: a folder that has one has all.
    await writeFile(registryPath, `${init}\n`, { mode: 0o600 })
    await writeFile(path, `${network}\n`, { mode: 0o600 })
  }
  return {
    network,
    chain: toHex(genesis),
    begin: [
      { address: accountToText(registry), amountNano: REGISTRY_NANO.toString(), init },
      { address: accountToText(governor), amountNano: GOVERNOR_NANO.toString() }
    ]
  }
}

/** Lets `cocoon registry` be used with the governor's home, whose folder it gives; null for a network without a registry. */
export async function writeGovernorConfig (folder: string, { network, chainUrl }: { network: string, chainUrl: string }): Promise<string | null> {
  if (parseDevnetText(network).registry == null) {
    return null
  }
  await writeHomeConfig(governorHome(folder), { genesis: network, chainUrl })
  return governorHome(folder)
}
