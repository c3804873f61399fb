import { asCocoonError } from '@cocoon-net/protocol'
import { systemClock } from '@cocoon-net/settlement'
import { judgeRegistry } from './registry-judge.ts'
import { checkFollows, readRegistry } from './registry-read.ts'
import type { RegistryJudgement } from './registry-judge.ts'
import type { RegistryMemory, SeenRegistry } from './registry-memory.ts'
import type { RegistryReader } from './registry-read.ts'
import type { CocoonError } from '@cocoon-net/protocol'
import type { Clock } from '@cocoon-net/settlement'

/**
 * How long the last good state counts while the chain does not answer. Longer than a chain was ever away, and shorter than
 * any loosening waits: what it allows too little comes later, and what it allows too much is a tightening of the last day.
 */
export const REGISTRY_MAX_AGE_MS = 24 * 3_600_000
/** A state that did not change is written again this often, so that a restart knows its age. */
const REMEMBER_MS = 10 * 60_000

/** How a registry is seen by a node that follows it. */
export interface RegistryWatch {
  /** What counts now: the newest state seen, unless it was last seen too long ago. The same object while nothing has changed. */
  current (): RegistryJudgement | null
  /** When the chain last showed it, unix milliseconds, and why it does not now; for people. */
  status (): { readonly seenAtMs: number | null, readonly fault: CocoonError | null }
  /** Reads the chain once, now or with the read under way; never throws. */
  refresh (): Promise<void>
  /** Loads what is remembered, and reads the chain now and then until stopped. */
  start (): Promise<void>
  /** Resolves when nothing is read or written any more. */
  stop (): Promise<void>
}

export interface RegistryWatchInit {
  readonly account: Uint8Array
  readonly reader: RegistryReader
  readonly memory: RegistryMemory
  readonly refreshMs: number
  /** Default a day. */
  readonly maxAgeMs?: number
  readonly clock?: Clock
  /** Told when another state counts. */
  onChange? (judgement: RegistryJudgement): void
  /** Told once of each new kind of failure. */
  onError? (error: CocoonError): void
}

/** Follows a registry beside the work of the node: nobody who asks what counts waits for a chain. */
export function createRegistryWatch (init: RegistryWatchInit): RegistryWatch {
  const { account, memory, clock = systemClock } = init
  const now = (): number => clock.nowMs()
  const maxAgeMs = init.maxAgeMs ?? REGISTRY_MAX_AGE_MS
  let seen: SeenRegistry | null = null
  let judged: RegistryJudgement | null = null
  let savedAtMs = 0
  let fault: CocoonError | null = null
  let reading: Promise<void> | undefined
  let cancel: (() => void) | undefined
  let isStopped = false

  // The same version is the same state, only younger.
  const take = (next: SeenRegistry): void => {
    if (next.state.version !== seen?.state.version) {
      judged = judgeRegistry(next.state, Math.floor(now() / 1_000))
    }
    seen = next
  }

  const failed = (thrown: unknown): void => {
    const error = asCocoonError(thrown)
    const isOld = fault?.code === error.code
    fault = error
    if (!isOld) {
      init.onError?.(error)
    }
  }

  const read = async (): Promise<void> => {
    try {
      const shown = await readRegistry(init.reader, account)
      if (seen != null) {
        checkFollows(seen, shown)
      }
      const next = { ...shown, seenAtMs: now() }
      const isNew = shown.state.version !== seen?.state.version
      if (isNew || next.seenAtMs - savedAtMs >= REMEMBER_MS) {
        // Before it counts: what was seen once must never be taken back by a restart.
        await memory.save(account, next)
        savedAtMs = next.seenAtMs
      }
      take(next)
      fault = null
      if (isNew && judged != null) {
        init.onChange?.(judged)
      }
    } catch (error) {
      failed(error)
    }
  }

  const refresh = async (): Promise<void> => {
    reading ??= read().finally(() => { reading = undefined })
    await reading
  }

  const follow = (): void => {
    void refresh().finally(() => {
      if (!isStopped) {
        cancel = clock.schedule(init.refreshMs, follow)
      }
    })
  }

  return {
    current: () => seen != null && now() - seen.seenAtMs <= maxAgeMs ? judged : null,
    status: () => ({ seenAtMs: seen?.seenAtMs ?? null, fault }),
    refresh,
    start: async () => {
      const known = await memory.load(account)
      if (known != null) {
        take(known)
        savedAtMs = known.seenAtMs
      }
      follow()
    },
    stop: async () => {
      isStopped = true
      cancel?.()
      await reading
    }
  }
}
