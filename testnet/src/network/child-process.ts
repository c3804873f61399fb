import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { setPriority } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CocoonError, isErrorCode } from '@cocoon-net/protocol'
import type { ChildProcess } from 'node:child_process'

/** The processes a local network consists of; each is a file of `testnet/src/bin`. */
export type EntryName = 'chain' | 'provider' | 'gateway' | 'direct'

export interface ChildInit {
  readonly entry: EntryName
  readonly name: string
  /** Standard output and error go here. */
  readonly logFile: string
  /** Scheduling priority from 0, the default, to 19, which gives way to everything. */
  readonly niceness?: number
  /** Told what the child says without being asked. */
  onEvent? (event: string, payload: any): void
}

/** A child that is configured and asked over Node's IPC channel: `{id, type, …}` out, `{id, result | error}` back. */
export interface Child {
  readonly name: string
  readonly pid: number
  readonly exited: Promise<{ code: number | null, signal: string | null }>
  /** @throws {CocoonError} the child's own coded error, timeout, stream_closed when it has exited */
  ask<T>(type: string, payload?: unknown, options?: { timeoutMs?: number }): Promise<T>
  /** Asks to stop, then ends the process when it does not within the time. */
  stop(graceMs?: number): Promise<void>
}

const ASK_TIMEOUT_MS = 60_000
const STOP_GRACE_MS = 8_000

function commandFor (entry: EntryName): string[] {
  const bundle = process.env.COCOON_BUNDLE_DIR
  if (bundle != null && bundle !== '') {
    return [join(bundle, 'testnet', 'src', 'bin', `${entry}.js`)]
  }
  return ['--conditions=source', join(dirname(fileURLToPath(import.meta.url)), '..', 'bin', `${entry}.ts`)]
}

/** Starts one process of the network. It stops by itself when this process goes away. */
export async function startChild (init: ChildInit): Promise<Child> {
  await mkdir(dirname(init.logFile), { recursive: true, mode: 0o700 })
  const log = createWriteStream(init.logFile, { flags: 'a', mode: 0o600 })
  const child: ChildProcess = spawn(process.execPath, [...commandFor(init.entry), init.name], {
    // A group of its own: an interrupt from the terminal reaches the parent alone, which stops its children in order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'json'
  })
  if (init.niceness != null && child.pid != null) {
    try {
      setPriority(child.pid, init.niceness)
    } catch {
      // It has ended already, or the system has no such thing: it only runs earlier than it should.
    }
  }
  child.stdout?.pipe(log, { end: false })
  child.stderr?.pipe(log, { end: false })
  const waiting = new Map<number, { resolve(value: unknown): void, reject(error: unknown): void }>()
  let nextId = 1
  let gone = false
  const exited = new Promise<{ code: number | null, signal: string | null }>((resolve) => {
    const end = (code: number | null, signal: string | null): void => {
      gone = true
      for (const { reject } of waiting.values()) {
        reject(new CocoonError('stream_closed', `${init.name} has exited; see ${init.logFile}`))
      }
      waiting.clear()
      log.end()
      resolve({ code, signal })
    }
    child.once('exit', end)
    child.once('error', () => { end(null, null) })
  })
  child.on('message', (message: { id?: number, event?: string, payload?: unknown, result?: unknown, error?: { code: string, message: string } }) => {
    if (typeof message.event === 'string') {
      init.onEvent?.(message.event, message.payload)
      return
    }
    const entry = message.id == null ? undefined : waiting.get(message.id)
    if (entry == null || message.id == null) {
      return
    }
    waiting.delete(message.id)
    if (message.error != null) {
      entry.reject(new CocoonError(isErrorCode(message.error.code) ? message.error.code : 'internal', `${init.name}: ${message.error.message}`))
    } else {
      entry.resolve(message.result)
    }
  })

  const ask = async <T>(type: string, payload: unknown = {}, options: { timeoutMs?: number } = {}): Promise<T> => {
    if (gone || !child.connected) {
      throw new CocoonError('stream_closed', `${init.name} has exited; see ${init.logFile}`)
    }
    const id = nextId++
    const timeoutMs = options.timeoutMs ?? ASK_TIMEOUT_MS
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(id)
        reject(new CocoonError('timeout', `${init.name} did not answer "${type}" in ${timeoutMs} ms`))
      }, timeoutMs)
      waiting.set(id, {
        resolve: (value) => {
          clearTimeout(timer)
          resolve(value as T)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        }
      })
      child.send({ id, type, payload }, (error) => {
        if (error != null) {
          waiting.get(id)?.reject(new CocoonError('stream_closed', undefined, { cause: error }))
          waiting.delete(id)
        }
      })
    })
  }

  return {
    name: init.name,
    pid: child.pid ?? 0,
    exited,
    ask,
    stop: async (graceMs = STOP_GRACE_MS) => {
      if (!gone && child.connected) {
        ask('stop', {}, { timeoutMs: graceMs }).catch(() => { /* what counts is whether it exits */ })
      }
      const timer = setTimeout(() => { child.kill('SIGKILL') }, graceMs)
      await exited
      clearTimeout(timer)
    }
  }
}
