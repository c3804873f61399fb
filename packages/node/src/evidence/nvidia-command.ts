import { execFile } from 'node:child_process'
import { encodeGpuEvidence } from '@cocoon-net/attestation'
import { CocoonError, toHex } from '@cocoon-net/protocol'
import { MAX_COMMAND_OUTPUT_BYTES } from './constants.ts'
import { splitPem } from './pem.ts'

/** NVIDIA's attestation CLI: docs.nvidia.com/attestation, "collect-evidence". `{nonce}` stands for the nonce in hex. */
export const NVIDIA_COMMAND: readonly string[] = Object.freeze(['nvattest', 'collect-evidence', '--device', 'gpu', '--nonce', '{nonce}', '--format', 'json'])

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const MAX_BASE64 = 65_536
/** As encoded GPU evidence holds them. */
const MAX_TRANSCRIPT_BYTES = 16_384
const MAX_CHAIN = 8

interface Answer { readonly nonce: string, readonly evidence: Uint8Array, readonly certificate: string }

/** The one device of the command's JSON; throws when it is of another shape. */
function readAnswer (output: string): Answer {
  const { result_code: code, evidences } = JSON.parse(output) as { result_code?: unknown, evidences?: unknown }
  if (code !== 0 || !Array.isArray(evidences)) {
    throw new TypeError('no evidence')
  }
  if (evidences.length !== 1) {
    throw new TypeError(`${evidences.length} GPUs, and a binding commits to one`)
  }
  const { nonce, evidence, certificate } = evidences[0] as Record<string, unknown>
  const isBase64 = (value: unknown): value is string => typeof value === 'string' && value.length <= MAX_BASE64 && BASE64.test(value)
  if (typeof nonce !== 'string' || !isBase64(evidence) || !isBase64(certificate)) {
    throw new TypeError('evidence of an unknown shape')
  }
  return { nonce, evidence: Uint8Array.from(Buffer.from(evidence, 'base64')), certificate: Buffer.from(certificate, 'base64').toString('latin1') }
}

function missing (message: string, cause?: unknown): CocoonError {
  return new CocoonError('evidence_missing', message, { cause })
}

/** Null when there is no such command: the machine shows no GPU. */
async function run (command: readonly string[], signal?: AbortSignal): Promise<string | null> {
  const [file, ...args] = command
  return new Promise((resolve, reject) => {
    execFile(file, args, { signal, maxBuffer: MAX_COMMAND_OUTPUT_BYTES, windowsHide: true }, (error, stdout) => {
      if (error == null) {
        resolve(stdout)
      } else if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        resolve(null)
      } else {
        reject(missing(`${file} failed`, error))
      }
    })
  })
}

/**
 * Evidence of the machine's GPU for a nonce of 32 bytes, through NVIDIA's own command; null when the command is not there.
 * A binding commits to one GPU: a machine with several must show one to the guest that serves the model.
 *
 * @throws {CocoonError} evidence_missing
 */
export async function collectNvidia (nonce: Uint8Array, options: { command?: readonly string[], signal?: AbortSignal } = {}): Promise<Uint8Array | null> {
  const command = (options.command ?? NVIDIA_COMMAND).map(part => part.replace('{nonce}', toHex(nonce)))
  const output = await run(command, options.signal)
  if (output == null) {
    return null
  }
  let answer: Answer
  try {
    answer = readAnswer(output)
  } catch (error) {
    throw missing(`${command[0]} gave no evidence: ${error instanceof Error ? error.message : ''}`, error)
  }
  if (answer.nonce.replace(/^0x/i, '').toLowerCase() !== toHex(nonce)) {
    throw missing(`${command[0]} answered for another nonce`)
  }
  const chain = splitPem(answer.certificate)
  if (answer.evidence.byteLength > MAX_TRANSCRIPT_BYTES || chain.length === 0 || chain.length > MAX_CHAIN) {
    throw missing(`${command[0]} gave evidence of an unknown shape`)
  }
  return encodeGpuEvidence({ v: 1, transcript: answer.evidence, chain })
}
