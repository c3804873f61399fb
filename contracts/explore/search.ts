/** Breadth-first search over every interleaving of a scenario's messages; each transition runs the compiled contract. */
import { Violation } from './violation.ts'
import type { Child, Expansion, Job } from './expander.ts'

/** Plays states, here or in another thread; answers in the order of the jobs. */
export interface Team {
  /** How many batches it works on at once. */
  readonly size: number
  first (): Promise<Child[]>
  expand (jobs: readonly Job[]): Promise<Expansion[]>
}

export interface SearchOptions {
  /** Ends the search once so many states are found; without this and the next it ends when no further state exists. */
  readonly maxStates?: number
  /** Ends the search once so many states are expanded. */
  readonly maxExpanded?: number
  /** Where an earlier search of the same world, code and bounds stopped. */
  readonly from?: Checkpoint
  onProgress? (found: Found, checkpoint: () => Checkpoint): void
}

/** All that a search has to know to go on; `structuredClone` and `v8.serialize` keep it whole. */
export interface Checkpoint { readonly found: Found, readonly nodes: readonly Node[], readonly seen: ReadonlySet<string> }

export interface Found {
  states: number
  /** States whose every move was played. */
  expanded: number
  /** Moves from the start to the deepest state. */
  depth: number
  /** How many states are so many moves from the start. */
  readonly atDepth: number[]
  /** Runs of the compiled contract, those of the owner's way out included. */
  transitions: number
  /** Messages that were obeyed, by kind. */
  readonly obeyed: Map<string, number>
  readonly refused: Map<string, number>
  /** Longest way out of any state. */
  exitMessages: number
  exitSeconds: number
}

interface Node {
  /** Dropped once the node is expanded. */
  packed: Uint8Array | undefined
  readonly clock: number
  readonly parent: number
  readonly label: string
  readonly depth: number
}

const BATCH = 16

function count (map: Map<string, number>, keys: readonly string[]): void {
  for (const key of keys) {
    map.set(key, (map.get(key) ?? 0) + 1)
  }
}

class Search {
  readonly found: Found
  private readonly nodes: Node[]
  private readonly seen: Set<string>
  private readonly team: Team
  private readonly options: SearchOptions

  constructor (team: Team, options: SearchOptions) {
    this.team = team
    this.options = options
    this.found = options.from?.found ?? { states: 0, expanded: 0, depth: 0, atDepth: [], transitions: 0, obeyed: new Map(), refused: new Map(), exitMessages: 0, exitSeconds: 0 }
    this.nodes = [...options.from?.nodes ?? []]
    this.seen = new Set(options.from?.seen)
  }

  /**
   * Batches are handed out in the order of their states and their answers taken in the same order, so that the states
   * found and the numbers they get do not depend on the team.
   */
  async run (): Promise<Found> {
    for (const child of this.nodes.length === 0 ? await this.team.first() : []) {
      this.add(child, this.nodes.length - 1)
    }
    const pending: Array<Promise<Expansion[]>> = []
    let next = this.found.expanded
    try {
      const { maxStates = Infinity, maxExpanded = Infinity } = this.options
      while (this.found.states < maxStates && this.found.expanded < maxExpanded) {
        while (pending.length < this.team.size && next < this.nodes.length) {
          const jobs = this.jobs(next, Math.min(next + BATCH, this.nodes.length))
          next += jobs.length
          pending.push(this.team.expand(jobs))
        }
        const done = pending.shift()
        if (done == null) {
          break
        }
        for (const expansion of await done) {
          this.take(expansion)
        }
        this.options.onProgress?.(this.found, () => ({ found: this.found, nodes: this.nodes, seen: this.seen }))
      }
    } finally {
      await Promise.allSettled(pending)
    }
    return this.found
  }

  private jobs (from: number, to: number): Job[] {
    return this.nodes.slice(from, to).map((node, i) => {
      const { clock, packed = new Uint8Array() } = node
      return { at: from + i, clock, packed }
    })
  }

  private take (expansion: Expansion): void {
    const { at, violation } = expansion
    if (violation != null) {
      throw new Violation(violation.law, violation.message, this.trace(at, violation.label))
    }
    this.nodes[at].packed = undefined
    for (const child of expansion.children) {
      this.add(child, at)
    }
    this.found.expanded++
    this.found.transitions += expansion.transitions
    this.found.exitMessages = Math.max(this.found.exitMessages, expansion.exitMessages)
    this.found.exitSeconds = Math.max(this.found.exitSeconds, expansion.exitSeconds)
    count(this.found.obeyed, expansion.obeyed)
    count(this.found.refused, expansion.refused)
  }

  private add ({ key, packed, clock, label }: Child, parent: number): void {
    if (this.seen.has(key)) {
      return
    }
    this.seen.add(key)
    const depth = parent < 0 ? 0 : this.nodes[parent].depth + 1
    this.nodes.push({ packed, clock, parent, label, depth })
    this.found.states++
    this.found.depth = Math.max(this.found.depth, depth)
    this.found.atDepth[depth] = (this.found.atDepth[depth] ?? 0) + 1
  }

  private trace (at: number, last: string): string[] {
    const out = [last]
    for (let i = at; i > 0; i = this.nodes[i].parent) {
      out.unshift(this.nodes[i].label)
    }
    return out
  }
}

/** @throws {Violation} with the messages that lead to it */
export async function search (team: Team, options: SearchOptions): Promise<Found> {
  return new Search(team, options).run()
}
