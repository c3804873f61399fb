import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** A process that can be told from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it began, as the operating system says it; compared, never parsed. */
  readonly startTime: string
}

const TOOL_TIMEOUT_MS = 10_000
const POLL_MS = 25
/** Fields of /proc/PID/stat, counted from the one after the command's name, which is field 2 (proc(5)). */
const STATE_FIELD = 0
const THREADS_FIELD = 20 - 3
const START_TIME_FIELD = 22 - 3

async function outputOf (file: string, args: readonly string[]): Promise<string | null> {
  return new Promise(resolve => {
    execFile(file, args, { timeout: TOOL_TIMEOUT_MS, env: { ...process.env, LC_ALL: 'C' } }, (error, stdout) => {
      const text = stdout.trim()
      resolve(error == null && text !== '' ? text : null)
    })
  })
}

async function linuxStartTime (pid: number): Promise<string | null> {
  try {
    const [text, boot] = await Promise.all([readFile(`/proc/${pid}/stat`, 'utf8'), readFile('/proc/sys/kernel/random/boot_id', 'utf8')])
    // The name stands in parentheses and may hold any character.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    // A zombie has ended and only its parent has not looked yet, unless threads of it still hold its files and ports.
    const hasEnded = fields[STATE_FIELD] === 'X' || (fields[STATE_FIELD] === 'Z' && Number(fields[THREADS_FIELD]) <= 1)
    return hasEnded ? null : `${boot.trim()}:${fields[START_TIME_FIELD]}`
  } catch {
    return null
  }
}

/** When the process with this number began; null when there is none. */
export async function startTimeOf (pid: number): Promise<string | null> {
  if (!Number.isInteger(pid) || pid < 1) {
    return null
  }
  if (process.platform === 'linux') {
    return linuxStartTime(pid)
  }
  return process.platform === 'win32'
    ? outputOf('powershell', ['-NoProfile', '-Command', `(Get-Process -Id ${pid}).StartTime.ToFileTimeUtc()`])
    : outputOf('ps', ['-o', 'lstart=', '-p', String(pid)])
}

/** The identity of a process that runs now; null when it is gone already. */
export async function identify (pid: number): Promise<ProcessIdentity | null> {
  const startTime = await startTimeOf(pid)
  return startTime == null ? null : { pid, startTime }
}

export async function isAlive ({ pid, startTime }: ProcessIdentity): Promise<boolean> {
  return await startTimeOf(pid) === startTime
}

/** Sends a signal, to this very process and no other; false when it is gone. */
export async function signalProcess (identity: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean> {
  if (!await isAlive(identity)) {
    return false
  }
  try {
    process.kill(identity.pid, signal)
    return true
  } catch {
    return false
  }
}

/** Resolves true when the process is gone, false when it still runs after `timeoutMs`. */
export async function waitUntilGone (identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const endMs = Date.now() + timeoutMs
  while (await isAlive(identity)) {
    if (Date.now() >= endMs) {
      return false
    }
    await delay(POLL_MS)
  }
  return true
}
