import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Verification and sealing, each beside what else does the same in the same run. */
export interface PrivacyCost {
  /** Milliseconds of CPU; null where the other implementation, a development dependency, is not installed. */
  readonly verify: { readonly newMachineMs: number, readonly knownMachineMs: number, readonly rememberedMs: number, readonly otherMs: number } | null
  /** Microseconds, medians. */
  readonly seal: { readonly chunkUs: number, readonly aesGcmUs: number, readonly requestSealUs: number, readonly requestOpenUs: number }
}

const ORACLE = '@phala/dcap-qvl'
const RUN_TIMEOUT_MS = 120_000

/** Runs a package's own bench program, which prints one JSON line; its oracles are dependencies of that package alone. */
async function run<T> (root: string, program: string, rounds: number): Promise<T> {
  const child = spawn(process.execPath, ['--conditions=source', join(root, program), '--rounds', String(rounds)], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], timeout: RUN_TIMEOUT_MS })
  let text = ''
  child.stdout.on('data', (data: Buffer) => { text += data.toString() })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) {
    throw new Error(`${program} ended with exit code ${code ?? 'none'}`)
  }
  return JSON.parse(text) as T
}

/** Measures verification and sealing; `root` is the repository's folder. */
export async function measurePrivacy (root: string, rounds: number): Promise<PrivacyCost> {
  return {
    verify: existsSync(join(root, 'node_modules', ORACLE)) ? await run(root, 'packages/attestation/bench/verify-cost.ts', rounds) : null,
    seal: await run(root, 'packages/sealing/bench/seal-cost.ts', rounds)
  }
}

/** The rows of the table: what, this, instead, ratio. */
export function privacyRows ({ verify, seal }: PrivacyCost): string[][] {
  const row = (what: string, mine: number, instead: number, unit: string): string[] => [what, `${mine.toFixed(2)} ${unit}`, `${instead.toFixed(2)} ${unit}`, `× ${(mine / instead).toFixed(2)}`]
  const verification = verify == null
    ? [['a TDX quote with collateral', 'not measured', `${ORACLE} is not installed: npm ci`, '']]
    : [
        row(`a TDX quote with collateral, beside ${ORACLE}`, verify.knownMachineMs, verify.otherMs, 'ms'),
        row('the same of a machine never seen before', verify.newMachineMs, verify.otherMs, 'ms'),
        ['the same evidence again (goal: under 0.1 ms)', `${verify.rememberedMs.toFixed(3)} ms`, '', '']
      ]
  return [
    ...verification,
    row('a sealed chunk of 1 KiB, beside bare AES-256-GCM', seal.chunkUs, seal.aesGcmUs, 'µs'),
    ['a request sealed, and opened, with X-Wing', `${(seal.requestSealUs / 1_000).toFixed(2)} ms`, `${(seal.requestOpenUs / 1_000).toFixed(2)} ms`, '']
  ]
}
