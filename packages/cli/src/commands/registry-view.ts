import { judgeRegistry, readRegistry, stakeFaults, vaultFaults } from '@cocoon-net/cocoon/registry'
import { CLIENT_VAULT_CODE_HASH, PROVIDER_STAKE_CODE_HASH } from '@cocoon-net/contracts'
import { CocoonError, accountToText } from '@cocoon-net/protocol'
import { EXIT_DONE } from '../exit-codes.ts'
import { printResult, tableText, tonText } from '../output.ts'
import { withProgress } from '../progress.ts'
import { wordOf } from './registry-words.ts'
import { timeText } from './vault-view.ts'
import { accountArgument, friendlyText, networkOfConfig, openChain, openPort } from './wallet-access.ts'
import type { Command, Invocation } from '../invocation.ts'
import type { RegistryJudgement, RegistryNumber } from '@cocoon-net/cocoon/registry'
import type { RegistryKind } from '@cocoon-net/contracts'
import type { NetworkPreset } from '@cocoon-net/protocol'
import type { TonReader } from '@cocoon-net/settlement'

/** A registry as the chain shows it. */
export interface RegistryView {
  readonly network: NetworkPreset
  readonly account: Uint8Array
  readonly judged: RegistryJudgement
}

/** What is said where a network has none. */
export function noRegistryText (network: NetworkPreset): string {
  return network.kind === 'devnet'
    ? 'This devnet was made without a registry: each client decides by its own policy.'
    : `No registry is deployed on ${network.name} yet: each client decides by its own policy, and the terms of vaults and stakes are those of this software.`
}

/**
 * The account of the registry that is meant: the one that the network is named after, or the one that --registry names.
 *
 * @throws {CocoonError} registry_missing, usage
 */
export function registryAccount (invocation: Invocation, network: NetworkPreset): Uint8Array {
  const { registry } = invocation.options
  if (registry !== undefined) {
    return accountArgument(invocation, String(registry), 'the registry')
  }
  if (network.registry == null) {
    throw new CocoonError('registry_missing', noRegistryText(network))
  }
  return network.registry
}

/** @throws {CocoonError} registry_missing, registry_invalid, chain_unavailable, chain_disagrees */
export async function readRegistryView (port: Pick<TonReader, 'contract'>, network: NetworkPreset, account: Uint8Array, nowMs: number): Promise<RegistryView> {
  const { state } = await readRegistry(port, account)
  return { network, account, judged: judgeRegistry(state, Math.floor(nowMs / 1_000)) }
}

/** The network, and how its chain is read: needs neither wallet nor, for its name, the chain where the configuration names it. */
async function networkOf (invocation: Invocation): Promise<{ network: NetworkPreset, openReader (): Promise<TonReader> }> {
  if ((invocation.config.network ?? 'devnet') === 'devnet' && invocation.config.devnetGenesis === undefined) {
    const { network, port } = await openChain(invocation)
    return { network, openReader: async () => port }
  }
  const network = networkOfConfig(invocation)
  return { network, openReader: async () => openPort(invocation, network) }
}

const OWN_CODE: ReadonlySet<string> = new Set([CLIENT_VAULT_CODE_HASH, PROVIDER_STAKE_CODE_HASH])

function numberText (name: string, value: bigint): string {
  return name.endsWith('Nano') ? `${tonText(value)} TON` : String(value)
}

/** For programs; hashes are hex, times ISO 8601, numbers decimal strings. */
export function registryObject ({ network, account, judged }: RegistryView): object {
  const faults = { vault: vaultFaults(judged, network), stake: stakeFaults(judged, network) }
  return {
    network: network.name,
    registry: accountToText(account),
    deployed: true,
    version: judged.version,
    governor: accountToText(judged.governor),
    delaySeconds: judged.delaySeconds,
    allowed: judged.allowed,
    numbers: judged.numbers,
    coming: judged.coming.map(({ what, value, readyAt, isReady }) => ({ what, value, readyAt: timeText(readyAt), isReady })),
    vaultFaults: faults.vault,
    stakeFaults: faults.stake
  }
}

function textOf ({ network, account, judged }: RegistryView): string {
  const faults = { vault: vaultFaults(judged, network), stake: stakeFaults(judged, network) }
  const listed = (Object.entries(judged.allowed) as Array<[RegistryKind, readonly string[]]>).flatMap(([kind, hashes]) => hashes.map(hex => [wordOf(kind), hex, OWN_CODE.has(hex) ? 'the code of this software' : '']))
  const numbers = (Object.entries(judged.numbers) as Array<[RegistryNumber, bigint]>).map(([name, value]) => [wordOf(name), numberText(name, value)])
  const coming = judged.coming.map(({ what, value, readyAt, isReady }) =>
    [wordOf(what), value ?? 'no bound', timeText(readyAt), isReady ? 'anyone may let it act now' : 'does not act before'])
  return [
    `registry  ${friendlyText(account, network)} (${network.name}), version ${judged.version}`,
    `governor  ${friendlyText(judged.governor, network)}`,
    `delay     ${judged.delaySeconds} s before anything is loosened; what tightens acts at once`,
    ...faults.vault.map(fault => `NOT ALLOWED: ${fault}. Nothing is bought or sold by this software.`),
    ...faults.stake.map(fault => `NOT ALLOWED: ${fault}. No stake counts for this software.`),
    '',
    listed.length === 0 ? 'Lists nothing.' : tableText(['allowed', 'hash', ''], listed),
    '',
    numbers.length === 0 ? 'Sets no bounds.' : tableText(['bound', 'value'], numbers),
    '',
    coming.length === 0 ? 'Nothing is coming.' : tableText(['coming', 'value', 'from', ''], coming)
  ].join('\n')
}

/** What the network allows, what is coming and from when, who governs. */
export const registryShow: Command = async invocation => {
  const { network, openReader } = await networkOf(invocation)
  if (network.registry == null && invocation.options.registry === undefined) {
    printResult(invocation.context, invocation.json, { network: network.name, registry: null, deployed: false }, () => noRegistryText(network))
    return EXIT_DONE
  }
  const account = registryAccount(invocation, network)
  const port = await openReader()
  const view = await withProgress(invocation.context, 'Reading the chain', async () => readRegistryView(port, network, account, port.nowMs()))
  printResult(invocation.context, invocation.json, registryObject(view), () => textOf(view))
  return EXIT_DONE
}
