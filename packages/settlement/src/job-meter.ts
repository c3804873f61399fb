import { CocoonError, asCocoonError } from '@cocoon-net/protocol'
import { VOUCHER_TIMEOUT_MS } from './constants.ts'
import { exposureNano, finishJob, payableNano, vestJob } from './lane.ts'
import { withDeliveries } from './provider-lanes.ts'
import type { Clock } from './clock.ts'
import type { LaneState } from './lane.ts'
import type { ProviderEntry, ProviderLanes } from './provider-lanes.ts'

export interface JobMeter {
  /** True when tokens worth `vestedNano` in all may leave; notes them as delivered. */
  mayLeave (vestedNano: bigint): boolean
  /** Resolves when they may leave. Throws CocoonError voucher_late. */
  waitFor (vestedNano: bigint, opts?: { signal?: AbortSignal, timeoutMs?: number }): Promise<void>
  /** Ends the job at its exact charge, after waiting for the last voucher; what is missing becomes a debt. */
  finish (chargeNano: bigint, opts?: { signal?: AbortSignal, timeoutMs?: number }): Promise<{ paidNano: bigint, debtNano: bigint }>
  /** Ends a job that failed on this side: it costs nothing. */
  abort (): Promise<void>
}

export interface JobMeterInit {
  readonly lanes: ProviderLanes
  readonly entry: ProviderEntry
  readonly clock: Clock
  /** hex */
  readonly nonce: string
  readonly maxChargeNano: bigint
  readonly windowNano: bigint
  /** first-contact credit of the vault now, nanoTON */
  creditNano (): bigint
}

/** Whether every voucher taken so far is within what the chain shows. */
function backed (state: LaneState): boolean {
  return state.chain === 'confirmed' && state.cumulativeNano <= state.capNano
}

/** "A token leaves only if vested − what confirmed vouchers cover ≤ allowance." */
function isAllowed (init: JobMeterInit, next: LaneState): boolean {
  const { entry, nonce, windowNano, lanes } = init
  const job = next.jobs.get(nonce)
  if (job == null) {
    return false
  }
  const isWindowEarned = next.chain === 'confirmed' && next.finalisedNano >= windowNano && next.cumulativeNano < next.capNano
  if (isWindowEarned && job.vestedNano - job.allocatedNano <= windowNano) {
    return true
  }
  const before = exposureNano(withDeliveries(entry.state, entry.delivered))
  return lanes.vaultExposureNano(next.id.vault) - before + exposureNano(next) <= init.creditNano()
}

/** What lets the tokens of a job that has begun leave, and bills it. */
export function jobMeter (init: JobMeterInit): JobMeter {
  const { lanes, entry, nonce } = init

  const mayLeave = (vestedNano: bigint): boolean => {
    const { state, delivered } = entry
    const running = state.jobs.get(nonce)
    if (running?.begun !== true) {
      return false
    }
    if (vestedNano > (delivered.get(nonce) ?? 0n)) {
      // within what confirmed vouchers cover nothing is exposed, and nothing else needs to be asked
      const isCovered = backed(state) && vestedNano <= running.allocatedNano
      if (!isCovered && !isAllowed(init, vestJob(withDeliveries(state, delivered), nonce, vestedNano))) {
        return false
      }
      delivered.set(nonce, vestedNano)
    }
    return true
  }

  const until = async <T>(attempt: () => T | null, opts: { signal?: AbortSignal, timeoutMs?: number }): Promise<T> =>
    waitUntil(entry, init.clock, attempt, opts.timeoutMs ?? VOUCHER_TIMEOUT_MS, opts.signal)

  const end = (chargeNano: bigint): { written: Promise<void>, paidNano: bigint, debtNano: bigint } => {
    const { lane, ...result } = finishJob(withDeliveries(entry.ahead, entry.delivered), nonce, chargeNano)
    return { ...result, written: lanes.write(entry, lanes.advance(entry, () => lane), lanes.earnedRows(lane, nonce)) }
  }

  return {
    mayLeave,
    waitFor: async (vestedNano, opts = {}) => { await until(() => mayLeave(vestedNano) || null, opts) },
    finish: async (chargeNano, opts = {}) => {
      if (chargeNano > init.maxChargeNano) {
        throw new CocoonError('internal', 'the charge is above what the client allowed')
      }
      // looks and takes in one step: jobs that end together draw on the same unallocated balance
      const { written, paidNano, debtNano } = await until(() => payableNano(entry.ahead, nonce) >= chargeNano ? end(chargeNano) : null, opts)
        // late or cancelled: what is missing becomes a debt
        .catch(() => end(chargeNano))
      await written
      entry.delivered.delete(nonce)
      return { paidNano, debtNano }
    },
    abort: async () => {
      await end(0n).written
      entry.delivered.delete(nonce)
    }
  }
}

/** The first result of `attempt` that is not null, tried now and after each write; throws voucher_late when the time is over. */
async function waitUntil<T> (entry: ProviderEntry, clock: Clock, attempt: () => T | null, timeoutMs: number, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted()
  const now = attempt()
  if (now != null) {
    return now
  }
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => {
      cancel()
      entry.waiters.delete(check)
      signal?.removeEventListener('abort', onAbort)
    }
    const check = (): void => {
      const result = attempt()
      if (result != null) {
        stop()
        resolve(result)
      }
    }
    const onAbort = (): void => {
      stop()
      reject(asCocoonError(signal?.reason, 'job_cancelled'))
    }
    const cancel = clock.schedule(timeoutMs, () => {
      stop()
      reject(new CocoonError('voucher_late'))
    })
    entry.waiters.add(check)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
