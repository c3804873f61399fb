import { ATTEST_CHECK_MS, REATTEST_MS } from './constants.ts'
import type { ProviderIdentity } from '../provider/identity.ts'

export interface KeepAttestedInit {
  readonly identity: Pick<ProviderIdentity, 'refresh' | 'outdated'>
  /** Called with each new binding. */
  onRenewed(): void
  onError?(error: unknown): void
  now(): number
  /** Calls `work` every so often until the returned function is called; default: a timer. */
  every?(intervalMs: number, work: () => void): () => void
}

function timer (intervalMs: number, work: () => void): () => void {
  const id = setInterval(work, intervalMs)
  return () => { clearInterval(id) }
}

/** Renews the binding on schedule, when anything in it has changed, and again soon after a failure. */
export function keepAttested (init: KeepAttestedInit): () => void {
  const { identity, now, every = timer } = init
  let attestedAtMs = now()
  let running = false
  return every(ATTEST_CHECK_MS, () => {
    if (running || (now() - attestedAtMs < REATTEST_MS && !identity.outdated())) {
      return
    }
    running = true
    const startedMs = now()
    identity.refresh().then(() => {
      attestedAtMs = startedMs
      init.onRenewed()
    }, (error: unknown) => { init.onError?.(error) }).finally(() => { running = false })
  })
}
