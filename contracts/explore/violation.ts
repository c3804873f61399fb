/** What a run can find wrong; the table of mutants prints it. */
export type Law = 'conservation' | 'solvency' | 'consistency' | 'payout' | 'authority' | 'liveness' | 'effect' | 'notice' | 'bounce'

/** A law that a transition of the compiled contract broke. `trace`: the messages that led there. */
export class Violation extends Error {
  readonly law: Law
  readonly trace: readonly string[]

  constructor (law: Law, message: string, trace: readonly string[] = []) {
    super(message)
    this.name = 'Violation'
    this.law = law
    this.trace = trace
  }
}

/** @throws {Violation} unless it holds */
export function must (holds: boolean, law: Law, message: () => string): void {
  if (!holds) {
    throw new Violation(law, message())
  }
}
