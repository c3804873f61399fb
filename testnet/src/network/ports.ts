import { createServer } from 'node:net'
import { CocoonError } from '@cocoon-net/protocol'

/**
 * Looks whether a port of loopback is free, before anything is started that needs it. Whoever takes it in between is
 * still noticed by the one that listens then.
 *
 * @throws {CocoonError} port_taken
 */
export async function assertPortFree (port: number, flag: string): Promise<void> {
  if (port === 0) {
    return
  }
  await new Promise<void>((resolve, reject) => {
    const server = createServer()
    server.once('error', (cause) => {
      reject(new CocoonError('port_taken', `port ${port} of 127.0.0.1 cannot be used; ${flag} chooses another, ${flag} 0 a free one`, { details: { port }, cause }))
    })
    server.listen(port, '127.0.0.1', () => { server.close(() => { resolve() }) })
  })
}
