import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CocoonError } from '@cocoon-net/protocol'
import { EXIT_DONE, EXIT_NO } from '../exit-codes.ts'
import type { Environment } from '../config.ts'
import type { Invocation } from '../invocation.ts'

/** The local network is a tool of the repository, not part of the installed command. */
function entryCommand (env: Environment): string[] {
  const bundle = env.COCOON_BUNDLE_DIR
  const built = bundle === undefined || bundle === '' ? '' : join(bundle, 'testnet', 'src', 'bin', 'start.js')
  if (built !== '' && existsSync(built)) {
    return [built]
  }
  const source = fileURLToPath(new URL('../../../../testnet/src/bin/start.ts', import.meta.url))
  if (!existsSync(source)) {
    throw new CocoonError('not_available_yet', 'The local network comes with a checkout of the repository: clone it and run npm start')
  }
  return ['--conditions=source', source]
}

/** Brings up a local network and runs until it is stopped. */
export async function testnetUp (invocation: Invocation): Promise<number> {
  const { context, home, options, json } = invocation
  if (options.seed !== undefined || (options.clients !== undefined && options.clients !== '1')) {
    throw new CocoonError('not_available_yet', 'A local network with a seed or with more than one client is not built yet')
  }
  const flags = [['providers', '--providers'], ['gatewayPort', '--port'], ['chainPort', '--chain-port']].flatMap(([name, flag]) => options[name] === undefined ? [] : [flag, String(options[name])])
  const child = context.spawn(process.execPath, [...entryCommand(context.env), ...flags, ...(json ? ['--json'] : [])], {
    stdio: 'inherit',
    env: { ...context.env, COCOON_HOME: home }
  })
  // An interrupt from a terminal has reached the child already; it takes the first signal and ignores the rest.
  const relay = (): void => { child.kill('SIGTERM') }
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
