import { CocoonError, utf8 } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { runningJob } from '../../src/client/running-job.ts'
import type { AnswerToken, AttemptResult } from '../../src/client/answer-reader.ts'
import type { InferenceJob, JobSummary } from '../../src/client/api.ts'

const result = { finish: 'stop' } as unknown as AttemptResult
const token = (text: string | Uint8Array): AnswerToken => ({ id: 1, bytes: typeof text === 'string' ? utf8(text) : text, class: 'completion' })

/** A job whose tokens come at the times given, in milliseconds. */
function job (chunks: ReadonlyArray<readonly [number, readonly AnswerToken[]]>, fails?: CocoonError): { job: InferenceJob, speeds: number[], failures: string[] } {
  const cancel = new AbortController()
  const speeds: number[] = []
  const failures: string[] = []
  let nowMs = 0
  const tokens = (async function * (): AsyncGenerator<readonly AnswerToken[], AttemptResult, void> {
    for (const [atMs, chunk] of chunks) {
      nowMs = atMs
      yield chunk
    }
    if (fails != null) {
      throw fails
    }
    return result
  })()
  return {
    speeds,
    failures,
    job: runningJob({
      attempt: { jobId: new Uint8Array(32), tokens },
      jobId: 'ab',
      provider: 'peer',
      tier: 'open',
      tierNote: '',
      model: 'm',
      cancel,
      signal: cancel.signal,
      now: () => nowMs,
      onDone: (_result, tokensPerSecond) => {
        speeds.push(tokensPerSecond)
        return { tokensPerSecond } as unknown as JobSummary
      },
      onFailed: ({ code }) => { failures.push(code) }
    })
  }
}

async function textOf (running: InferenceJob): Promise<string> {
  let text = ''
  for await (const event of running.events) {
    text += event.type === 'tokens' ? event.tokens.map(t => `${t.index}${t.text}`).join('') : event.reason
  }
  return text
}

describe('a running job', () => {
  it('gives the text in order, with its places, and the speed from the first token on', async () => {
    const { job: running, speeds } = job([[0, [token('a'), token('b')]], [2_000, [token('c'), token('d'), token('e')]]])
    expect(await textOf(running)).to.equal('0a1b2c3d4estop')
    expect(speeds).to.deep.equal([2])
    expect(await running.summary).to.deep.equal({ tokensPerSecond: 2 })
  })

  it('has no speed where no time passed', async () => {
    const { job: running, speeds } = job([[0, [token('a'), token('b')]]])
    await textOf(running)
    expect(speeds).to.deep.equal([0])
  })

  it('joins a character that two tokens share, and gives the rest of a broken one at the end', async () => {
    const [first, second] = [Uint8Array.of(0xc3), Uint8Array.of(0xa9)]
    expect(await textOf(job([[0, [token(first), token(second)]]]).job)).to.equal('01éstop')
    expect(await textOf(job([[0, [token('a'), token(first)]]]).job)).to.equal('0a12\ufffdstop')
  })

  it('fails once, for those who read the text and for those who wait for the bill', async () => {
    const { job: running, failures, speeds } = job([[0, [token('a')]]], new CocoonError('stream_closed'))
    const [read, bill] = await Promise.allSettled([textOf(running), running.summary])
    expect([read, bill].map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
    expect(failures).to.deep.equal(['stream_closed'])
    expect(speeds).to.deep.equal([])
  })

  it('is read to its bill when it is cancelled before anybody reads', async () => {
    const { job: running, speeds } = job([[0, [token('a')]], [1_000, [token('b')]]])
    running.cancel()
    await running.summary
    expect(speeds).to.deep.equal([1])
    expect(await textOf(running)).to.equal('cancelled')
  })
})
