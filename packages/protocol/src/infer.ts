import { decodeWith, encodeWith } from './cbor.ts'
import { bool, bytes, fixedBytes, list, nullable, oneOf, record, text, tuple, uint, uint64, union, version } from './codec.ts'
import { CocoonError } from './errors.ts'
import { LIMITS } from './limits.ts'
import { CHUNK_BUCKETS, REQUEST_BUCKETS, encodePadded } from './padding.ts'
import { refusalCodec } from './refusal.ts'
import type { ValueOf } from './codec.ts'

/** The request's plain payment header; its bytes are the HPKE additional data. */
export const requestHeaderCodec = record({
  v: version(1),
  vault: fixedBytes(32),
  vaultOwner: fixedBytes(32),
  laneEpoch: uint64,
  quoteHash: fixedBytes(32),
  maxTokens: uint(0xffffffff),
  maxCharge: uint64,
  clientNonce: fixedBytes(32)
})

export type RequestHeader = ValueOf<typeof requestHeaderCodec>

export function encodeRequestHeader (header: RequestHeader): Uint8Array {
  return encodeWith(requestHeaderCodec, header)
}

/** @throws {CocoonError} frame_too_large, frame_malformed, version_unsupported */
export function decodeRequestHeader (data: Uint8Array): RequestHeader {
  return decodeWith(requestHeaderCodec, data, 1_024, 'request header')
}

/** infer/1: client to provider. `ciphertext` = enc ‖ ct. */
export const inferRequestCodec = union({
  request: record({ kem: uint(0xffff), bindingHash: fixedBytes(32), header: bytes(1_024), ciphertext: bytes(LIMITS.requestFrameBytes) }),
  cancel: record({})
})

/** infer/1: provider to client. A checkpoint's cell is the receipt's bag of cells. */
export const inferResponseCodec = union({
  accept: record({ providerNonce: fixedBytes(32) }),
  chunk: record({ sealed: bytes(LIMITS.responseFrameBytes) }),
  checkpoint: record({ cell: bytes(1_024), signature: fixedBytes(64) }),
  refusal: refusalCodec
})

export type InferRequestFrame = ValueOf<typeof inferRequestCodec>
export type InferResponseFrame = ValueOf<typeof inferResponseCodec>

export const ENDPOINTS = Object.freeze(['chat', 'completions', 'embeddings'] as const)
export type Endpoint = typeof ENDPOINTS[number]

/** What is inside the request's seal. `body` is an OpenAI-shaped JSON object; `prefix` are tokens already delivered. */
export const requestPayloadCodec = record({
  v: version(1),
  model: fixedBytes(32),
  endpoint: oneOf(...ENDPOINTS),
  body: text(LIMITS.requestFrameBytes),
  prefix: list(uint(0xffffffff), LIMITS.maxPrefixTokens),
  pad: bytes(LIMITS.requestFrameBytes)
})

export type RequestPayload = ValueOf<typeof requestPayloadCodec>

export function encodeRequestPayload (payload: Omit<RequestPayload, 'pad'>): Uint8Array {
  return encodePadded(requestPayloadCodec, payload, REQUEST_BUCKETS)
}

/** @throws {CocoonError} frame_too_large, frame_malformed, version_unsupported */
export function decodeRequestPayload (data: Uint8Array): RequestPayload {
  return decodeWith(requestPayloadCodec, data, LIMITS.requestFrameBytes, 'request payload')
}

export const FINISH_REASONS = Object.freeze(['stop', 'length', 'cancelled', 'error'] as const)
export type FinishReason = typeof FINISH_REASONS[number]

/** Token classes of an answer as they stand in a chunk: the class's index in the four counts. */
export const TOKEN_CLASSES = Object.freeze({ completion: 2, reasoning: 3 })

/**
 * What is inside a response chunk's seal. `utf8` holds the bytes of each token, `classes` one byte per token, `hash` the
 * running hash after the last token, `counts` [prompt, cached] in the first chunk, `flush` marks a chunk sent by the
 * flush timer, `extra` is reserved for structured output (JSON), `finish` stands in the final chunk.
 */
export const chunkCodec = record({
  firstIndex: uint(0xffffffff),
  ids: list(uint(0xffffffff), LIMITS.maxTokensPerChunk),
  utf8: list(bytes(LIMITS.maxTokenBytes), LIMITS.maxTokensPerChunk),
  classes: bytes(LIMITS.maxTokensPerChunk),
  hash: fixedBytes(32),
  counts: nullable(tuple(uint(0xffffffff), uint(0xffffffff))),
  final: bool,
  flush: bool,
  finish: nullable(oneOf(...FINISH_REASONS)),
  extra: nullable(text(32_768)),
  pad: bytes(65_536)
})

export type Chunk = ValueOf<typeof chunkCodec>

export function encodeChunk (chunk: Omit<Chunk, 'pad'>): Uint8Array {
  return encodePadded(chunkCodec, chunk, CHUNK_BUCKETS)
}

/** @throws {CocoonError} frame_too_large, frame_malformed */
export function decodeChunk (data: Uint8Array): Chunk {
  const chunk = decodeWith(chunkCodec, data, LIMITS.responseFrameBytes, 'chunk')
  if (chunk.ids.length !== chunk.utf8.length || chunk.ids.length !== chunk.classes.byteLength) {
    throw new CocoonError('frame_malformed', 'chunk: ids, utf8 and classes differ in length')
  }
  if (chunk.final !== (chunk.finish != null)) {
    throw new CocoonError('frame_malformed', 'chunk: the final chunk, and no other, has a finish reason')
  }
  for (const tokenClass of chunk.classes) {
    if (tokenClass !== TOKEN_CLASSES.completion && tokenClass !== TOKEN_CLASSES.reasoning) {
      throw new CocoonError('frame_malformed', 'chunk: unknown token class')
    }
  }
  return chunk
}
