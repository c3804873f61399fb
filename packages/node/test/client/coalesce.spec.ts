import { expect } from 'aegir/chai'
import { coalesced } from '../../src/client/coalesce.ts'

describe('coalesce', () => {
  let runs: number
  let end: () => void
  let pauses: Array<{ ms: number, over(): void, isForgotten: boolean }>

  beforeEach(() => {
    runs = 0
    pauses = []
  })

  const make = (): ReturnType<typeof coalesced> => coalesced({
    pauseMs: 7,
    work: async () => new Promise<void>(resolve => {
      runs++
      end = resolve
    }),
    schedule: (ms, over) => {
      const pause = { ms, over, isForgotten: false }
      pauses.push(pause)
      return () => { pause.isForgotten = true }
    }
  })
  const ended = async (): Promise<void> => {
    end()
    await new Promise(resolve => { setImmediate(resolve) })
  }

  it('does at once what is asked for first, and all that is asked for until the pause is over once', async () => {
    const work = make()
    work.ask()
    expect(runs).to.equal(1)
    work.ask()
    await ended()
    work.ask()
    work.ask()
    expect([runs, pauses.map(({ ms }) => ms)]).to.deep.equal([1, [7]])
    pauses[0].over()
    expect(runs).to.equal(2)
    await ended()
    pauses[1].over()
    expect(runs).to.equal(2)
    work.ask()
    expect(runs).to.equal(3)
  })

  it('does nothing after its stop, and leaves no timer', async () => {
    const work = make()
    work.ask()
    await ended()
    work.stop()
    expect(pauses.map(({ isForgotten }) => isForgotten)).to.deep.equal([true])
    work.ask()
    expect(runs).to.equal(1)

    const early = make()
    early.ask()
    early.stop()
    await ended()
    expect(pauses.length).to.equal(1)
  })
})
