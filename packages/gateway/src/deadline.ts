import { CocoonError } from '@cocoon-net/protocol'

/**
 * A promise's result, unless the signal fires or the time passes first. A result that comes too late is given to
 * `late`, so that what it holds can be let go.
 *
 * @throws {CocoonError} job_cancelled, timeout
 */
export async function within<T> (promise: Promise<T>, init: { deadlineMs: number, signal?: AbortSignal, what: string, late? (value: T): void }): Promise<T> {
  let settled = false
  return new Promise<T>((resolve, reject) => {
    const settle = (act: () => void): void => {
      settled = true
      clearTimeout(timer)
      init.signal?.removeEventListener('abort', onAbort)
      act()
    }
    const onAbort = (): void => { settle(() => { reject(new CocoonError('job_cancelled')) }) }
    const timer = setTimeout(() => {
      settle(() => { reject(new CocoonError('timeout', `${init.what} took longer than ${init.deadlineMs} ms`)) })
    }, init.deadlineMs)
    promise.then(value => {
      if (settled) {
        init.late?.(value)
      } else {
        settle(() => { resolve(value) })
      }
    }, (error: unknown) => {
      if (!settled) {
        settle(() => { reject(error) })
      }
    })
    if (init.signal?.aborted === true) {
      onAbort()
    } else {
      init.signal?.addEventListener('abort', onAbort, { once: true })
    }
  })
}
