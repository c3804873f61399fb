/** Who plays the states of a search: this thread, or one thread per processor. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { Machine } from './executor.ts'
import { Expander } from './expander.ts'
import { WORLDS } from './worlds.ts'
import type { Child, Expansion, Job } from './expander.ts'
import type { Team } from './search.ts'
import type { World } from './world.ts'
import type { WorldName } from './worlds.ts'

/** What a thread builds its own machine and world from. */
export interface TeamOptions {
  readonly world: WorldName
  readonly probesPerState: number
}

export interface Answer { readonly first?: Child[], readonly expansions?: Expansion[] }

/** One thread's share of the work, in this one. */
export function localTeam (machine: Machine, world: World, probesPerState: number): Team {
  const expander = new Expander(machine, world, probesPerState)
  return {
    size: 1,
    first: async () => expander.first(),
    expand: async (jobs) => {
      const out: Expansion[] = []
      for (const job of jobs) {
        const expansion = await expander.expand(job)
        out.push(expansion)
        if (expansion.violation != null) {
          break
        }
      }
      return out
    }
  }
}

export async function teamOf (options: TeamOptions): Promise<Team> {
  const machine = await Machine.create()
  return localTeam(machine, await WORLDS[options.world](machine), options.probesPerState)
}

/** Answers come back in the order of the questions, from each thread. */
class Thread {
  private readonly worker: Worker
  private last: Promise<unknown> = Promise.resolve()
  waiting = 0

  constructor (options: TeamOptions) {
    this.worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: options })
  }

  async ask (jobs: readonly Job[]): Promise<Answer> {
    this.waiting++
    const mine = this.last.then(async () => {
      this.worker.postMessage(jobs)
      // an error in the thread rejects this wait
      const [answer] = await once(this.worker, 'message')
      return answer as Answer
    })
    this.last = mine.catch(() => {})
    try {
      return await mine
    } finally {
      this.waiting--
    }
  }

  async stop (): Promise<void> {
    await this.worker.terminate()
  }
}

export interface ThreadTeam extends Team {
  stop (): Promise<void>
}

/** A team of threads; `stop` it. */
export function threadTeam (threads: number, options: TeamOptions): ThreadTeam {
  const all = Array.from({ length: threads }, () => new Thread(options))
  const idlest = (): Thread => all.reduce((best, thread) => thread.waiting < best.waiting ? thread : best)
  return {
    // while one batch is played the next one already waits
    size: 2 * threads,
    first: async () => {
      const { first } = await all[0].ask([])
      if (first == null) {
        throw new Error('a thread did not start')
      }
      return first
    },
    expand: async (jobs) => (await idlest().ask(jobs)).expansions ?? [],
    stop: async () => {
      await Promise.all(all.map(async thread => thread.stop()))
    }
  }
}
