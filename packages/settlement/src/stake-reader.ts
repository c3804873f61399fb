import { PROVIDER_STAKE_CODE_HASH, parseProviderStakeState, providerStakeAddress } from '@cocoon-net/contracts'
import { accountFromAddress, equalBytes } from '@cocoon-net/protocol'
import type { TonReader } from './ton-port.ts'
import type { ProviderStakeState } from '@cocoon-net/contracts'
import type { NetworkPreset } from '@cocoon-net/protocol'

/** A provider's stake as the chain shows it. */
export interface StakeOnChain {
  /** What counts, nanoTON; what unbonds counts as nothing. */
  readonly bondedNano: bigint
  /** A key of the stake contradicted itself: it never counts again. */
  readonly isSlashed: boolean
  /** Ed25519, 32 bytes: signs the delegations of receipt keys. */
  readonly ownerKey: Uint8Array
}

/**
 * Reads a stake, or null where the account is none of this network's: not deployed, of other code, or with other terms.
 *
 * protocol.md: "A node accepts a stake only if its address equals the StateInit that it builds itself from a listed code and
 * the preset's networkId, owner and durations". Owner and owner key are what the contract itself shows: with others it would
 * have another address.
 *
 * @throws {CocoonError} chain_unavailable, chain_disagrees
 */
export async function readStake (reader: Pick<TonReader, 'contract'>, network: Pick<NetworkPreset, 'networkId' | 'stake'>, account: Uint8Array): Promise<StakeOnChain | null> {
  const contract = await reader.contract(account)
  if (contract == null || contract.codeHash !== PROVIDER_STAKE_CODE_HASH) {
    return null
  }
  let state: ProviderStakeState
  try {
    state = parseProviderStakeState(contract.data)
  } catch {
    return null
  }
  const address = providerStakeAddress({ account: state.owner, ownerKey: state.ownerKey }, { networkId: network.networkId, ...network.stake })
  return equalBytes(accountFromAddress(address), account) ? { bondedNano: state.bondedNano, isSlashed: state.slashed, ownerKey: state.ownerKey } : null
}
