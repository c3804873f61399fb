import { REGISTRY_KINDS, REGISTRY_NUMBERS } from '@cocoon-net/contracts'
import { CocoonError, fromHex } from '@cocoon-net/protocol'
import { parseAmount } from '../ton-amount.ts'
import type { RegistryNumber } from '@cocoon-net/cocoon/registry'
import type { RegistryEntry, RegistryKind } from '@cocoon-net/contracts'

const MAX_UINT64 = (1n << 64n) - 1n
/** Ids from here on are stricter when smaller; below, when larger. */
const SMALLER_IS_STRICTER_FROM = 128

/** `vaultCode` → `vault-code` */
export function wordOf (name: RegistryKind | RegistryNumber | 'governor'): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

export const KIND_WORDS: readonly string[] = REGISTRY_KINDS.map(wordOf)
export const NUMBER_WORDS: readonly string[] = (Object.keys(REGISTRY_NUMBERS) as RegistryNumber[]).map(wordOf)

function quoted (text: string): string {
  return JSON.stringify(text.slice(0, 80))
}

/**
 * A kind and a hash as people write them; a model's may be `name@digest`.
 *
 * @throws {CocoonError} usage
 */
export function entryOf (kindText: string | undefined, hashText: string | undefined): RegistryEntry {
  const kind = REGISTRY_KINDS.find(each => wordOf(each) === kindText)
  if (kind === undefined) {
    throw new CocoonError('usage', `Name a kind: ${KIND_WORDS.join(', ')}`)
  }
  const hex = (hashText ?? '').slice(kind === 'model' ? (hashText ?? '').lastIndexOf('@') + 1 : 0)
  if (!/^[0-9a-fA-F]{64}$/.test(hex)) {
    throw new CocoonError('usage', `${quoted(hashText ?? '')} is no hash: it has 64 hex digits`)
  }
  return { kind, hash: fromHex(hex) }
}

/** @throws {CocoonError} usage */
export function numberOf (text: string | undefined): RegistryNumber {
  const name = (Object.keys(REGISTRY_NUMBERS) as RegistryNumber[]).find(each => wordOf(each) === text)
  if (name === undefined) {
    throw new CocoonError('usage', `Name a number: ${NUMBER_WORDS.join(', ')}`)
  }
  return name
}

/**
 * The value of a number: a whole number, and where it is money an amount such as `1.5` or `1500000000nano`.
 *
 * @throws {CocoonError} usage
 */
export function valueOf (name: RegistryNumber, text: string | undefined): bigint {
  if (text === undefined) {
    throw new CocoonError('usage', `Name the value of ${wordOf(name)}`)
  }
  if (!name.endsWith('Nano') && !/^\d{1,20}$/.test(text)) {
    throw new CocoonError('usage', `${quoted(text)} is no whole number`)
  }
  const value = name.endsWith('Nano') ? parseAmount(text) : BigInt(text)
  if (value > MAX_UINT64) {
    throw new CocoonError('usage', `${quoted(text)} is too large`)
  }
  return value
}

/** Whether a value allows less than another; no value at all allows the most. */
export function isStricter (name: RegistryNumber, value: bigint | undefined, than: bigint | undefined): boolean {
  if (value === undefined || than === undefined) {
    return value !== undefined && than === undefined
  }
  return REGISTRY_NUMBERS[name] < SMALLER_IS_STRICTER_FROM ? value > than : value < than
}
