/**
 * @packageDocumentation
 *
 * One interface over inference engines: an embedded llama.cpp and OpenAI-compatible servers.
 */
export { engineModelId } from './engine.ts'
export type {
  EndReason, Engine, EngineEndpoint, EngineEvent, EngineModel, EngineRequest, EngineSlots, GenerateOptions, RequestBody, TokenClass
} from './engine.ts'
export { llamaEngine } from './llama-engine.ts'
export type { LlamaEngineInit, LlamaModelInit } from './llama-engine.ts'
export { openaiEngine } from './openai/openai-engine.ts'
export type { OpenaiEngineInit } from './openai/openai-engine.ts'
export type { OpenaiModelInit } from './openai/remote-model.ts'
export { digestModelFiles, GGUF_PATH } from './model-files.ts'
export type { ModelFileSource } from './model-files.ts'
export { demoModelPath } from './demo-model.ts'
