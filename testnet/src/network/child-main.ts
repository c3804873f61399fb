import { asCocoonError } from '@cocoon-net/protocol'

/** A child whose parent is gone has nobody else to end it when its own end hangs. */
const STOP_TIMEOUT_MS = 10_000

export type Handlers = Readonly<Record<string, (payload: any) => Promise<unknown>>>

function plain (value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null, (_key, item: unknown) => typeof item === 'bigint' ? item.toString() : item))
}

/** Writes to the process's log: what failed and its code, never what a peer or a user wrote. */
export function logError (what: string, thrown: unknown): void {
  const error = asCocoonError(thrown)
  process.stderr.write(`${new Date().toISOString()} ${what}: ${error.code} ${error.message}\n${error.stack ?? ''}\n`)
}

/** Tells the parent something that it did not ask for. */
export function tellParent (event: string, payload: unknown): void {
  if (process.connected) {
    process.send?.({ event, payload: plain(payload) })
  }
}

/**
 * The other end of `startChild`: answers what the parent asks, and stops when told to, on a signal, or when the parent
 * is gone.
 */
export function runChild (handlers: Handlers, stop: () => Promise<void>): void {
  let stopping: Promise<void> | undefined
  const end = async (): Promise<void> => {
    stopping ??= (async () => {
      setTimeout(() => { process.exit(1) }, STOP_TIMEOUT_MS).unref()
      await stop().catch((error: unknown) => { logError('stopping failed', error) })
    })()
    await stopping
  }
  const exit = (): void => {
    void end().then(() => { process.exit(0) })
  }
  process.on('message', (message: { id: number, type: string, payload: unknown }) => {
    const reply = (answer: object): void => { if (process.connected) { process.send?.({ id: message.id, ...answer }) } }
    if (message.type === 'stop') {
      void end().then(() => {
        reply({ result: null })
        process.exit(0)
      })
      return
    }
    const handler = handlers[message.type]
    if (handler == null) {
      reply({ error: { code: 'not_found', message: `no such question: ${message.type}` } })
      return
    }
    handler(message.payload).then((result) => { reply({ result: plain(result) }) }, (thrown: unknown) => {
      const error = asCocoonError(thrown)
      logError(message.type, error)
      reply({ error: { code: error.code, message: error.message } })
    })
  })
  process.on('disconnect', exit)
  process.on('SIGTERM', exit)
  process.on('SIGINT', exit)
}
