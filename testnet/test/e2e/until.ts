import { expect } from 'aegir/chai'

const DEADLINE_MS = 40_000
const POLL_MS = 250

/** Asks again until the answer is right; fails with the last one after a deadline. */
export async function until<T> (ask: () => Promise<T>, isRight: (got: T) => boolean, what: string): Promise<T> {
  const endMs = Date.now() + DEADLINE_MS
  for (let got = await ask(); ; got = await ask()) {
    if (isRight(got)) {
      return got
    }
    expect(Date.now() < endMs, `${what}: ${JSON.stringify(got)}`).to.equal(true)
    await new Promise(resolve => { setTimeout(resolve, POLL_MS) })
  }
}
