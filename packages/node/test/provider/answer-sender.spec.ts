import { CocoonError } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { FLUSH_TOKENS } from '../../src/constants.ts'
import { createAnswerSender } from '../../src/provider/answer-sender.ts'
import { eventually } from '../eventually.ts'
import type { AnswerSender } from '../../src/provider/answer-sender.ts'
import type { PendingToken } from '../../src/provider/chunk-writer.ts'

const token: PendingToken = { id: 1, bytes: new Uint8Array(1), class: 'completion' }

/** A sender whose chunks are the number of tokens in them. */
function world (init: { sealFails?: boolean, writeFails?: boolean, flushMs?: number } = {}): { sender: AnswerSender, sent: number[], errors: unknown[] } {
  const sent: number[] = []
  const errors: unknown[] = []
  let pending = 0
  const writer = {
    get pending () { return pending },
    hash: new Uint8Array(32),
    add: () => { pending++ },
    seal: ({ finish }: { finish?: unknown }) => {
      if (init.sealFails === true) {
        throw new CocoonError('frame_malformed')
      }
      const sealed = pending === 0 && finish == null ? null : Uint8Array.of(pending)
      pending = 0
      return sealed
    }
  }
  const frames = {
    write: async (frame: { sealed: Uint8Array }) => {
      if (init.writeFails === true) {
        throw new CocoonError('stream_closed')
      }
      sent.push(frame.sealed[0])
    }
  } as never
  return { sender: createAnswerSender({ frames, writer, flushMs: init.flushMs ?? 60_000, onError: (error) => { errors.push(error) } }), sent, errors }
}

describe('answer sender', () => {
  it('sends the first token at once, and the others when a chunk is full or the answer ends', async () => {
    const { sender, sent } = world()
    for (let i = 0; i < FLUSH_TOKENS + 3; i++) {
      await sender.push(token)
    }
    await sender.flush({ flush: false, finish: 'stop' })
    expect(sent).to.deep.equal([1, FLUSH_TOKENS, 2])
    expect([sender.count, sender.error]).to.deep.equal([FLUSH_TOKENS + 3, undefined])
  })

  it('does not let tokens wait for company for longer than its timer', async () => {
    const { sender, sent } = world({ flushMs: 1 })
    await sender.push(token)
    await sender.push(token)
    await eventually(() => sent.length === 2)
    expect(sent).to.deep.equal([1, 1])
  })

  for (const [what, init, code] of [['sealed', { sealFails: true }, 'frame_malformed'], ['written', { writeFails: true }, 'stream_closed']] as const) {
    it(`says once and for all that a chunk cannot be ${what}, and throws nothing`, async () => {
      const { sender, sent, errors } = world(init)
      await sender.push(token)
      await sender.flush({ flush: true })
      expect(sender.error).to.have.property('code', code)
      expect(errors[0]).to.equal(sender.error)
      expect(sent).to.deep.equal([])
    })
  }

  it('sends nothing more for a client that is gone', async () => {
    const { sender, sent } = world()
    await sender.push(token)
    await sender.sent()
    sender.lose(new CocoonError('stream_closed'))
    await sender.flush({ flush: false, finish: 'error' })
    expect(sent).to.deep.equal([1])
  })
})
