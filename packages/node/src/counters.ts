/** Counts refusals and events by code; the composition root connects it to metrics. */
export interface Counters {
  increment(name: string, labels?: Readonly<Record<string, string>>): void
}

export const noCounters: Counters = { increment: () => {} }
