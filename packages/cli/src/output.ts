import Table from 'cli-table3'
import pc from 'picocolors'
import type { CliContext } from './context.ts'
import type { CocoonError } from '@cocoon-net/protocol'

const NANO = 1_000_000_000n

/** nanoTON as TON, exact, without trailing zeros: 1500000000n → `1.5`. */
export function tonText (nano: bigint): string {
  const sign = nano < 0n ? '-' : ''
  const value = nano < 0n ? -nano : nano
  const rest = (value % NANO).toString().padStart(9, '0').replace(/0+$/, '')
  return `${sign}${value / NANO}${rest === '' ? '' : `.${rest}`}`
}

// What peers and servers wrote must not steer the terminal.
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** Text of strangers without control characters; line breaks and tabs stay. */
export function printable (text: string): string {
  return text.replace(CONTROL, '')
}

export function toJson (value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => typeof item === 'bigint' ? item.toString() : item)
}

/** The result of a command: one JSON line for programs, or what `human` makes of it for people. */
export function printResult<T> (context: CliContext, json: boolean, value: T, human: (value: T) => string): void {
  context.out(`${json ? toJson(value) : human(value).trimEnd()}\n`)
}

export function tableText (head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const table = new Table({
    head: head.map(name => pc.bold(name)),
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '', top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '', left: '', right: '', middle: '  ' }
  })
  table.push(...rows.map(row => row.map(cell => printable(cell))))
  return table.toString()
}

/** A flat object as lines of `name  value`. */
export function fieldsText (value: unknown): string {
  if (typeof value !== 'object' || value === null) {
    return printable(String(value))
  }
  const entries = Object.entries(value).map(([name, item]): [string, string] => [name, typeof item === 'object' && item !== null ? toJson(item) : String(item)])
  const width = Math.max(0, ...entries.map(([name]) => name.length))
  return entries.map(([name, item]) => printable(`${name.padEnd(width)}  ${item}`)).join('\n')
}

/** One line with the code, what happened and what to do next. */
export function errorText (error: CocoonError): string {
  return `${pc.red(error.code)}: ${printable(error.message).replaceAll('\n', ' ').replace(/\.$/, '')}. ${error.spec.remedy}\n`
}

export function errorJson (error: CocoonError): string {
  return `${toJson({ error: { code: error.code, message: error.message, remedy: error.spec.remedy } })}\n`
}
