import { CocoonError } from '@cocoon-net/protocol'
import { tonText } from './output.ts'

const NANO_DIGITS = 9

/**
 * An amount as people write it, in nanoTON: `1.5` is TON, `1500000000nano` is exact nanoTON.
 *
 * @throws {CocoonError} usage
 */
export function parseAmount (text: string): bigint {
  const nano = /^(\d{1,20})nano$/.exec(text)
  if (nano != null) {
    return BigInt(nano[1])
  }
  const ton = /^(\d{1,11})(?:\.(\d{1,9}))?$/.exec(text)
  if (ton == null) {
    throw new CocoonError('usage', `${JSON.stringify(text.slice(0, 40))} is no amount: write TON with at most nine decimals, such as 1.5, or nanoTON, such as 1500000000nano`)
  }
  return BigInt(ton[1] + (ton[2] ?? '').padEnd(NANO_DIGITS, '0'))
}

/**
 * An amount that a command cannot do without.
 *
 * @throws {CocoonError} usage when it is absent, zero or no amount
 */
export function amountArgument (text: string | undefined): bigint {
  if (text === undefined) {
    throw new CocoonError('usage', 'Name an amount, such as 1.5 for TON or 1500000000nano')
  }
  const nano = parseAmount(text)
  if (nano === 0n) {
    throw new CocoonError('usage', 'The amount is zero')
  }
  return nano
}

/** `1.5 TON (1500000000 nanoTON)` */
export function amountText (nano: bigint): string {
  return `${tonText(nano)} TON (${nano} nanoTON)`
}

/** One row of CSV (RFC 4180); a cell that a spreadsheet would run is quoted as text, a number is none. */
export function csvRow (cells: ReadonlyArray<string | number | bigint>): string {
  return `${cells.map(cell => {
    const text = typeof cell === 'string' && /^[=+\-@\t\r]/.test(cell) && !/^-\d+(?:\.\d+)?$/.test(cell) ? `'${cell}` : String(cell)
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }).join(',')}\r\n`
}
