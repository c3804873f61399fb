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

/** Hands the terminal to the repository's own program, whose exit code is the command's. */
async function runEntry (invocation: Invocation, args: readonly string[]): Promise<number> {
  const { context, home, json } = invocation
  const child = context.spawn(process.execPath, [...entryCommand(context.env), ...args, ...(json ? ['--json'] : [])], {
    stdio: 'inherit',
    env: { ...context.env, COCOON_HOME: home }
  })
  // An interrupt from a terminal has reached the child already; it takes the first signal and ignores repeats.
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

/** Flags of `testnet up`, and what the program calls them. */
const UP_FLAGS = [['providers', '--providers'], ['clients', '--clients'], ['seed', '--seed'], ['gatewayPort', '--port'], ['chainPort', '--chain-port'], ['registryDelay', '--registry-delay']] as const

/** Brings up a local network and runs until it is stopped. */
export async function testnetUp (invocation: Invocation): Promise<number> {
  const { options } = invocation
  return runEntry(invocation, UP_FLAGS.flatMap(([name, flag]) => options[name] === undefined ? [] : [`${flag}=${String(options[name])}`]))
}

/** Kills one process of the local network, or ends the network. */
export async function testnetKill (invocation: Invocation): Promise<number> {
  return runEntry(invocation, ['kill', invocation.args[0]])
}

/** Shows the processes of the local network. */
export async function testnetStatus (invocation: Invocation): Promise<number> {
  return runEntry(invocation, ['status'])
}
