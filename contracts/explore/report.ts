/** What an exploration prints. */
import type { Found } from './search.ts'

export interface ExploredWorld {
  readonly world: string
  readonly bounds: readonly string[]
  readonly found: Found
  readonly seconds: number
}

export function statesLine (found: Found, seconds: number): string {
  const perSecond = (found.transitions / seconds).toFixed(0)
  return `${found.states} states, ${found.expanded} expanded, depth ${found.depth}, ${found.transitions} transitions, ${seconds.toFixed(0)} s, ${perSecond} transitions/s`
}

function countsLine (name: string, counts: ReadonlyMap<string, number>): string {
  return `  ${name}: ${[...counts].sort(([a], [b]) => a < b ? -1 : 1).map(([kind, n]) => `${kind} ${n}`).join(', ')}`
}

/** All that is known of one explored world, a line each. */
export function reportOf ({ found, seconds }: ExploredWorld): string[] {
  return [
    `  ${statesLine(found, seconds)}; ${found.expanded === found.states ? 'closed: no further state exists within these bounds' : 'stopped at the number asked for'}`,
    `  states at each depth: ${found.atDepth.join(', ')}`,
    countsLine('obeyed', found.obeyed),
    countsLine('refused', found.refused),
    `  from every expanded state the owner gets out with at most ${found.exitMessages} messages and ${found.exitSeconds} s, and all else that is due is obeyed in one message`
  ]
}

/** One row for each world, and their sum. A law that is broken ends the exploration before this is printed. */
export function totalsTable (worlds: readonly ExploredWorld[]): string[] {
  const row = (name: string, found: Pick<Found, 'states' | 'expanded' | 'transitions'>, depth: string, closed: string): string =>
    `| ${name} | ${depth} | ${found.states} | ${found.expanded} | ${found.transitions} | ${closed} | 0 |`
  const sum = { states: 0, expanded: 0, transitions: 0 }
  for (const { found } of worlds) {
    sum.states += found.states
    sum.expanded += found.expanded
    sum.transitions += found.transitions
  }
  return [
    '\n| world | depth | states | expanded | transitions | closed | violations |\n|---|--:|--:|--:|--:|---|--:|',
    ...worlds.map(({ world, found }) => row(world, found, String(found.depth), found.expanded === found.states ? 'yes' : 'no')),
    row('all', sum, '', '')
  ]
}
