import { CocoonError } from './errors.ts'

/** Maps between a typed value and the plain value that CBOR encodes; `decode` throws frame_malformed. */
export interface Codec<T> {
  encode(value: T): unknown
  decode(value: unknown, path: string): T
}

export type ValueOf<C> = C extends Codec<infer T> ? T : never

function malformed (path: string, expected: string): CocoonError {
  return new CocoonError('frame_malformed', `${path}: expected ${expected}`)
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
        throw malformed('value', `${length} bytes, got ${value.byteLength}`)
      }
      return value
    },
    decode: (value, path) => {
      if (!(value instanceof Uint8Array) || value.byteLength !== length) {
        throw malformed(path, `${length} bytes`)
      }
      return value
    }
  }
}

/** Byte string of at most `maxBytes`. */
export function bytes (maxBytes: number): Codec<Uint8Array> {
  return {
    encode: (value) => value,
    decode: (value, path) => {
      if (!(value instanceof Uint8Array) || value.byteLength > maxBytes) {
        throw malformed(path, `at most ${maxBytes} bytes`)
      }
      return value
    }
  }
}

/** Text of at most `maxBytes` UTF-16 units. */
export function text (maxBytes: number): Codec<string> {
  return {
    encode: (value) => value,
    decode: (value, path) => {
      if (typeof value !== 'string' || value.length > maxBytes) {
        throw malformed(path, `text of at most ${maxBytes} characters`)
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
        throw malformed('value', `an integer from 0 to ${max}`)
      }
      return value
    },
    decode: (value, path) => {
      if (!isUint(value, max)) {
        throw malformed(path, `an integer from 0 to ${max}`)
      }
      return value
    }
  }
}

/** Unsigned 64-bit integer as bigint: nanoTON and epochs. */
export const uint64: Codec<bigint> = {
  encode: (value) => {
    if (!isUint64(value)) {
      throw malformed('value', 'an unsigned 64-bit integer')
    }
    return value
  },
  decode: (value, path) => {
    const big = Number.isSafeInteger(value) ? BigInt(value as number) : value
    if (!isUint64(big)) {
      throw malformed(path, 'an unsigned 64-bit integer')
    }
    return big
  }
}

export const bool: Codec<boolean> = {
  encode: (value) => value,
  decode: (value, path) => {
    if (typeof value !== 'boolean') {
      throw malformed(path, 'true or false')
    }
    return value
  }
}

/** One of a fixed set of texts. */
export function oneOf<const T extends string> (...values: readonly T[]): Codec<T> {
  return {
    encode: (value) => value,
    decode: (value, path) => {
      const found = values.find(v => v === value)
      if (found == null) {
        throw malformed(path, `one of ${values.join(', ')}`)
      }
      return found
    }
  }
}

/** Exactly this number: a version. Another one is `version_unsupported`. */
export function version<const T extends number> (value: T): Codec<T> {
  return {
    encode: () => value,
    decode: (got, path) => {
      if (got !== value) {
        throw new CocoonError('version_unsupported', `${path}: only version ${value} is known`)
      }
      return value
    }
  }
}

export function list<T> (item: Codec<T>, maxItems: number, minItems: number = 0): Codec<readonly T[]> {
  return {
    encode: (values) => {
      if (values.length > maxItems || values.length < minItems) {
        throw malformed('value', `${minItems} to ${maxItems} items`)
      }
      return values.map(item.encode)
    },
    decode: (value, path) => {
      if (!Array.isArray(value) || value.length > maxItems || value.length < minItems) {
        throw malformed(path, `${minItems} to ${maxItems} items`)
      }
      return value.map((v, i) => item.decode(v, `${path}[${i}]`))
    }
  }
}

export function tuple<A, B> (a: Codec<A>, b: Codec<B>): Codec<readonly [A, B]> {
  return {
    encode: ([x, y]) => [a.encode(x), b.encode(y)],
    decode: (value, path) => {
      if (!Array.isArray(value) || value.length !== 2) {
        throw malformed(path, 'a pair')
      }
      return [a.decode(value[0], `${path}[0]`), b.decode(value[1], `${path}[1]`)]
    }
  }
}

export function nullable<T> (inner: Codec<T>): Codec<T | null> {
  return {
    encode: (value) => value === null ? null : inner.encode(value),
    decode: (value, path) => value === null ? null : inner.decode(value, path)
  }
}

type Fields = Record<string, Codec<any>>
export type RecordOf<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> }

/** A map with exactly these text keys: none missing, none unknown. */
export function record<F extends Fields> (fields: F): Codec<RecordOf<F>> {
  const names = Object.keys(fields)
  return {
    encode: (value) => {
      const out = new Map<string, unknown>()
      for (const name of names) {
        out.set(name, fields[name].encode(value[name]))
      }
      return out
    },
    decode: (value, path) => {
      if (!(value instanceof Map)) {
        throw malformed(path, 'a map')
      }
      const out: Record<string, unknown> = {}
      for (const name of names) {
        if (!value.has(name)) {
          throw malformed(`${path}.${name}`, 'a value')
        }
        out[name] = fields[name].decode(value.get(name), `${path}.${name}`)
      }
      if (value.size !== names.length) {
        throw malformed(path, `only the keys ${names.join(', ')}`)
      }
      return out as RecordOf<F>
    }
  }
}

type Variants = Record<string, Codec<any>>
export type UnionOf<V extends Variants> = { [K in keyof V]: { readonly t: K } & ValueOf<V[K]> }[keyof V]

/** A map whose key `t` names the variant; the variant's own fields stand beside it. */
export function union<V extends Variants> (variants: V): Codec<UnionOf<V>> {
  return {
    encode: (value) => {
      const inner = variants[value.t as string].encode(value) as Map<string, unknown>
      return new Map<string, unknown>([['t', value.t], ...inner])
    },
    decode: (value, path) => {
      if (!(value instanceof Map)) {
        throw malformed(path, 'a map')
      }
      const t = value.get('t')
      if (typeof t !== 'string' || !Object.hasOwn(variants, t)) {
        throw malformed(`${path}.t`, `one of ${Object.keys(variants).join(', ')}`)
      }
      const rest = new Map(value)
      rest.delete('t')
      return { t, ...variants[t].decode(rest, path) } as UnionOf<V>
    }
  }
}
