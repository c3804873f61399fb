import { readFile, writeFile } from 'node:fs/promises'
import { CocoonError, accountFromText, accountToText, fromHex, toHex } from '@cocoon-net/protocol'
import { z } from 'zod'

/** A few hundred bytes. */
const MAX_BYTES = 16_384

/** What a lane's payer hands to its payee: its word that the lane may end at once with this sum, nanoTON. */
export interface CloseFile {
  readonly network: string
  readonly vault: Uint8Array
  readonly payee: Uint8Array
  readonly epoch: bigint
  readonly sumNano: bigint
  readonly signerSignature: Uint8Array
}

const account = z.string().transform(accountFromText)
const uint64 = z.string().regex(/^\d{1,20}$/).transform(BigInt)

const closeSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal('lane-close'),
  network: z.string().max(40),
  vault: account,
  payee: account,
  epoch: uint64,
  sumNano: uint64,
  signerSignature: z.string().regex(/^[0-9a-f]{128}$/).transform(fromHex)
})

/**
 * A file that a command was given, as JSON; bounded before it is parsed.
 *
 * @throws {CocoonError} file_unusable
 */
export async function readJsonFile<T> (path: string, schema: z.ZodType<T>, what: string, maxBytes = MAX_BYTES): Promise<T> {
  try {
    const text = await readFile(path, 'utf8')
    if (text.length > maxBytes) {
      throw new RangeError('too large')
    }
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new CocoonError('file_unusable', typeof code === 'string' ? `${path} cannot be read: ${code}` : `${path} is no ${what}`, { cause })
  }
}

/** @throws {CocoonError} file_unusable */
export async function readCloseFile (path: string): Promise<CloseFile> {
  return readJsonFile(path, closeSchema, 'file of `cocoon vault close --out`')
}

/**
 * Writes it to a file that is not there yet.
 *
 * @throws {CocoonError} file_unusable
 */
export async function writeCloseFile (path: string, close: CloseFile): Promise<void> {
  const value = {
    version: 1,
    kind: 'lane-close',
    network: close.network,
    vault: accountToText(close.vault),
    payee: accountToText(close.payee),
    epoch: close.epoch.toString(),
    sumNano: close.sumNano.toString(),
    signerSignature: toHex(close.signerSignature)
  }
  try {
    await writeFile(path, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new CocoonError('file_unusable', `${path} cannot be written: ${code === 'EEXIST' ? 'it is there already' : code ?? 'unknown reason'}`, { cause })
  }
}
