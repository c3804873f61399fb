import { Counter } from 'prom-client'
import { MAX_LABEL_SETS } from './constants.ts'
import type { Registry } from 'prom-client'

/** What a component needs to count; names are metric names without prefix, labels are bounded words such as codes. */
export interface Counters {
  increment (name: string, labels?: Readonly<Record<string, string>>): void
}

interface Family {
  readonly counter: Counter
  readonly labelNames: readonly string[]
  readonly seen: Set<string>
}

/**
 * Counters on a Prometheus registry. A family is made by its first increment, `cocoon_<name>_total`; later increments
 * use that family's label names. Past MAX_LABEL_SETS label sets every value becomes `other`, so that nothing a
 * stranger sends can grow the registry without end.
 */
export function prometheusCounters (registry: Registry): Counters {
  const families = new Map<string, Family>()

  return {
    increment (name: string, labels: Readonly<Record<string, string>> = {}): void {
      let family = families.get(name)
      if (family === undefined) {
        const labelNames = Object.keys(labels)
        family = {
          counter: new Counter({ name: `cocoon_${name}_total`, help: `Count of ${name.replaceAll('_', ' ')}.`, labelNames, registers: [registry] }),
          labelNames,
          seen: new Set()
        }
        families.set(name, family)
      }
      const values: Record<string, string> = {}
      for (const label of family.labelNames) {
        values[label] = labels[label] ?? ''
      }
      const key = JSON.stringify(values)
      if (!family.seen.has(key)) {
        if (family.seen.size >= MAX_LABEL_SETS) {
          for (const label of family.labelNames) {
            values[label] = 'other'
          }
        } else {
          family.seen.add(key)
        }
      }
      family.counter.inc(values)
    }
  }
}
