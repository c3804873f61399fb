import { syntheticEngine } from '@cocoon-net/engine/synthetic'
import { utf8 } from '@cocoon-net/protocol'
import type { Counters } from '../src/counters.ts'
import type { Engine, EngineEvent } from '@cocoon-net/engine'
import type { SyntheticEngineInit } from '@cocoon-net/engine/synthetic'

/** Counters that remember: `refusals` holds `service code` in order. */
export function recordingCounters (): Counters & { readonly all: ReadonlyArray<readonly [string, Readonly<Record<string, string>>]>, readonly refusals: string[], count(name: string, code: string): number } {
  const all: Array<readonly [string, Readonly<Record<string, string>>]> = []
  return {
    all,
    increment: (name, labels = {}) => { all.push([name, labels]) },
    get refusals () { return all.filter(([name]) => name === 'cocoon_refusals_total').map(([, labels]) => `${labels.service} ${labels.code}`) },
    count: (name, code) => all.filter(([n, labels]) => n === name && labels.code === code).length
  }
}

export interface RecordedEngineInit extends SyntheticEngineInit {
  /** Answers with these words instead of ` wN`. */
  readonly words?: readonly string[]
  /** Sees each event and may change it. */
  map?(event: EngineEvent, index: number): EngineEvent
  readonly attestable?: boolean
  /** Ends with the reason of an abort, as an engine behind HTTP does, instead of with a last event. */
  readonly throwsOnAbort?: boolean
}

/** The synthetic engine, with a count of its runs and a vocabulary of choice. */
export function recordedEngine (init: RecordedEngineInit = {}): Engine & { readonly runs: number } {
  const inner = syntheticEngine(init)
  let runs = 0
  return {
    ...inner,
    attestable: init.attestable ?? true,
    get runs () { return runs },
    generate: async function * (request, options) {
      runs++
      let index = 0
      const signal = init.throwsOnAbort === true ? new AbortController().signal : options?.signal
      for await (const event of inner.generate(request, { ...options, signal })) {
        if (init.throwsOnAbort === true) {
          options?.signal?.throwIfAborted()
        }
        const worded = event.type === 'token' && init.words != null ? { ...event, bytes: utf8(` ${init.words[index % init.words.length]}`) } : event
        yield init.map?.(worded, index) ?? worded
        index += event.type === 'token' ? 1 : 0
      }
    }
  }
}
