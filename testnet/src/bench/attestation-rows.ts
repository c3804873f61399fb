import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserCost } from './browser-page.ts'
import type { ShapingCost } from './shaping-rows.ts'

/** Verification and sealing, each beside what else does the same in the same run. */
export interface PrivacyCost {
  /** Milliseconds of CPU; null where the other implementation, a development dependency, is not installed. */
  readonly verify: { readonly newMachineMs: number, readonly knownMachineMs: number, readonly rememberedMs: number, readonly otherMs: number } | null
  /** Microseconds, medians. */
  readonly seal: { readonly mlKem: string, readonly chunkUs: number, readonly aesGcmUs: number, readonly requestSealUs: number, readonly requestOpenUs: number }
  /** The same in a real browser; null where there is none. */
  readonly browser: BrowserCost | null
  readonly shaping: ShapingCost
}

const ORACLE = '@phala/dcap-qvl'
const RUN_TIMEOUT_MS = 120_000

/** Runs a program of the repository that prints one JSON line; the oracles of a package's own bench are dependencies of that package alone. */
async function run<T> (root: string, program: string, args: readonly string[]): Promise<T> {
  const child = spawn(process.execPath, ['--conditions=source', join(root, program), ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], timeout: RUN_TIMEOUT_MS })
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
  const count = ['--rounds', String(rounds)]
  return {
    verify: existsSync(join(root, 'node_modules', ORACLE)) ? await run(root, 'packages/attestation/bench/verify-cost.ts', count) : null,
    seal: await run(root, 'packages/sealing/bench/seal-cost.ts', count),
    shaping: await run(root, 'packages/node/bench/shaping-cost.ts', []),
    // No figure of a browser is worth the whole run.
    browser: await run<BrowserCost | null>(root, 'scripts/browser-bench.mjs', [String(Math.ceil(rounds / 2))]).catch((error: unknown) => {
      process.stderr.write(`\n!!! NOT MEASURED: the figures of a browser: ${error instanceof Error ? error.message : String(error)}\n\n`)
      return null
    })
  }
}

/** By what `xWingSource` says. */
const ML_KEMS: Readonly<Record<string, string>> = Object.freeze({ node: 'Node\'s own', web: 'the browser\'s own', portable: 'JavaScript' })

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
    [`a request sealed, and opened, with X-Wing (ML-KEM: ${ML_KEMS[seal.mlKem]})`, `${(seal.requestSealUs / 1_000).toFixed(2)} ms`, `${(seal.requestOpenUs / 1_000).toFixed(2)} ms`, '']
  ]
}

/** The browser's rows, wall time beside Node's CPU time: what, in the browser, in Node, ratio; and what stands for them without one. */
export function browserRows ({ verify, seal, browser }: PrivacyCost): string[][] {
  if (browser == null) {
    return [['not measured', 'no browser: apt-get install chromium', '', '']]
  }
  const row = (what: string, here: number, node: number | undefined, unit: string, digits: number): string[] =>
    [what, `${here.toFixed(digits)} ${unit}`, node == null ? '' : `${node.toFixed(digits)} ${unit}`, node == null ? '' : `× ${(here / node).toFixed(1)}`]
  return [
    row('a TDX quote with collateral', browser.knownMachineMs, verify?.knownMachineMs, 'ms', 2),
    row('the same of a machine never seen before', browser.newMachineMs, verify?.newMachineMs, 'ms', 2),
    row('the same evidence again', browser.rememberedMs, verify?.rememberedMs, 'ms', 3),
    row('a sealed chunk of 1 KiB', browser.chunkUs, seal.chunkUs, 'µs', 1),
    row('bare AES-256-GCM of the platform', browser.aesGcmUs, seal.aesGcmUs, 'µs', 1),
    row(`a request sealed with X-Wing (ML-KEM: ${ML_KEMS[browser.mlKem]})`, browser.requestSealUs / 1_000, seal.requestSealUs / 1_000, 'ms', 2),
    row('a request opened with X-Wing', browser.requestOpenUs / 1_000, seal.requestOpenUs / 1_000, 'ms', 2)
  ]
}

/** As in `Chrome/156.0.0.0`. */
export function browserName ({ browser }: PrivacyCost): string {
  return /(?:Chrome|Chromium|Firefox)\/[\d.]+/.exec(browser?.agent ?? '')?.[0] ?? 'a browser'
}
