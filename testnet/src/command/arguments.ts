import { Command, InvalidArgumentError, Option } from 'commander'
import { CHEAT_NAMES } from '../network/cheats.ts'
import type { Cheat } from '../network/cheats.ts'

/** Exit codes of every program of this workspace. */
export const EXIT = { done: 0, no: 1, unusable: 2, noNetwork: 3, interrupted: 130 } as const

const MAX_PORT = 65_535
/** What the gateway's package has as its defaults, which is not loaded for two numbers: that takes longer than the rest of the start. */
const GATEWAY_PORT = 10_000
const ADMIN_PORT = 10_002

const UNUSABLE: ReadonlySet<string> = new Set(['port_taken', 'home_locked', 'usage', 'config_invalid', 'file_unusable', 'bad_request'])

/** The exit code of a program that ends with an error of this code. */
export function exitCodeOf (code: string): number {
  return UNUSABLE.has(code) ? EXIT.unusable : EXIT.noNetwork
}

export interface UpOptions {
  readonly once?: string
  readonly keep?: boolean
  readonly json?: boolean
  readonly providers: number
  readonly clients: number
  readonly seed?: string
  readonly cheat?: Cheat
  readonly registryDelay?: number
  readonly port: number
  readonly chainPort: number
  readonly adminPort: number
}

export type Parsed =
  | { readonly command: 'up', readonly options: UpOptions }
  | { readonly command: 'status', readonly json: boolean }
  | { readonly command: 'kill', readonly name: string, readonly json: boolean }

function integer (min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`must be a whole number from ${min} to ${max}`)
    }
    return value
  }
}

function seedOf (text: string): string {
  if (!/^[\w.-]{1,64}$/.test(text)) {
    throw new InvalidArgumentError('must be 1 to 64 letters, digits, dots or dashes')
  }
  return text
}

/** Beside the default port of the gateway that is where `cocoon` looks for it. */
function adminPortFor (gatewayPort: number): number {
  const port = gatewayPort + ADMIN_PORT - GATEWAY_PORT
  return gatewayPort === 0 || port > MAX_PORT ? 0 : port
}

/** Reads the arguments; ends the process for --help and for what makes no sense. */
export function parseArguments (argv: readonly string[]): Parsed {
  let parsed: Parsed | undefined
  const program = new Command('npm start --')
    .description('A private network on this machine: devnet chain, bootstrap peer, providers and OpenAI-compatible gateways.\nEvidence is SIMULATED: not private.')
    .exitOverride((error) => { process.exit(error.exitCode === 0 ? EXIT.done : EXIT.unusable) })
    .enablePositionalOptions()
    .option('--once <prompt>', 'run one job on a network of its own, print answer and bill, settle, exit')
    .option('--keep', 'with --once: leave the network\'s state on disk, and say where')
    .option('--json', 'machine-readable output; the last line is one object')
    .option('--providers <n>', 'number of providers', integer(3, 20), 3)
    .option('--clients <n>', 'number of client gateways; the first takes --port, the others free ports', integer(1, 20), 1)
    .option('--seed <text>', 'decides keys, addresses and sampling; the network starts from nothing each time', seedOf)
    .option('--registry-delay <seconds>', 'how long a change that loosens the registry\'s rules has to wait, set when the network is made; default 1800', integer(1, 365 * 86_400))
    .addOption(new Option('--cheat <how>', 'make the first provider sign against itself, and lose its stake to whoever reports it').choices(CHEAT_NAMES))
    .option('--port <port>', 'port of the gateway, 0 takes a free one', integer(0, MAX_PORT), GATEWAY_PORT)
    .option('--chain-port <port>', 'port of the chain\'s API, 0 takes a free one', integer(0, MAX_PORT), 10_001)
    .option('--admin-port <port>', 'port of the gateway\'s administration API, 0 takes a free one; default: 2 above --port', integer(0, MAX_PORT))
    .action((options: Omit<UpOptions, 'adminPort'> & Partial<UpOptions>) => {
      parsed = { command: 'up', options: { ...options, adminPort: options.adminPort ?? adminPortFor(options.port) } }
    })
  program.command('status')
    .description('show the processes of the network that runs; exits 1 when none does')
    .option('--json', 'one line of JSON')
    .action(({ json }: { json?: boolean }) => { parsed = { command: 'status', json: json === true } })
  program.command('kill <name>')
    .description('kill one process of the network as a crash would, such as provider-1; all ends the network')
    .option('--json', 'one line of JSON')
    .action((name: string, { json }: { json?: boolean }) => { parsed = { command: 'kill', name, json: json === true } })
  program.parse(argv, { from: 'user' })
  if (parsed == null) {
    process.exit(EXIT.unusable)
  }
  return parsed
}
