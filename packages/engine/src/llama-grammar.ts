import { CocoonError } from '@cocoon-net/protocol'
import { unsupported } from './request.ts'
import type { LoadedModel } from './llama-model.ts'
import type { ResponseFormat } from './request.ts'
import type { Llama, LlamaGrammarEvaluationState } from 'node-llama-cpp'

interface GrammarInit {
  readonly llama: Llama
  readonly model: LoadedModel
  readonly format: ResponseFormat
  readonly prefix: readonly number[]
}

/**
 * What holds an answer to the format that was asked for; undefined where any text will do.
 *
 * @throws {CocoonError} unsupported_parameter, bad_request
 */
export async function grammarState ({ llama, model, format, prefix }: GrammarInit): Promise<LlamaGrammarEvaluationState | undefined> {
  if (format == null || format.type === 'text') {
    return undefined
  }

  if (prefix.length > 0) {
    throw unsupported('response_format', 'A grammar cannot be resumed in the middle of an answer.')
  }

  const { LlamaGrammarEvaluationState } = await import('node-llama-cpp')

  try {
    const grammar = format.type === 'json_object'
      ? await llama.getGrammarFor('json')
      : await llama.createGrammarForJsonSchema(format.json_schema.schema as Parameters<Llama['createGrammarForJsonSchema']>[0])

    return new LlamaGrammarEvaluationState({ model: model.model, grammar })
  } catch (error) {
    throw new CocoonError('bad_request', 'The JSON schema cannot be used.', { cause: error, details: { parameter: 'response_format' } })
  }
}
