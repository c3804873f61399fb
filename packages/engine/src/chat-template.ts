import { CocoonError } from '@cocoon-net/protocol'
import { Template } from '@huggingface/jinja'
import { contentText } from './request.ts'
import type { ChatMessage } from './request.ts'

/** Used when a model has no template of its own: ChatML. */
export const CHATML_TEMPLATE = '{% for message in messages %}{{ \'<|im_start|>\' + message[\'role\'] + \'\\n\' + message[\'content\'] + \'<|im_end|>\' + \'\\n\' }}{% endfor %}{% if add_generation_prompt %}{{ \'<|im_start|>assistant\\n\' }}{% endif %}'

/** A run of a rendered prompt. Only `template` text may be read as special tokens; `user` text never. */
export interface PromptPart {
  readonly source: 'template' | 'user'
  readonly text: string
}

export interface TemplateVariables {
  readonly bosToken: string
  readonly eosToken: string
}

/**
 * Renders messages with a model's own template. Each message's text is represented by a marker while the template runs,
 * so that the result still says which letters came from a stranger. A template that looks into the text (to trim it, or
 * to search for a tag) sees the marker: its text is then used as it was given.
 */
export class ChatTemplate {
  private readonly template: Template
  private readonly variables: TemplateVariables

  constructor (source: string, variables: TemplateVariables) {
    this.template = new Template(source)
    this.variables = variables
  }

  /** @throws {CocoonError} bad_request when the template refuses the messages */
  render (messages: readonly ChatMessage[]): PromptPart[] {
    const texts = messages.map(message => contentText(message.content))
    const fence = pickFence(texts)
    let rendered: string

    try {
      rendered = this.template.render({
        messages: messages.map((message, i) => ({
          role: message.role === 'developer' ? 'system' : message.role,
          content: `${fence}${i}${fence}`
        })),
        add_generation_prompt: true,
        bos_token: this.variables.bosToken,
        eos_token: this.variables.eosToken
      })
    } catch (error) {
      throw new CocoonError('bad_request', 'The model\'s chat template refuses these messages.', { cause: error, details: { parameter: 'messages' } })
    }

    // Between two fences stands an index: odd places are messages.
    return rendered.split(fence)
      .map((text, i): PromptPart => i % 2 === 0 ? { source: 'template', text } : { source: 'user', text: texts[Number(text)] })
      .filter(part => part.text.length > 0)
  }
}

/** A run of a private-use letter that no message holds. */
function pickFence (texts: readonly string[]): string {
  const longest = texts.reduce((most, text) => (text.match(/\uE000+/g) ?? []).reduce((run, hit) => Math.max(run, hit.length), most), 0)

  return '\uE000'.repeat(longest + 1)
}

/**
 * Token ids of a rendered prompt. Special tokens are looked for in template text only; everything between two of them is
 * tokenized in one go, as the model saw it in training.
 *
 * @param parts - a rendered prompt
 * @param specials - texts and ids of special tokens, longest first
 * @param tokenize - plain text to ids, never reading special tokens
 */
export function tokenizePrompt (parts: readonly PromptPart[], specials: ReadonlyArray<readonly [string, number]>, tokenize: (text: string) => number[]): number[] {
  const ids: number[] = []
  let plain = ''
  const flush = (): void => {
    if (plain.length > 0) {
      ids.push(...tokenize(plain))
      plain = ''
    }
  }

  for (const part of parts) {
    if (part.source === 'user') {
      plain += part.text
      continue
    }

    let rest = part.text

    while (rest.length > 0) {
      let at = -1
      let hit: readonly [string, number] | undefined

      for (const special of specials) {
        const index = rest.indexOf(special[0])

        if (index >= 0 && (at < 0 || index < at)) {
          at = index
          hit = special
        }
      }

      if (hit == null) {
        plain += rest
        break
      }

      plain += rest.slice(0, at)
      flush()
      ids.push(hit[1])
      rest = rest.slice(at + hit[0].length)
    }
  }

  flush()

  return ids
}
