import { CocoonError } from './errors.ts'

/**
 * Maps between a typed value and the plain value that CBOR encodes. `decode` throws frame_malformed or
 * version_unsupported; the message begins with the place of the fault, which is put together only then.
 */
export interface Codec<T> {
  encode(value: T): unknown
  decode(value: unknown): T
  /** Reads the deterministic encoding of a value at once, where speed matters; null when the bytes are none, or of another kind. */
  readExact? (bytes: Uint8Array): T | null
}

export type ValueOf<C> = C extends Codec<infer T> ? T : never

function malformed (expected: string): CocoonError {
  return new CocoonError('frame_malformed', `: expected ${expected}`)
}

/** The same error, one step further from the fault. */
export function within (step: string, error: unknown): unknown {
  return error instanceof CocoonError ? new CocoonError(error.code, `${step}${error.message}`) : error
}

function isUint (value: unknown, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max
}

function isUint64 (value: unknown): value is bigint {
  return typeof value === 'bigint' && BigInt.asUintN(64, value) === value
}

/** Byte string of exactly `length` bytes. */
export function fixedBytes (length: number): Codec<Uint8Array> {
  return {
    encode: (value) => {
      if (value.byteLength !== length) {
        throw malformed(`${length} bytes, got ${value.byteLength}`)
      }
      return value
    },
    decode: (value) => {
      if (!(value instanceof Uint8Array) || value.byteLength !== length) {
        throw malformed(`${length} bytes`)
      }
      return value
    }
  }
}

/** Byte string of at most `maxBytes`. */
export function bytes (maxBytes: number): Codec<Uint8Array> {
  return {
    encode: (value) => value,
    decode: (value) => {
      if (!(value instanceof Uint8Array) || value.byteLength > maxBytes) {
        throw malformed(`at most ${maxBytes} bytes`)
      }
      return value
    }
  }
}

/** Text of at most `maxBytes` UTF-16 units. */
export function text (maxBytes: number): Codec<string> {
  return {
    encode: (value) => value,
    decode: (value) => {
      if (typeof value !== 'string' || value.length > maxBytes) {
        throw malformed(`text of at most ${maxBytes} characters`)
      }
      return value
    }
  }
}

/** Unsigned integer that fits a JavaScript number. */
export function uint (max: number = Number.MAX_SAFE_INTEGER): Codec<number> {
  return {
    encode: (value) => {
      if (!isUint(value, max)) {
        throw malformed(`an integer from 0 to ${max}`)
      }
      return value
    },
    decode: (value) => {
      if (!isUint(value, max)) {
        throw malformed(`an integer from 0 to ${max}`)
      }
      return value
    }
  }
}

/** Unsigned 64-bit integer as bigint: nanoTON and epochs. */
export const uint64: Codec<bigint> = {
  encode: (value) => {
    if (!isUint64(value)) {
      throw malformed('an unsigned 64-bit integer')
    }
    return value
  },
  decode: (value) => {
    const big = Number.isSafeInteger(value) ? BigInt(value as number) : value
    if (!isUint64(big)) {
      throw malformed('an unsigned 64-bit integer')
    }
    return big
  }
}

export const bool: Codec<boolean> = {
  encode: (value) => value,
  decode: (value) => {
    if (typeof value !== 'boolean') {
      throw malformed('true or false')
    }
    return value
  }
}

/** One of a fixed set of texts. */
export function oneOf<const T extends string> (...values: readonly T[]): Codec<T> {
  return {
    encode: (value) => value,
    decode: (value) => {
      const found = values.find(v => v === value)
      if (found == null) {
        throw malformed(`one of ${values.join(', ')}`)
      }
      return found
    }
  }
}

/** Exactly this number: a version. Another one is `version_unsupported`. */
export function version<const T extends number> (value: T): Codec<T> {
  return {
    encode: () => value,
    decode: (got) => {
      if (got !== value) {
        throw new CocoonError('version_unsupported', `: only version ${value} is known`)
      }
      return value
    }
  }
}

function decodeAt<T> (codec: Codec<T>, value: unknown, index: number): T {
  try {
    return codec.decode(value)
  } catch (error) {
    throw within(`[${index}]`, error)
  }
}

export function list<T> (item: Codec<T>, maxItems: number, minItems: number = 0): Codec<readonly T[]> {
  return {
    encode: (values) => {
      if (values.length > maxItems || values.length < minItems) {
        throw malformed(`${minItems} to ${maxItems} items`)
      }
      return values.map(item.encode)
    },
    decode: (value) => {
      if (!Array.isArray(value) || value.length > maxItems || value.length < minItems) {
        throw malformed(`${minItems} to ${maxItems} items`)
      }
      return value.map((v, i) => decodeAt(item, v, i))
    }
  }
}

export function tuple<A, B> (a: Codec<A>, b: Codec<B>): Codec<readonly [A, B]> {
  return {
    encode: ([x, y]) => [a.encode(x), b.encode(y)],
    decode: (value) => {
      if (!Array.isArray(value) || value.length !== 2) {
        throw malformed('a pair')
      }
      return [decodeAt(a, value[0], 0), decodeAt(b, value[1], 1)]
    }
  }
}

export function nullable<T> (inner: Codec<T>): Codec<T | null> {
  return {
    encode: (value) => value === null ? null : inner.encode(value),
    decode: (value) => value === null ? null : inner.decode(value)
  }
}

type Fields = Record<string, Codec<any>>
export type RecordOf<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> }

export interface RecordCodec<F extends Fields> extends Codec<RecordOf<F>> {
  readonly fields: F
}

/** A map with exactly these text keys: none missing, none unknown. */
export function record<F extends Fields> (fields: F): RecordCodec<F> {
  const entries = Object.entries(fields)
  return {
    fields,
    encode: (value) => {
      const out = new Map<string, unknown>()
      for (const [name, field] of entries) {
        out.set(name, field.encode(value[name]))
      }
      return out
    },
    decode: (value) => {
      if (!(value instanceof Map)) {
        throw malformed('a map')
      }
      const out: Record<string, unknown> = {}
      for (const [name, field] of entries) {
        const inner: unknown = value.get(name)
        // CBOR's undefined is not allowed: this one means that the key is missing.
        if (inner === undefined) {
          throw within(`.${name}`, malformed('a value'))
        }
        try {
          out[name] = field.decode(inner)
        } catch (error) {
          throw within(`.${name}`, error)
        }
      }
      if (value.size !== entries.length) {
        throw malformed(`only the keys ${entries.map(([name]) => name).join(', ')}`)
      }
      return out as RecordOf<F>
    }
  }
}

type Variants = Record<string, RecordCodec<any>>
export type UnionOf<V extends Variants> = { [K in keyof V]: { readonly t: K } & ValueOf<V[K]> }[keyof V]

/** A map whose key `t` names the variant; the variant's own fields stand beside it. */
export function union<V extends Variants> (variants: V): Codec<UnionOf<V>> {
  const tagged = new Map<unknown, Codec<any>>(Object.entries(variants).map(([t, { fields }]) => [t, record({ t: oneOf(t), ...fields })]))
  const variantOf = (t: unknown): Codec<any> => {
    const variant = tagged.get(t)
    if (variant == null) {
      throw within('.t', malformed(`one of ${[...tagged.keys()].join(', ')}`))
    }
    return variant
  }
  return {
    encode: (value) => variantOf(value.t).encode(value),
    decode: (value) => {
      if (!(value instanceof Map)) {
        throw malformed('a map')
      }
      return variantOf(value.get('t')).decode(value) as UnionOf<V>
    }
  }
}
