import { CocoonError, EVIDENCE_KINDS } from '@cocoon-net/protocol'
import { z } from 'zod'
import { deepFreeze } from './deep-freeze.ts'
import { TCB_STATUSES } from './intel/collateral.ts'
import { simulationRootHashes, simulationRootSeed } from './simulation-roots.ts'
import type { EvidenceKind, NetworkPreset } from '@cocoon-net/protocol'

const hex32 = z.string().regex(/^[0-9a-f]{64}$/)

const svn = z.int().min(0).max(255)
const snpTcb = z.strictObject({ fmc: svn.default(0), bootLoader: svn.default(0), tee: svn.default(0), snp: svn.default(0), microcode: svn.default(0) })

const driverVersion = z.string().regex(/^\d{1,6}(\.\d{1,6}){1,3}$/)
const vbiosVersion = z.string().regex(/^[0-9a-fA-F]{2}(\.[0-9a-fA-F]{2}){4}$/)

/** "Version floors for collateral are dated: 17 from 2025-06-01, 18 from 2026-03-01." */
const EVALUATION_FLOORS = Object.freeze([{ from: '2025-06-01T00:00:00Z', number: 17 }, { from: '2026-03-01T00:00:00Z', number: 18 }])

/** Policy is data: what a client accepts. Unknown keys are refused. */
export const policySchema = z.strictObject({
  name: z.string().regex(/^[\x20-\x7e]{1,64}$/),
  /** Kinds of evidence that may pass; a GPU beside a CPU is no kind of its own, and `nvidia` means a transcript by itself. */
  allowedKinds: z.array(z.enum([...EVIDENCE_KINDS, 'sgx', 'nvidia'])).min(1),
  /** Roots that simulated evidence may stand under: SHA-256 of the root's SubjectPublicKeyInfo, hex. Never set outside a devnet. */
  simulationRoots: z.array(hex32).max(8).default([]),
  /** Measurement allow-list, hex of the whole tuple's digest; null accepts any and says so. */
  measurements: z.array(hex32).max(1_024).nullable().default(null),
  /** Run-time configuration digests, hex; null accepts any and says so. */
  runtimeConfigs: z.array(hex32).max(1_024).nullable().default(null),
  /** Hashes of processor ids, hex, whose place is known: tier `gold`. */
  goldProcessors: z.array(hex32).max(65_536).default([]),
  /** TCB statuses that pass. */
  tcbStatuses: z.array(z.enum(TCB_STATUSES)).default(['UpToDate']),
  /** How long OutOfDate is still accepted after the newest TCB level was set, milliseconds. */
  outOfDateGraceMs: z.int().min(0).max(90 * 86_400_000).default(0),
  /** Lowest evaluation number of Intel's collateral, each from a date on. A policy that leaves them out has them all the same; an empty list has none. */
  evaluationFloors: z.array(z.strictObject({ from: z.iso.datetime(), number: z.int().min(0) })).max(64).default([...EVALUATION_FLOORS]),
  /** Lowest reported TCB of AMD's chips by product; null where none is set. */
  snpMinimumTcb: z.strictObject({ Milan: snpTcb, Genoa: snpTcb, Turin: snpTcb }).partial().default({}),
  /** Lowest versions of a GPU's software, such as `550.90.07` and `96.00.9F.00.01`; null where none is set. */
  nvidiaMinimum: z.strictObject({ driver: driverVersion.nullable().default(null), vbios: vbiosVersion.nullable().default(null) }).prefault({}),
  /** How old the beacon in a binding may be, milliseconds: the evidence is no older; null for no bound but the binding's own. */
  mostEvidenceAgeMs: z.int().min(0).nullable().default(null),
  /** A beacon that cannot be checked refuses when true, and is reported as unchecked otherwise. */
  requireBeacon: z.boolean().default(true)
})

export type Policy = Readonly<z.infer<typeof policySchema>>

/** @throws {CocoonError} policy_invalid, with the key at fault */
export function parsePolicy (value: unknown): Policy {
  const result = policySchema.safeParse(value)
  if (!result.success) {
    const issue = result.error.issues[0]
    throw new CocoonError('policy_invalid', `${['policy', ...issue.path].join('.')}: ${issue.message}`)
  }
  return deepFreeze(result.data)
}

/** Hardware evidence only, and nothing simulated, whatever a network's configuration says. */
export const productionPolicy: Policy = parsePolicy({
  name: 'production',
  allowedKinds: ['tdx', 'snp']
})

/** What a devnet's clients accept: evidence under the devnet's own simulation roots, and unattested providers. */
export function devnetPolicy (network: Pick<NetworkPreset, 'networkId'>): Policy {
  return parsePolicy({
    name: 'devnet',
    allowedKinds: ['simulated', 'none'],
    simulationRoots: simulationRootHashes(simulationRootSeed(network)),
    requireBeacon: false
  })
}

/** Whether this kind of evidence can pass on this network at all. `simulated` never leaves a devnet. */
export function kindAllowed (kind: EvidenceKind, policy: Policy, network: Pick<NetworkPreset, 'kind'>): boolean {
  return policy.allowedKinds.includes(kind) && (kind !== 'simulated' || network.kind === 'devnet')
}
