/**
 * What verifying a TDX quote with its collateral costs beside `@phala/dcap-qvl`, on evidence made under a test root, in
 * one run and in turn: `node --conditions=source packages/attestation/bench/verify-cost.ts [--rounds N]`. Prints one JSON
 * line.
 */
import process from 'node:process'
import { parseArgs } from 'node:util'
import { createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { QuoteVerifier } from '@phala/dcap-qvl'
import { productionPolicy } from '../src/index.ts'
import { verifyEvidenceUnder } from '../src/testing.ts'
import type { EvidenceInput } from '../src/index.ts'
import type { TrustedRoots } from '../src/testing.ts'

/** Means of the thread's CPU time, milliseconds: other programs on the machine do not count. The clock is coarse, so single times mean nothing. */
export interface VerifyCost {
  /** A machine never seen before, under the vendor's issuers, which are the same for all machines. */
  readonly newMachineMs: number
  /** Another quote of a machine seen before. */
  readonly knownMachineMs: number
  /** The same evidence again. */
  readonly rememberedMs: number
  /** The other implementation, on the same evidence as `newMachineMs`. */
  readonly otherMs: number
}

const AT_MS = Date.UTC(2026, 5, 1)
const WARM_UP = 60

interface Machine {
  readonly roots: TrustedRoots
  readonly input: EvidenceInput
  readonly next: EvidenceInput
  readonly other: { readonly verifier: QuoteVerifier, readonly collateral: Parameters<QuoteVerifier['verify']>[1] }
}

/** The other implementation compares the module's version as if it were a component, and so needs it to be low in the levels. */
function readableByBoth (info: Record<string, unknown>): Record<string, unknown> {
  const levels = info.tcbLevels as Array<{ tcb: { tdxtcbcomponents: Array<{ svn: number }> } }>
  return { ...info, tcbLevels: levels.map(level => ({ ...level, tcb: { ...level.tcb, tdxtcbcomponents: level.tcb.tdxtcbcomponents.map((one, i) => i === 1 ? { svn: 0 } : one) } })) }
}

function machineOf (index: number): Machine {
  const platform = createTdxTestPlatform({ seed: new Uint8Array(32), atMs: AT_MS, machine: index + 1 })
  const collateral = platform.collateral({ tcbInfo: readableByBoth })
  const bundle = JSON.parse(new TextDecoder().decode(collateral)) as Record<string, string>
  const bytes = (name: string): Uint8Array => new Uint8Array(Buffer.from(bundle[name], 'hex'))
  const rootPem = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----\s*$/.exec(bundle.pck_crl_issuer_chain)?.[1] ?? ''
  const lists = Object.fromEntries(['root_ca_crl', 'pck_crl', 'tcb_info_signature', 'qe_identity_signature'].map(name => [name, bytes(name)]))
  const input = { evidence: platform.quote(new Uint8Array(64)), collateral, atMs: AT_MS, policy: productionPolicy }
  return {
    roots: { intel: [platform.rootSpkiHash], amd: { Milan: [], Genoa: [], Turin: [] }, nvidia: [] },
    input,
    next: { ...input, evidence: platform.quote(new Uint8Array(64).fill(1)) },
    other: {
      verifier: QuoteVerifier.newWithRootCa(Buffer.from(rootPem, 'base64')),
      collateral: { ...bundle, ...lists } as unknown as Parameters<QuoteVerifier['verify']>[1]
    }
  }
}

function threadMs (): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

function timed (step: () => boolean, times = 1): number {
  const start = threadMs()
  for (let i = 0; i < times; i++) {
    if (!step()) {
      throw new Error('evidence that is sound did not verify')
    }
  }
  return (threadMs() - start) / times
}

/** Verifies the evidence of that many machines each way, turn about. */
export function measureVerify (rounds: number): VerifyCost {
  const spent = { fresh: 0, known: 0, remembered: 0, other: 0 }
  for (let round = 0; round < WARM_UP + rounds; round++) {
    const { roots, input, next, other } = machineOf(round)
    const ours = (one: EvidenceInput): boolean => verifyEvidenceUnder(roots, one).verdict === 'verified'
    const theirs = (): number => timed(() => other.verifier.verify(input.evidence, other.collateral, AT_MS / 1_000).status === 'UpToDate')
    const otherFirst = round % 2 === 0 ? theirs() : null
    const fresh = timed(() => ours(input))
    const known = timed(() => ours(next))
    const remembered = timed(() => ours(next), 20)
    const otherMs = otherFirst ?? theirs()
    if (round >= WARM_UP) {
      spent.fresh += fresh
      spent.known += known
      spent.remembered += remembered
      spent.other += otherMs
    }
  }
  return { newMachineMs: spent.fresh / rounds, knownMachineMs: spent.known / rounds, rememberedMs: spent.remembered / rounds, otherMs: spent.other / rounds }
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '60' } } })
process.stdout.write(`${JSON.stringify(measureVerify(Number(values.rounds)))}\n`)
