import { execFile, spawn } from 'node:child_process'
import { readFile, readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'aegir/chai'
import { identify, signalProcess, waitUntilGone } from '../../src/network/process-identity.ts'
import type { ChildProcess } from 'node:child_process'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
const LINE_TIMEOUT_MS = 60_000
const FINISH_TIMEOUT_MS = 50_000
const GONE_TIMEOUT_MS = 20_000
const CONNECT_TIMEOUT_MS = 5_000
const POLL_MS = 20

/** A program of the repository as a user starts it, in a process group of its own. */
export interface Program {
  readonly pid: number
  readonly exited: Promise<{ code: number | null, signal: string | null }>
  out (): string
  err (): string
  /** The first line of either stream that matches; rejects when the program ends before, or after a deadline. */
  line (pattern: RegExp): Promise<string>
  /** Signals the whole group, as a terminal does. */
  signalGroup (signal: NodeJS.Signals): void
  /** Ends the standard input that was left open. */
  closeInput (): void
}

export interface RunOptions {
  readonly home: string
  /** Default: nothing to read from the first. */
  readonly stdin?: 'closed' | 'open'
  /** Runs through npm instead of the script that npm runs. */
  readonly npm?: boolean
}

function environment (home: string): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries({ ...process.env, COCOON_HOME: home, COCOON_BUNDLE_DIR: undefined, NODE_OPTIONS: undefined, FORCE_COLOR: undefined, NO_COLOR: '1' })
    .filter(([name, value]) => value != null && (!name.startsWith('COCOON_') || name === 'COCOON_HOME')))
}

/** Starts `npm start -- ARGS`, or `npm run cocoon -- ARGS`. */
export function run (script: 'start' | 'cocoon', args: readonly string[], options: RunOptions): Program {
  const [file, ...rest] = options.npm === true
    ? ['npm', '--silent', 'run', script, '--', ...args]
    : [process.execPath, join(ROOT, 'scripts', `${script}.mjs`), ...args]
  const child: ChildProcess = spawn(file, rest, { cwd: ROOT, detached: true, env: environment(options.home), stdio: [options.stdin === 'open' ? 'pipe' : 'ignore', 'pipe', 'pipe'] })
  const text = { out: '', err: '' }
  const watchers = new Set<() => void>()
  const wake = (): void => { watchers.forEach(watch => { watch() }) }
  let ended = false
  child.stdout?.on('data', (data: Buffer) => {
    text.out += data.toString()
    wake()
  })
  child.stderr?.on('data', (data: Buffer) => {
    text.err += data.toString()
    wake()
  })
  const exited = new Promise<{ code: number | null, signal: string | null }>(resolve => {
    child.once('close', (code, signal) => {
      ended = true
      wake()
      resolve({ code, signal })
    })
  })
  return {
    pid: child.pid ?? 0,
    exited,
    out: () => text.out,
    err: () => text.err,
    line: async (pattern) => new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        watchers.delete(look)
        clearTimeout(timer)
        act()
      }
      const look = (): void => {
        const complete = [text.out, text.err].flatMap(stream => stream.split('\n').slice(0, -1))
        const found = complete.find(line => pattern.test(line))
        if (found != null) {
          finish(() => { resolve(found) })
        } else if (ended) {
          finish(() => { reject(new Error(`ended before ${String(pattern)}:\n${text.err}\n${text.out}`)) })
        }
      }
      const timer = setTimeout(() => { finish(() => { reject(new Error(`no ${String(pattern)} in ${LINE_TIMEOUT_MS} ms:\n${text.err}\n${text.out}`)) }) }, LINE_TIMEOUT_MS)
      watchers.add(look)
      look()
    }),
    signalGroup: (signal) => { process.kill(-(child.pid ?? 0), signal) },
    closeInput: () => { child.stdin?.end() }
  }
}

