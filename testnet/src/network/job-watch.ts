import type { FetchHandler } from '@cocoon-net/gateway'

export interface JobWatchInit<Job> {
  /** The record of a finished job; null while it runs. */
  job (jobId: string): Job | null
  onJob (job: Job): void
  /** A request for inference that came to no job. */
  onRefusal (refusal: { status: number, code: string }): void
}

const POLL_MS = 50
/** Records end with the job's receipt; a job that failed half-way has none. */
const GIVE_UP_MS = 10 * 60_000
const MAX_WATCHED = 256

async function codeOf (response: Response): Promise<string> {
  try {
    const { error } = await response.clone().json() as { error?: { code?: unknown } }
    return typeof error?.code === 'string' ? error.code : 'unknown'
  } catch {
    return 'unknown'
  }
}

/** The same handler, with an eye on how each job ends. */
export function watchJobs<Job> (handler: FetchHandler, init: JobWatchInit<Job>): FetchHandler & { stop (): void } {
  const running = new Map<string, number>()
  let timer: ReturnType<typeof setInterval> | undefined
  const look = (): void => {
    const nowMs = performance.now()
    for (const [jobId, sinceMs] of running) {
      const job = init.job(jobId)
      if (job != null || nowMs - sinceMs > GIVE_UP_MS) {
        running.delete(jobId)
      }
      if (job != null) {
        init.onJob(job)
      }
    }
    if (running.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
  }
  return {
    fetch: async (request) => {
      const response = await handler.fetch(request)
      const jobId = response.headers.get('x-cocoon-job')
      if (jobId != null && running.size < MAX_WATCHED) {
        running.set(jobId, performance.now())
        timer ??= setInterval(look, POLL_MS)
      } else if (!response.ok && request.method === 'POST') {
        void codeOf(response).then(code => { init.onRefusal({ status: response.status, code }) })
      }
      return response
    },
    stop: () => { clearInterval(timer) }
  }
}
