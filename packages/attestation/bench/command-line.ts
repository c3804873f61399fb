import process from 'node:process'
import { parseArgs } from 'node:util'

type Options = Readonly<Record<string, string | undefined>>

/** The flags of a script, each with a value; prints its usage and ends it for `--help` (0) and for what it cannot take (2). */
export function commandLine (usage: string, names: readonly string[]): Options {
  const options = Object.fromEntries([...names.map(name => [name, { type: 'string' as const }]), ['help', { type: 'boolean' as const }]]) as Record<string, { type: 'string' | 'boolean' }>
  let values: Readonly<Record<string, unknown>>
  try {
    ({ values } = parseArgs({ options }))
  } catch (error) {
    return refuse(usage, error instanceof Error ? error.message : String(error))
  }
  if (values.help === true) {
    process.stdout.write(`${usage}\n`)
    process.exit(0)
  }
  return values as Options
}

/** A number above zero, or a whole one where that is asked for; `fallback` when the flag is not there. */
export function positive (usage: string, name: string, text: string | undefined, fallback: number, whole = true): number {
  const value = text == null ? fallback : Number(text)
  return value > 0 && Number.isFinite(value) && (!whole || Number.isInteger(value)) ? value : refuse(usage, `--${name} takes a number above zero`)
}

/** Says what is wrong, and ends the script with 2. */
export function refuse (usage: string, message: string): never {
  process.stderr.write(`${message}\n${usage}\n`)
  process.exit(2)
}
