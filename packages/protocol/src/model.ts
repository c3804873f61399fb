import { compareBytes, fromHex, sha256, toHex, utf8 } from './bytes.ts'
import { encodeCbor } from './cbor.ts'
import { CocoonError } from './errors.ts'

export interface ModelFile {
  /** Path inside the model, with forward slashes. */
  readonly path: string
  readonly sha256: Uint8Array
  readonly sizeBytes: number
}

/** SHA-256 of the CBOR list [[path, sha256, size], …] sorted by path. */
export function modelDigest (files: readonly ModelFile[]): Uint8Array {
  const sorted = [...files].sort((a, b) => compareBytes(utf8(a.path), utf8(b.path)))
  return sha256(encodeCbor(sorted.map(file => [file.path, file.sha256, file.sizeBytes])))
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/

/** Whether a text can be a model's name: letters, digits and `._:/-`, at most 128. */
export function isModelName (name: string): boolean {
  return NAME.test(name)
}

/** `name@digest` with all 64 hex digits. */
export function modelId (name: string, digest: Uint8Array): string {
  return `${name}@${toHex(digest)}`
}

export interface ModelRef {
  readonly name: string | null
  /** Lower-case hex, 12 to 64 digits, or null for a short name. */
  readonly digestPrefix: string | null
}

/**
 * Parses `name`, `name@digest` or `@digest`, where the digest may be shortened to 12 hex digits.
 *
 * @throws {CocoonError} model_unknown
 */
export function parseModelRef (text: string): ModelRef {
  const at = text.lastIndexOf('@')
  const name = at < 0 ? text : text.slice(0, at)
  const digest = at < 0 ? null : text.slice(at + 1).toLowerCase()
  if ((name !== '' && !isModelName(name)) || (name === '' && digest == null) || (digest != null && !/^[0-9a-f]{12,64}$/.test(digest))) {
    throw new CocoonError('model_unknown', 'not a model name: use name, name@digest or @digest with at least 12 hex digits')
  }
  return { name: name === '' ? null : name, digestPrefix: digest }
}

export function modelRefMatches (ref: ModelRef, model: { name: string, digest: Uint8Array }): boolean {
  return (ref.name == null || ref.name === model.name) && (ref.digestPrefix == null || toHex(model.digest).startsWith(ref.digestPrefix))
}

/** @throws {RangeError} not 64 hex digits */
export function digestFromHex (hex: string): Uint8Array {
  const digest = fromHex(hex)
  if (digest.byteLength !== 32) {
    throw new RangeError('a digest has 64 hex digits')
  }
  return digest
}
