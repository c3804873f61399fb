/** What the exploration needs to know of a contract and of the bounds that it is explored in. */
import type { Account, Envelope, Machine, Step } from './executor.ts'
import type { Cell } from '@ton/core'

/** A message to the contract. */
export interface Sent { readonly kind: string, readonly label: string, readonly envelope: Envelope }

/** How a party got out: its messages and its waiting, seconds. */
export interface Exit { readonly messages: number, readonly seconds: number }

/** What was already run from a state: the account that each message left behind, by label. */
export type Ran = ReadonlyMap<string, Account>

/** Which of the messages that are not sent in every state are sent in this one: so many, from this one on. */
export interface Turn { readonly from: number, readonly count: number }

/** The messages to send in a state. */
export interface Deeds<D extends Sent = Sent> {
  /** Those whose outcome is a state to go on from. */
  readonly followed: readonly D[]
  /** Those that are only held against the laws. */
  readonly tried: readonly D[]
}

/** Some of a list, each at its turn. */
export function inTurn<D> (list: readonly D[], { from, count }: Turn): D[] {
  return Array.from({ length: Math.min(count, list.length) }, (_, i) => list[(from + i) % list.length])
}

export interface World<D extends Sent = Sent> {
  readonly name: string
  /** Scenario bounds, a line each. */
  readonly bounds: readonly string[]
  /** Unix seconds, ascending. */
  readonly clock: readonly number[]
  readonly start: Account
  /** One way through the contract's life; its states are expanded first, so that little is enough to see much. */
  readonly life: ReadonlyArray<D | 'clock'>
  /** Two states with one key are one state. */
  keyOf (account: Account, now: number): string
  /** All messages to send in a state: those that have to be obeyed, and some others. */
  deeds (account: Account, now: number, turn: Turn): Deeds<D>
  /** Whether the message was obeyed; throws a `Violation` when a law is broken. */
  check (before: Account, deed: D, step: Step, now: number): boolean
  /** Plays the parties' ways out of a state; `at` is the state's number. Throws a `Violation` when there is none. */
  leave (account: Account, now: number, at: number, ran: Ran): Promise<Exit>
}

/** Makes a world on a machine, of other code than the committed one if given. */
export type WorldMaker = (machine: Machine, code?: Cell) => Promise<World>