/** Runs a program to its end, which comes before a deadline or is an error that shows what it printed. */
export async function finish (script: 'start' | 'cocoon', args: readonly string[], options: RunOptions): Promise<{ code: number | null, out: string, err: string, last: any }> {
  const program = run(script, args, options)
  const timer = setTimeout(() => { program.signalGroup('SIGKILL') }, FINISH_TIMEOUT_MS)
  const { code, signal } = await program.exited
  clearTimeout(timer)
  if (signal != null) {
    throw new Error(`${script} ${args.join(' ')} ended with ${signal}:\n${program.err()}\n${program.out()}`)
  }
  const last = program.out().trimEnd().split('\n').at(-1) ?? ''
  return { code, out: program.out(), err: program.err(), last: last.startsWith('{') ? JSON.parse(last) : undefined }
}

/** Processes, other than this one, that were given this home. Reads what Linux says of them. */
export async function processesOf (home: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number).filter(pid => pid !== process.pid)
  const found = await Promise.all(pids.map(async pid => {
    // A process that has just ended has nothing to read, and a zombie has an empty environment.
    const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
    return environ.split('\0').includes(`COCOON_HOME=${home}`) ? pid : null
  }))
  return found.filter(pid => pid != null)
}

/** Resolves with the processes of a home that are left after the deadline: none, it is hoped. */
export async function leftOver (home: string): Promise<number[]> {
  const endMs = Date.now() + GONE_TIMEOUT_MS
  let found = await processesOf(home)
  while (found.length > 0 && Date.now() < endMs) {
    await new Promise(resolve => { setTimeout(resolve, POLL_MS) })
    found = await processesOf(home)
  }
  return found
}

/** Kills every process of a home at once, and waits until the system has closed what they held open. */
export async function killEverything (home: string): Promise<void> {
  // More than once, since one of them may have been about to start another.
  for (let pids = await processesOf(home); pids.length > 0; pids = await processesOf(home)) {
    const processes = (await Promise.all(pids.map(identify))).filter(identity => identity != null)
    await Promise.all(processes.map(async identity => signalProcess(identity, 'SIGKILL')))
    const gone = await Promise.all(processes.map(async identity => waitUntilGone(identity, GONE_TIMEOUT_MS)))
    expect(gone).to.not.include(false)
  }
}

/** Lets the processes that this one starts run from the bundle, as those of `npm start` do; resolves with how to undo it. */
export async function useBundle (): Promise<() => void> {
  const script = `import { ensureBundle, entryCommand } from ${JSON.stringify(pathToFileURL(join(ROOT, 'scripts', 'bundle.mjs')).href)}
    console.log(JSON.stringify(entryCommand('testnet/src/bin/start.ts', await ensureBundle()).env))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env: environment('') })
  const names = ['COCOON_BUNDLE_DIR', 'NODE_COMPILE_CACHE', 'NODE_OPTIONS']
  const before = names.map(name => [name, process.env[name]] as const)
  Object.assign(process.env, JSON.parse(stdout))
  // The tests' own module conditions are not for them.
  delete process.env.NODE_OPTIONS
  return () => {
    for (const [name, value] of before) {
      if (value == null) {
        Reflect.deleteProperty(process.env, name)
      } else {
        process.env[name] = value
      }
    }
  }
}

/** Whether something listens at the address of this URL. */
export async function listens (url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  return new Promise(resolve => {
    const socket = connect({ host: hostname, port: Number(port) })
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => { socket.destroy(new Error('no answer')) })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => { resolve(false) })
  })
}

/** One chat through a gateway, not streamed. */
export async function chat (gateway: string, model: string, body: object = {}): Promise<{ status: number, provider: string, jobId: string, costNano: bigint, text: string }> {
  const response = await fetch(`${gateway}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Tell me a story about a fox.' }], ...body }),
    signal: AbortSignal.timeout(30_000)
  })
  const answer = await response.json() as any
  return {
    status: response.status,
    provider: response.headers.get('x-cocoon-provider') ?? '',
    jobId: response.headers.get('x-cocoon-job') ?? '',
    costNano: BigInt(answer.usage?.cost_nano ?? 0),
    text: answer.choices?.[0]?.message?.content ?? ''
  }
}
