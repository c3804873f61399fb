import { CocoonError, asCocoonError, equalBytes, parseDelegation } from '@cocoon-net/protocol'
import { DELEGATION_WARN_MS } from './constants.ts'
import type { NetworkPreset } from '@cocoon-net/protocol'

/** A delegation as an offer carries it: a bag of cells, and the owner key's signature over its hash. */
export interface ShownDelegation { readonly cell: Uint8Array, readonly signature: Uint8Array }

/** The stake that a provider sells under. */
export interface ProviderStake {
  /** Basechain account, 32 bytes. It stays the same while the provider runs: its binding names it. */
  readonly account: Uint8Array
  /**
   * The delegation that holds now; asked anew for each offer.
   *
   * @throws {CocoonError} file_unusable
   */
  delegation (): Promise<ShownDelegation>
}

export interface DelegatedStakeInit {
  readonly stake: ProviderStake
  readonly network: Pick<NetworkPreset, 'networkId'>
  readonly receiptKey: Uint8Array
  now (): number
  /** Told once of each thing that the operator should see to. */
  onWarning? (error: CocoonError): void
}

/** A provider's stake with the newest delegation that is good for it. */
export interface DelegatedStake {
  readonly account: Uint8Array
  /** The newest that is good; never throws. */
  refresh(): Promise<ShownDelegation>
  current(): ShownDelegation
}

/**
 * Reads the delegation that a provider begins with, and from then on each newer one. A later one that is not good is told of,
 * and the one before it stays.
 *
 * @throws {CocoonError} delegation_unusable, file_unusable
 */
export async function openDelegatedStake (init: DelegatedStakeInit): Promise<DelegatedStake> {
  const { stake, network, receiptKey } = init
  const told = new Set<string>()
  const warn = (key: string, error: CocoonError): void => {
    if (!told.has(key)) {
      told.add(key)
      init.onWarning?.(error)
    }
  }

  const read = async (): Promise<ShownDelegation> => {
    const shown = await stake.delegation()
    const delegation = parseDelegation(shown.cell)
    for (const [what, found, expected] of [
      ['network', delegation.networkId, network.networkId],
      ['stake', delegation.stake, stake.account],
      ['receipt key', delegation.receiptKey, receiptKey]
    ] as const) {
      if (!equalBytes(found, expected)) {
        throw new CocoonError('delegation_unusable', `The delegation is for another ${what}`)
      }
    }
    const endsMs = Number(delegation.notAfter) * 1_000
    if (endsMs <= init.now()) {
      throw new CocoonError('delegation_unusable', `The delegation ended at ${new Date(endsMs).toISOString()}`)
    }
    if (endsMs - init.now() < DELEGATION_WARN_MS) {
      warn(`ends ${endsMs}`, new CocoonError('delegation_ends', `The delegation ends at ${new Date(endsMs).toISOString()}`))
    }
    return shown
  }

  let current = await read()
  return {
    account: stake.account,
    current: () => current,
    refresh: async () => {
      try {
        current = await read()
      } catch (error) {
        const failure = asCocoonError(error, 'file_unusable')
        warn(failure.message, failure)
      }
      return current
    }
  }
}
