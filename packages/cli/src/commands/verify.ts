import { CocoonError, chargeNano, equalBytes, fromHex, parseQuote, parseReceipt, quoteHash as hashQuote, receiptHash, toHex } from '@cocoon-net/protocol'
import { z } from 'zod'
import { EXIT_DONE, EXIT_NO } from '../exit-codes.ts'
import { fieldsText, printResult } from '../output.ts'
import { verifyHardwareEvidence } from './verify-evidence.ts'
import { readBounded } from './verify-files.ts'
import type { Invocation } from '../invocation.ts'
import type { Quote, Receipt } from '@cocoon-net/protocol'

const hex = (bytes?: number): z.ZodString => z.string().regex(bytes === undefined ? /^([0-9a-f]{2})+$/ : new RegExp(`^[0-9a-f]{${bytes * 2}}$`), 'must be hex digits')

/** `receipt` and `quote` are serialised cells (bags of cells) in hex. */
const fileSchema = z.strictObject({
  receipt: hex(),
  signature: hex(64),
  receiptKey: hex(32),
  quote: hex().optional(),
  quoteSignature: hex(64).optional()
})

type ReceiptFile = z.infer<typeof fileSchema>

function parseReceiptFile (path: string, bytes: Uint8Array): ReceiptFile {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    throw new CocoonError('file_unusable', `${path} is not a readable JSON file`, { cause })
  }
  const parsed = fileSchema.safeParse(value)
  if (!parsed.success) {
    throw new CocoonError('file_unusable', `${path}: ${parsed.error.issues[0].path.join('.')}: ${parsed.error.issues[0].message}`)
  }
  return parsed.data
}

function parseOr<T> (parse: (bytes: Uint8Array) => T, text: string, what: string): T {
  try {
    return parse(fromHex(text))
  } catch (cause) {
    throw new CocoonError('file_unusable', `The ${what} is not a ${what} cell`, { cause })
  }
}

/** Each contradiction in words; none when the receipt holds. */
function contradictions (file: ReceiptFile, receipt: Receipt, quote: Quote | undefined, verify: (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean): string[] {
  const key = fromHex(file.receiptKey)
  const found: string[] = []
  if (!verify(key, receiptHash(receipt), fromHex(file.signature))) {
    found.push('the receipt is not signed by the receipt key')
  }
  if (quote === undefined) {
    return found
  }
  const quoteHash = hashQuote(quote)
  if (file.quoteSignature !== undefined && !verify(key, quoteHash, fromHex(file.quoteSignature))) {
    found.push('the quote is not signed by the receipt key')
  }
  if (!equalBytes(quoteHash, receipt.quoteHash)) {
    found.push('the receipt names another quote')
  }
  if (!equalBytes(quote.networkId, receipt.networkId) || !equalBytes(quote.stake, receipt.stake)) {
    found.push('receipt and quote belong to different networks or stakes')
  }
  // A charge above max(ceil(Σ nᵢ·pᵢ / 10⁶), hedgeFee) of the quote it names contradicts the quote.
  const computed = chargeNano(receipt.tokens, quote.prices)
  const allowed = computed > quote.hedgeFeeNano ? computed : quote.hedgeFeeNano
  if (receipt.chargeNano > allowed) {
    found.push(`the charge of ${receipt.chargeNano} is above the ${allowed} that the quote allows`)
  }
  return found
}

const UTF8_MARK = [0xef, 0xbb, 0xbf]
const BLANKS = [0x20, 0x09, 0x0a, 0x0d]

/** Whether a JSON object begins here. Evidence in binary never does: each kind begins with a version below 0x20 that is no blank. */
function isJsonText (bytes: Uint8Array): boolean {
  const from = UTF8_MARK.every((byte, i) => bytes[i] === byte) ? UTF8_MARK.length : 0
  return bytes.subarray(from).find(byte => !BLANKS.includes(byte)) === 0x7b
}

/** Checks a receipt file (a JSON object) or evidence from hardware (anything else). */
export async function verify (invocation: Invocation): Promise<number> {
  const path = invocation.args[0]
  const bytes = await readBounded(path)
  return isJsonText(bytes) ? verifyReceipt(invocation, parseReceiptFile(path, bytes)) : verifyHardwareEvidence(invocation, bytes)
}

/** Checks a receipt by itself: signature, and with its quote the arithmetic of the charge. Exits 1 when it does not hold. */
async function verifyReceipt (invocation: Invocation, file: ReceiptFile): Promise<number> {
  const receipt = parseOr(parseReceipt, file.receipt, 'receipt')
  const quote = file.quote === undefined ? undefined : parseOr(parseQuote, file.quote, 'quote')
  // Loaded here: it brings the chain's libraries, which no other command of this file needs.
  const { verifyEd25519 } = await import('@cocoon-net/settlement')
  const reasons = contradictions(file, receipt, quote, verifyEd25519)
  const valid = reasons.length === 0
  printResult(invocation.context, invocation.json, {
    valid,
    reasons,
    jobId: toHex(receipt.jobId),
    seq: receipt.seq,
    tier: receipt.tier,
    tokens: receipt.tokens,
    chargeNano: receipt.chargeNano.toString(),
    arithmetic: quote === undefined ? 'unchecked: no quote given' : 'checked'
  }, fieldsText)
  return valid ? EXIT_DONE : EXIT_NO
}
