import { CocoonError, accountToText } from '@cocoon-net/protocol'
import { stakeFaults, vaultFaults } from './registry-judge.ts'
import type { RegistryJudgement } from './registry-judge.ts'
import type { Policy } from '@cocoon-net/attestation'
import type { NetworkRules } from '@cocoon-net/node'
import type { NetworkPreset } from '@cocoon-net/protocol'

/** A floor of the registry holds from the beginning of time: what counts is when it is read. */
const ALWAYS = '1970-01-01T00:00:00Z'

/**
 * A client's policy with what the registry says. A measurement allow-list that the policy brings stands instead of the
 * registry's; floors and ages only ever tighten. Pure; `registry` is its account, 32 bytes.
 */
export function policyUnder (policy: Policy, { version, allowed, numbers }: RegistryJudgement, registry: Uint8Array): Policy {
  const floor = numbers.intelCollateralFloor
  const mostAgeMs = numbers.mostEvidenceAgeSeconds == null ? null : Number(numbers.mostEvidenceAgeSeconds) * 1_000
  return Object.freeze({
    ...policy,
    name: `${policy.name} (registry ${accountToText(registry)}, version ${version})`,
    measurements: policy.measurements ?? [...allowed.measurement],
    evaluationFloors: floor == null ? policy.evaluationFloors : [...policy.evaluationFloors, { from: ALWAYS, number: Number(floor) }],
    mostEvidenceAgeMs: mostAgeMs == null ? policy.mostEvidenceAgeMs : Math.min(mostAgeMs, policy.mostEvidenceAgeMs ?? Infinity)
  })
}

export interface RegistryRulesInit {
  readonly network: NetworkPreset
  /** The client's own. */
  readonly policy: Policy
  /** The newest state that counts, or null while none is known. */
  current (): RegistryJudgement | null
}

/**
 * What a node's roles ask for each use, from memory: under a network without a registry the client's own policy alone; under
 * one whose state is not known, nothing where coins are worth something, and the own policy on a devnet.
 */
export function registryRules ({ network, policy, current }: RegistryRulesInit): NetworkRules {
  const { registry } = network
  if (registry == null) {
    return { policy: () => policy, refusal: () => null, isListed: () => null, stakeRefusal: () => null, leastStakeNano: () => 0n }
  }
  const name = `The registry ${accountToText(registry)}`
  // One object for each state: who holds a verdict sees by the object whether it still stands.
  let derived: { readonly from: RegistryJudgement, readonly policy: Policy, readonly vault: string[], readonly stake: string[], readonly models: ReadonlySet<string> } | undefined
  const known = (): typeof derived => {
    const from = current()
    if (from == null) {
      return undefined
    }
    if (derived?.from !== from) {
      derived = { from, policy: policyUnder(policy, from, registry), vault: vaultFaults(from, network), stake: stakeFaults(from, network), models: new Set(from.allowed.model) }
    }
    return derived
  }
  const refused = (faults: readonly string[]): CocoonError | null =>
    faults.length === 0 ? null : new CocoonError('registry_refused', `${name} does not allow it: ${faults.join('; ')}`)
  const unknown = (): CocoonError | null =>
    network.kind === 'devnet' ? null : new CocoonError('registry_unknown', `${name} could not be read, or not for too long`)
  return {
    policy: () => known()?.policy ?? policy,
    refusal: () => {
      const state = known()
      return state == null ? unknown() : refused(state.vault)
    },
    stakeRefusal: () => {
      const state = known()
      return state == null ? unknown() : refused(state.stake)
    },
    leastStakeNano: () => known()?.from.numbers.leastStakeNano ?? 0n,
    isListed: (digest) => {
      const models = known()?.models
      return models == null || models.size === 0 ? null : models.has(digest)
    }
  }
}
