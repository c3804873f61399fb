import { REGISTRY_CODE_HASH, parseRegistryState } from '@cocoon-net/contracts'
import { CocoonError, accountToText } from '@cocoon-net/protocol'
import type { RegistryState } from '@cocoon-net/contracts'
import type { TonReader } from '@cocoon-net/settlement'
import type { Cell } from '@ton/core'

/** The chain, through one endpoint or through two that must agree. */
export type RegistryReader = Pick<TonReader, 'contract'>

/** What the chain shows of a registry. */
export interface RegistryOnChain { readonly state: RegistryState, readonly data: Cell }

/**
 * Reads a registry. Code that is not ours says nothing, whatever its data looks like.
 *
 * @throws {CocoonError} chain_unavailable, chain_disagrees, registry_missing, registry_invalid
 */
export async function readRegistry (reader: RegistryReader, account: Uint8Array): Promise<RegistryOnChain> {
  const found = await reader.contract(account)
  const name = accountToText(account)
  if (found == null) {
    throw new CocoonError('registry_missing', `No registry is deployed at ${name}`)
  }
  if (found.codeHash !== REGISTRY_CODE_HASH) {
    throw new CocoonError('registry_invalid', `The contract at ${name} is no registry of this version: its code is ${found.codeHash}`)
  }
  try {
    return { state: parseRegistryState(found.data), data: found.data }
  } catch (error) {
    throw new CocoonError('registry_invalid', `What ${name} stores is no registry's state`, { cause: error })
  }
}

/**
 * Whether a state may follow the one seen before. The version grows with every change: a lower one is an older state, and
 * another state under the same version is somebody's invention.
 *
 * @throws {CocoonError} registry_invalid
 */
export function checkFollows (seen: RegistryOnChain, next: RegistryOnChain): void {
  const [before, after] = [seen.state.version, next.state.version]
  if (after < before) {
    throw new CocoonError('registry_invalid', `The chain shows version ${after} of the registry, and version ${before} was seen`)
  }
  if (after === before && !next.data.equals(seen.data)) {
    throw new CocoonError('registry_invalid', `The chain shows two states of version ${after} of the registry`)
  }
}
