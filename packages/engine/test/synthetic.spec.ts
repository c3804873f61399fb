import { expect } from 'aegir/chai'
import { syntheticEngine } from '../src/synthetic.ts'
import { chat, collect, compliance } from './compliance.ts'

compliance('synthetic', async () => syntheticEngine(), 'anything')

describe('synthetic engine', () => {
  it('goes on after a prefix with the tokens it would have made', async () => {
    const engine = syntheticEngine({ answerTokens: 30 })
    await engine.start()
    const whole = await collect(engine.generate(chat(engine, 'x', {}, 50)))
    const rest = await collect(engine.generate({ ...chat(engine, 'x', {}, 50), prefix: whole.ids.slice(0, 11) }))
    expect(whole.ids).to.have.length(30)
    expect(whole.end).to.equal('stop')
    expect(rest.ids).to.deep.equal(whole.ids.slice(11))
    await engine.stop()
  })
})
