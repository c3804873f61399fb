import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CocoonError } from '@cocoon-net/protocol'
import { EXIT_DONE, EXIT_NO } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'

/** The local network is a tool of the repository, not part of the installed command. */
const ENTRY = fileURLToPath(new URL('../../../../testnet/src/bin/start.ts', import.meta.url))

/** Brings up a local network and runs until it is stopped. */
export async function testnetUp (invocation: Invocation): Promise<number> {
  if (!existsSync(ENTRY)) {
    throw new CocoonError('not_available_yet', 'The local network comes with a checkout of the repository: clone it and run npm start')
  }
  const { context, home, options, json } = invocation
  const flags = ['providers', 'clients', 'seed'].flatMap(name => options[name] === undefined ? [] : [`--${name}`, String(options[name])])
  const child = context.spawn(process.execPath, ['--conditions=source', ENTRY, ...flags, ...(json ? ['--json'] : [])], {
    stdio: 'inherit',
    env: { ...context.env, COCOON_HOME: home }
  })
  // An interrupt from a terminal reaches the child by itself; a termination does not.
  const relay = (): void => {
    if (context.signal.reason !== 'SIGINT') {
      child.kill('SIGTERM')
    }
  }
  context.signal.addEventListener('abort', relay, { once: true })
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', code => { resolve(code ?? (context.signal.aborted ? EXIT_DONE : EXIT_NO)) })
    })
  } finally {
    context.signal.removeEventListener('abort', relay)
  }
}
