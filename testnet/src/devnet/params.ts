import { CocoonError } from '@cocoon-net/protocol'
import { Address, Cell } from '@ton/core'
import { MAX_STACK_ITEMS } from './constants.ts'
import type { TupleItem } from '@ton/core'

/** What a caller gave, from JSON or from a query. */
export type Params = Readonly<Record<string, unknown>>

/** Longer texts than this are messages, which have a limit of their own. */
const MAX_TEXT = 128 * 1_024
const MAX_METHOD = 256

export function bad (message: string): CocoonError {
  return new CocoonError('bad_request', message)
}

export function textOf (params: Params, name: string): string {
  const value = params[name]
  if (typeof value !== 'string' || value.length > MAX_TEXT) {
    throw bad(`${name} must be a text`)
  }
  return value
}

export function numberOf (params: Params, name: string, fallback?: number): number {
  const value = params[name] ?? fallback
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) {
    throw bad(`${name} must be a whole number`)
  }
  return number
}

/** A logical time: a decimal text or a number. */
export function ltOf (value: unknown, name: string): bigint {
  if ((typeof value === 'string' && /^\d{1,20}$/.test(value)) || (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0)) {
    return BigInt(value)
  }
  throw bad(`${name} must be a logical time`)
}

export function addressOf (params: Params, name = 'address'): Address {
  const text = textOf(params, name)
  try {
    return Address.parse(text)
  } catch (error) {
    throw bad(`${name} is not a TON address`)
  }
}

/** Base64, URL-safe or not. */
export function cellOf (value: unknown, name: string): Cell {
  try {
    if (typeof value === 'string' && value.length <= MAX_TEXT) {
      return Cell.fromBoc(Buffer.from(value, 'base64'))[0]
    }
  } catch (error) {
    // told below
  }
  throw bad(`${name} is not a bag of cells in base64`)
}

/** Undefined where nothing was given. */
export function optionalCell (params: Params, name: string): Cell | undefined {
  return params[name] == null || params[name] === '' ? undefined : cellOf(params[name], name)
}

/** A hash in hex or base64, as hex. */
export function hashOf (value: unknown, name: string): string {
  if (typeof value === 'string') {
    const hash = /^[0-9a-fA-F]{64}$/.test(value) ? value.toLowerCase() : Buffer.from(value, 'base64').toString('hex')
    if (hash.length === 64) {
      return hash
    }
  }
  throw bad(`${name} is not a hash`)
}

export function methodOf (value: unknown): string | number {
  if ((typeof value === 'string' && value.length > 0 && value.length <= MAX_METHOD) || (typeof value === 'number' && Number.isSafeInteger(value))) {
    return value
  }
  throw bad('method must be a name or a number')
}

function intOf (value: unknown): bigint {
  if ((typeof value === 'string' && /^-?(\d{1,80}|0x[0-9a-fA-F]{1,65})$/.test(value)) || (typeof value === 'number' && Number.isSafeInteger(value))) {
    const text = String(value)
    return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text)
  }
  throw bad('the stack holds a number that is none')
}

/** Arguments of a get-method in toncenter's form: `[["num", "0x1"], ["tvm.Cell", "<base64>"]]`. */
export function stackOf (stack: unknown): TupleItem[] {
  if (!Array.isArray(stack) || stack.length > MAX_STACK_ITEMS) {
    throw bad(`stack must be a list of at most ${MAX_STACK_ITEMS} items`)
  }
  return stack.map((entry): TupleItem => {
    const [type, value]: unknown[] = Array.isArray(entry) ? entry : []
    const boc = typeof value === 'object' && value != null ? (value as { bytes?: unknown }).bytes : value
    switch (type) {
      case 'num':
      case 'int': return { type: 'int', value: intOf(value) }
      case 'tvm.Cell':
      case 'cell': return { type: 'cell', cell: cellOf(boc, 'a stack item') }
      case 'tvm.Slice':
      case 'slice': return { type: 'slice', cell: cellOf(boc, 'a stack item') }
      case 'tvm.Builder':
      case 'builder': return { type: 'builder', cell: cellOf(boc, 'a stack item') }
      case 'null': return { type: 'null' }
      case 'list':
      case 'tuple':
      case 'tvm.Tuple': return { type: 'tuple', items: elementsOf(value, 1).map(element => elementOf(element, 1)) }
      default: throw bad('the stack holds an item of an unknown type')
    }
  })
}

const MAX_TUPLE_DEPTH = 16

function elementsOf (value: unknown, depth: number): unknown[] {
  const elements = Array.isArray(value) ? value : (value as { elements?: unknown } | null)?.elements
  if (!Array.isArray(elements) || elements.length > MAX_STACK_ITEMS || depth > MAX_TUPLE_DEPTH) {
    throw bad('the stack holds a tuple that is none, or one that is too large')
  }
  return elements
}

/** An element of a tuple as the API itself shows it: `{"@type": "tvm.stackEntryNumber", number: {number: "5"}}`. */
function elementOf (element: unknown, depth: number): TupleItem {
  const entry = (typeof element === 'object' && element != null ? element : {}) as Record<string, any>
  switch (entry['@type']) {
    case 'tvm.stackEntryNumber': return { type: 'int', value: intOf(entry.number?.number) }
    case 'tvm.stackEntryCell': return { type: 'cell', cell: cellOf(entry.cell?.bytes, 'a tuple\'s element') }
    case 'tvm.stackEntrySlice': return { type: 'slice', cell: cellOf(entry.slice?.bytes, 'a tuple\'s element') }
    case 'tvm.stackEntryTuple': return { type: 'tuple', items: elementsOf(entry.tuple, depth + 1).map(item => elementOf(item, depth + 1)) }
    case 'tvm.stackEntryList': return { type: 'null' }
    default: throw bad('the stack holds a tuple with an element of an unknown type')
  }
}
