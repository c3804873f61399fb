import { toHex } from '@cocoon-net/protocol'

/** An endpoint of the OpenAI API that a model can answer. */
export type EngineEndpoint = 'chat' | 'completions' | 'embeddings'

/** Why a generation ended. */
export type EndReason = 'stop' | 'length' | 'cancelled'

/** The class a token is priced in. */
export type TokenClass = 'completion' | 'reasoning'

/** A model that an engine serves. */
export interface EngineModel {
  readonly name: string
  /** 32 bytes: SHA-256 of the CBOR list of the model's files, see `digestModelFiles`. */
  readonly digest: Uint8Array
  /** 32 bytes; all zero when the engine does not know its tokenizer. */
  readonly tokenizerDigest: Uint8Array
  /** The most tokens that prompt and answer may have together. */
  readonly contextLength: number
  readonly quantization?: string
  readonly endpoints: readonly EngineEndpoint[]
  /** True when tokens carry no ids (`id` is 0 in every token event). */
  readonly noIds: boolean
  /** True when `prefix` is understood: a job can go on from another provider's tokens. */
  readonly resumable: boolean
}

/** An OpenAI-shaped request body, already parsed from JSON. Checked again by the engine. */
export type RequestBody = Readonly<Record<string, unknown>>

export interface EngineRequest {
  readonly endpoint: 'chat' | 'completions'
  /** Model digest, 64 lower-case hex digits. */
  readonly model: string
  readonly body: RequestBody
  /** Token ids already delivered: generation goes on exactly after them. They count as prompt tokens. */
  readonly prefix?: readonly number[]
  /** Hard bound on generated tokens; a smaller `max_tokens` in the body wins. */
  readonly maxTokens: number
}

/** `prompt` comes first, once; then tokens; `end` comes last, once. Counts are disjoint. */
export type EngineEvent =
  | { readonly type: 'prompt', readonly promptTokens: number, readonly cachedTokens: number }
  | { readonly type: 'token', readonly id: number, readonly bytes: Uint8Array, readonly class: TokenClass }
  | { readonly type: 'end', readonly reason: EndReason }

export interface EngineSlots {
  readonly total: number
  readonly busy: number
}

export interface GenerateOptions {
  readonly signal?: AbortSignal
}

/** An inference engine. Everything it throws is a `CocoonError`. */
export interface Engine {
  readonly name: string
  readonly version: string
  /** What decides the engine's behaviour, for `runtimeConfigDigest`. */
  readonly args: readonly string[]
  /** False when the engine runs where attestation cannot see it, as a remote URL does. */
  readonly attestable: boolean
  /** @throws {CocoonError} engine_unavailable, file_unusable */
  start(): Promise<void>
  stop(): Promise<void>
  models(): readonly EngineModel[]
  slots(): EngineSlots
  /**
   * Runs one job. An aborted signal ends the events with reason `cancelled` instead of throwing.
   *
   * @throws {CocoonError} model_unknown, bad_request, unsupported_parameter, context_too_long, no_room, timeout, engine_failed, engine_unavailable
   */
  generate(request: EngineRequest, options?: GenerateOptions): AsyncIterable<EngineEvent>
  /** Tokens of a plain text, or undefined when the engine has no tokenizer for the model. */
  countTokens(model: string, text: string): number | undefined
}

/** Hex of a model's digest, the form that requests name. */
export function engineModelId (model: EngineModel): string {
  return toHex(model.digest)
}
