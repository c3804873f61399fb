import { setTimeout as delay } from 'node:timers/promises'
import { asCocoonError } from '@cocoon-net/protocol'
import { startChild } from './child-process.ts'
import { identify } from './process-identity.ts'
import type { Child, EntryName } from './child-process.ts'
import type { ControlNode } from './control-file.ts'
import type { ProcessIdentity } from './process-identity.ts'

const FIRST_DELAY_MS = 1_000
const MAX_DELAY_MS = 30_000
/** A node that keeps dying has a reason that starting it again does not remove. */
const MAX_RESTARTS_IN_A_ROW = 5
/** A node that ran this long had started well. */
const HEALTHY_MS = 60_000

/** How long to wait before restart number `count` in a row, from 0; null: leave it down. */
export function restartDelayMs (count: number): number | null {
  return count >= MAX_RESTARTS_IN_A_ROW ? null : Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** count)
}

export interface SuperviseInit<R> {
  readonly entry: EntryName
  readonly role: ControlNode['role']
  readonly name: string
  readonly logFile: string
  /** Scheduling priority from 0 to 19; 19 gives way to everything. */
  readonly niceness?: number
  /** Configures a child that runs: once, and again after each restart. */
  start (child: Child, again: boolean): Promise<R>
  /** Whether a child that ended by itself is started again. */
  readonly restart: boolean
  /** Asked when a child has ended: true keeps it down. */
  staysDown? (process: ProcessIdentity): Promise<boolean>
  /** Told when the state has changed, with a sentence when a person should know. */
  onChange (sentence?: string): void
  onEvent? (event: string, payload: any): void
}

/** One process of the network, over all its restarts. */
export interface Supervised<R> {
  readonly name: string
  readonly role: ControlNode['role']
  readonly state: ControlNode['state']
  readonly process: ProcessIdentity | null
  readonly restarts: number
  /** The process that runs now, or the last one that did. */
  readonly child: Child
  /** What `start` resolved with last. */
  readonly info: R | undefined
  /** Resolves when the first `start` has. */
  readonly started: Promise<R>
  /** Ends the process and starts no other. */
  stop (): Promise<void>
}

class SupervisedNode<R> implements Supervised<R> {
  readonly name: string
  readonly role: ControlNode['role']
  readonly started: Promise<R>
  state: ControlNode['state'] = 'starting'
  process: ProcessIdentity | null = null
  restarts = 0
  info: R | undefined
  child: Child
  readonly #init: SuperviseInit<R>
  readonly #stopping = new AbortController()
  #inARow = 0
  #upSinceMs = 0
  #restarting: Promise<void> = Promise.resolve()

  constructor (init: SuperviseInit<R>, child: Child, process: ProcessIdentity | null) {
    this.#init = init
    this.name = init.name
    this.role = init.role
    this.child = child
    this.process = process
    this.#watch(child)
    this.started = this.#configure(false)
    // A caller that waits for another step first must not meet an unhandled rejection.
    this.started.catch(() => {})
  }

  async stop (): Promise<void> {
    this.#stopping.abort()
    await this.child.stop()
    await this.#restarting
    // A restart that was under way may have made one more.
    await this.child.stop()
  }

  async #configure (again: boolean): Promise<R> {
    const info = await this.#init.start(this.child, again)
    this.info = info
    this.#upSinceMs = performance.now()
    this.#set('up')
    return info
  }

  #set (state: ControlNode['state'], sentence?: string): void {
    this.state = state
    this.#init.onChange(sentence)
  }

  #watch (child: Child): void {
    void child.exited.then(({ code, signal }) => {
      if (this.#stopping.signal.aborted) {
        this.process = null
        this.#set('down')
        return
      }
      this.#restarting = this.#revive(signal ?? `exit code ${code}`).catch((error: unknown) => {
        this.#set('down', `${this.name} stays down: ${asCocoonError(error).message}`)
      })
    })
  }

  async #revive (reason: string): Promise<void> {
    const last = this.process
    this.process = null
    if (last != null && await this.#init.staysDown?.(last) === true) {
      this.#set('down', `${this.name} was killed on request and stays down`)
      return
    }
    if (!this.#init.restart || this.info == null) {
      this.#set('down', `${this.name} has ended (${reason}); see ${this.#init.logFile}`)
      return
    }
    if (performance.now() - this.#upSinceMs > HEALTHY_MS) {
      this.#inARow = 0
    }
    const waitMs = restartDelayMs(this.#inARow)
    if (waitMs == null) {
      this.#set('down', `${this.name} has ended (${reason}) ${this.#inARow + 1} times in a row and stays down; see ${this.#init.logFile}`)
      return
    }
    this.#inARow++
    this.#set('restarting', `${this.name} has ended (${reason}); starting it again`)
    try {
      await delay(waitMs, undefined, { signal: this.#stopping.signal })
      const child = await spawn(this.#init)
      this.child = child
      this.process = await identify(child.pid)
      this.restarts++
      this.#watch(child)
    } catch (error) {
      if (this.#stopping.signal.aborted) {
        return
      }
      throw error
    }
    try {
      await this.#configure(true)
      this.#init.onChange(`${this.name} is up again`)
    } catch (error) {
      if (!this.#stopping.signal.aborted) {
        this.#init.onChange(`${this.name} did not start: ${asCocoonError(error).message}`)
        // Its end is watched: the next try, or the last word, comes from there.
        void this.child.stop()
      }
    }
  }
}

async function spawn (init: Pick<SuperviseInit<unknown>, 'entry' | 'name' | 'logFile' | 'niceness' | 'onEvent'>): Promise<Child> {
  return startChild({ entry: init.entry, name: init.name, logFile: init.logFile, niceness: init.niceness, onEvent: init.onEvent })
}

/** Starts one process, configures it, and looks after it until it is stopped. */
export async function supervise<R> (init: SuperviseInit<R>): Promise<Supervised<R>> {
  const child = await spawn(init)
  return new SupervisedNode(init, child, await identify(child.pid))
}
