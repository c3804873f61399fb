import { CLIENT_VAULT_CODE_HASH, PROVIDER_STAKE_CODE_HASH, REGISTRY_KINDS, REGISTRY_NUMBERS } from '@cocoon-net/contracts'
import { toHex } from '@cocoon-net/protocol'
import type { RegistryKind, RegistryState } from '@cocoon-net/contracts'
import type { NetworkPreset } from '@cocoon-net/protocol'

export type RegistryNumber = keyof typeof REGISTRY_NUMBERS

/** A loosening that was proposed. It does not act before somebody sends the message for it, and that fails before `readyAt`. */
export interface ComingChange {
  readonly what: RegistryKind | RegistryNumber | 'governor'
  /** A hash or an account as 64 hex digits, a number as decimal digits; null where a bound is to be lifted. */
  readonly value: string | null
  /** Unix seconds. */
  readonly readyAt: number
  /** Whether anyone may let it act now. */
  readonly isReady: boolean
}

/** What a registry allows at a time, and what is about to be allowed. */
export interface RegistryJudgement {
  readonly version: number
  /** Basechain account, 32 bytes. */
  readonly governor: Uint8Array
  /** How long a loosening waits. */
  readonly delaySeconds: number
  /** Hashes in force by kind, 64 hex digits each, sorted. */
  readonly allowed: Readonly<Record<RegistryKind, readonly string[]>>
  /** Bounds in force by name; a name that is left out has none. */
  readonly numbers: Readonly<Partial<Record<RegistryNumber, bigint>>>
  /** Soonest first. */
  readonly coming: readonly ComingChange[]
}

const NAMES: ReadonlyMap<number, RegistryNumber> = new Map(Object.entries(REGISTRY_NUMBERS).map(([name, id]) => [id, name as RegistryNumber]))

/**
 * What a registry's state means at a time. Pure. Only what is listed counts: a proposal whose time has come counts when it
 * has acted. Numbers that this version does not know are left out.
 *
 * @param state - as `parseRegistryState` reads it
 * @param atSeconds - unix seconds
 */
export function judgeRegistry (state: RegistryState, atSeconds: number): RegistryJudgement {
  const change = (what: ComingChange['what'], value: string | null, readyAt: number): ComingChange => ({ what, value, readyAt, isReady: readyAt <= atSeconds })
  const listed = (kind: RegistryKind): readonly string[] => state.entries.filter(entry => entry.kind === kind).map(({ hash }) => toHex(hash)).sort()
  const numberChange = ([id, { value, readyAt }]: readonly [number, { readonly value: bigint | undefined, readonly readyAt: number }]): ComingChange[] => {
    const name = NAMES.get(id)
    return name == null ? [] : [change(name, value?.toString() ?? null, readyAt)]
  }
  const coming = [
    ...state.comingEntries.map(({ kind, hash, readyAt }) => change(kind, toHex(hash), readyAt)),
    ...[...state.comingNumbers].flatMap(numberChange),
    ...(state.nextGovernor == null ? [] : [change('governor', toHex(state.nextGovernor.account), state.nextGovernor.readyAt)])
  ]
  return {
    version: state.version,
    governor: state.governor,
    delaySeconds: state.delaySeconds,
    allowed: Object.fromEntries(REGISTRY_KINDS.map(kind => [kind, listed(kind)])) as Record<RegistryKind, string[]>,
    numbers: Object.fromEntries([...state.numbers].flatMap(([id, value]) => NAMES.has(id) ? [[NAMES.get(id), value]] : [])),
    coming: coming.sort((a, b) => a.readyAt - b.readyAt)
  }
}

/** Code that this software would deploy, hex of the code's hash. */
export interface OwnCode { readonly vault: string, readonly stake: string }

const OWN_CODE: OwnCode = Object.freeze({ vault: CLIENT_VAULT_CODE_HASH, stake: PROVIDER_STAKE_CODE_HASH })

/**
 * Why the vaults of a network are outside of what its registry allows; empty when they are within. Pure. The terms are those
 * that this software builds vaults with.
 */
export function vaultFaults ({ allowed, numbers }: RegistryJudgement, network: Pick<NetworkPreset, 'vault'>, code: OwnCode = OWN_CODE): string[] {
  const { feeBps, unlockSeconds } = network.vault
  return [
    ...(allowed.vaultCode.includes(code.vault) ? [] : [`the vault code ${code.vault} is not listed`]),
    ...(numbers.mostFeeBps != null && BigInt(feeBps) > numbers.mostFeeBps ? [`the fee of ${feeBps} basis points is above ${numbers.mostFeeBps}`] : []),
    ...(numbers.leastUnlockSeconds != null && BigInt(unlockSeconds) < numbers.leastUnlockSeconds ? [`an unlock of ${unlockSeconds} s is below ${numbers.leastUnlockSeconds} s`] : [])
  ]
}

/** Why stakes under a network's terms do not count; empty when they do. Pure. */
export function stakeFaults ({ allowed, numbers }: RegistryJudgement, network: Pick<NetworkPreset, 'stake'>, code: OwnCode = OWN_CODE): string[] {
  const { unbondSeconds } = network.stake
  return [
    ...(allowed.stakeCode.includes(code.stake) ? [] : [`the stake code ${code.stake} is not listed`]),
    ...(numbers.leastUnbondSeconds != null && BigInt(unbondSeconds) < numbers.leastUnbondSeconds ? [`an unbonding of ${unbondSeconds} s is below ${numbers.leastUnbondSeconds} s`] : [])
  ]
}
