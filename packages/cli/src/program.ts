import { CocoonError } from '@cocoon-net/protocol'
import { Command as Commander, CommanderError, Option } from 'commander'
import { notAvailable } from './commands/not-available.ts'
import { CONFIG_NAMES, configKey, flagName, variableName } from './config-keys.ts'
import { homeOf, resolveConfig } from './config.ts'
import { EXIT_DONE } from './exit-codes.ts'
import type { ConfigGroup } from './config-keys.ts'
import type { CliContext } from './context.ts'
import type { Command } from './invocation.ts'

interface CommandSpec {
  readonly name: string
  readonly args?: string
  readonly summary: string
  /** Settings that are flags of this command. */
  readonly groups: readonly ConfigGroup[]
  readonly options?: ReadonlyArray<readonly [flags: string, help: string, list?: 'list']>
  /** Loaded when it is run, so that --help and small commands start fast. */
  load (): Promise<Command>
  /** True when a broken configuration is this command's business. */
  readonly rawConfig?: boolean
}

const ALL: readonly ConfigGroup[] = ['network', 'provider', 'client', 'gateway']

const COMMANDS: readonly CommandSpec[] = [
  { name: 'init', summary: 'make the home, its configuration and its keys', groups: ALL, load: async () => (await import('./commands/init.ts')).init },
  { name: 'provider', summary: 'serve models and be paid, until stopped', groups: ['network', 'provider'], load: async () => (await import('./commands/host-node.ts')).provider },
  { name: 'gateway', summary: 'serve the OpenAI-compatible API on this machine, until stopped', groups: ['network', 'client', 'gateway'], load: async () => (await import('./commands/host-node.ts')).gateway },
  {
    name: 'chat',
    args: '[prompt...]',
    summary: 'ask one question through the running gateway; the prompt may come from standard input',
    groups: ['client', 'gateway'],
    options: [
      ['--model <name>', 'name or name@digest'],
      ['--system <text>', 'system message'],
      ['--max-tokens <count>', 'longest answer, tokens'],
      ['--temperature <number>', '0 to 2'],
      ['--seed <number>', 'the same seed gives the same answer from the same model and engine']
    ],
    load: async () => (await import('./commands/chat.ts')).chat
  },
  { name: 'offers', args: '[model]', summary: 'list what can be bought now', groups: ['gateway'], load: async () => (await import('./commands/offers.ts')).offers },
  { name: 'vault', summary: 'show the vault of the running node, with its lanes', groups: ['network'], load: async () => (await import('./commands/running-node.ts')).vault },
  { name: 'wallet', summary: 'show the wallet of the running node', groups: ['network'], load: async () => (await import('./commands/running-node.ts')).wallet },
  { name: 'settle', summary: 'redeem what the running node has earned', groups: ['network'], load: async () => (await import('./commands/running-node.ts')).settle },
  { name: 'stake', summary: 'stake of a provider (not built yet)', groups: ['network'], load: async () => notAvailable('Staking') },
  {
    name: 'verify',
    args: '<file>',
    summary: 'check hardware evidence (TDX, SGX, SEV-SNP, NVIDIA) or a receipt file; 0 holds, 1 does not, 2 not recognised',
    groups: [],
    options: [
      ['--collateral <path>', 'collateral: a file, or a folder of JSON, PEM and DER files'],
      ['--chain <file>', 'certificates or revocation lists, PEM or DER; repeat for more', 'list'],
      ['--at <time>', 'the time to judge at, such as 2026-03-01T00:00:00Z; default now'],
      ['--policy <file>', 'policy as JSON; default the production rules without a measurement allow-list']
    ],
    // Judging a file needs no configuration, and a broken one must not get in its way.
    rawConfig: true,
    load: async () => (await import('./commands/verify.ts')).verify
  },
  { name: 'explain', args: '[model]', summary: 'say why each candidate of the last requests was or was not taken', groups: ['network'], load: async () => (await import('./commands/running-node.ts')).explain },
  { name: 'doctor', summary: 'look at what commonly goes wrong', groups: ['network', 'provider', 'gateway'], rawConfig: true, load: async () => (await import('./commands/doctor.ts')).doctor }
]

const TESTNET: readonly CommandSpec[] = [
  {
    name: 'up',
    summary: 'bring up a local network and run until stopped',
    groups: [],
    options: [
      ['--providers <count>', 'number of providers'],
      ['--clients <count>', 'number of client gateways'],
      ['--seed <text>', 'decides keys, addresses and sampling; the network starts from nothing each time'],
      ['--gateway-port <port>', 'port of the first gateway, 0 takes a free one'],
      ['--chain-port <port>', 'port of the chain\'s API, 0 takes a free one']
    ],
    load: async () => (await import('./commands/testnet.ts')).testnetUp
  },
  { name: 'kill', args: '<name>', summary: 'kill one process of the local network as a crash would, such as provider-1; all ends the network', groups: [], load: async () => (await import('./commands/testnet.ts')).testnetKill },
  { name: 'status', summary: 'show the processes of the local network; exits 1 when none runs', groups: [], load: async () => (await import('./commands/testnet.ts')).testnetStatus }
]

function collect (value: string, previous: string[] | undefined): string[] {
  return [...previous ?? [], value]
}

function addSettings (command: Commander, groups: readonly ConfigGroup[]): void {
  for (const name of CONFIG_NAMES) {
    const key = configKey(name)
    if (!groups.includes(key.group)) {
      continue
    }
    const help = `${key.help} (${variableName(name)})`
    if (key.placeholder === undefined) {
      command.addOption(new Option(`--${flagName(name)}`, help)).addOption(new Option(`--no-${flagName(name)}`).hideHelp())
      // Commander takes a `no-` option to mean that the other one is on.
      command.setOptionValue(name, undefined)
    } else {
      const option = new Option(`--${flagName(name)} <${key.placeholder}>`, help)
      command.addOption(key.list === true ? option.argParser(collect) : option)
    }
  }
}

/** What a run decided besides printing: its exit code, and whether --json was asked for before anything failed. */
export interface RunState {
  exitCode: number
  json: boolean
}

function addCommand (parent: Commander, spec: CommandSpec, context: CliContext, state: RunState): void {
  const command = parent.command([spec.name, spec.args].filter(part => part !== undefined).join(' '))
    .description(spec.summary)
    .option('--home <folder>', 'folder of all state (COCOON_HOME, default ~/.cocoon)')
    .option('--json', 'print one JSON line')
  for (const [flags, help, list] of spec.options ?? []) {
    const option = new Option(flags, help)
    command.addOption(list === undefined ? option : option.argParser(collect))
  }
  addSettings(command, spec.groups)
  command.action(async () => {
    const options = command.opts<Record<string, unknown>>()
    state.json = options.json === true
    const home = homeOf(context.env, options.home as string | undefined)
    const flags = Object.fromEntries(CONFIG_NAMES.filter(name => spec.groups.includes(configKey(name).group)).map(name => [name, options[name]]))
    const config = spec.rawConfig === true ? {} : await resolveConfig({ home, env: context.env, flags })
    const run = await spec.load()
    state.exitCode = await run({ context, home, config, json: state.json, options: { ...options, ...flags }, args: command.args })
  })
}

export function buildProgram (context: CliContext, version: string, state: RunState): Commander {
  const program = new Commander('cocoon')
    .description('A market for private AI inference with no middleman.')
    .version(version, '--version', 'print the version')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: text => { context.out(text) }, writeErr: () => {}, outputError: () => {} })
  for (const spec of COMMANDS) {
    addCommand(program, spec, context, state)
  }
  const testnet = program.command('testnet').description('a private network on this machine')
  for (const spec of TESTNET) {
    addCommand(testnet, spec, context, state)
  }
  return program
}

/**
 * Parses the arguments and runs the command that they name.
 *
 * @throws {CocoonError} usage, or what the command throws
 */
export async function runProgram (argv: readonly string[], context: CliContext, version: string, state: RunState): Promise<void> {
  const program = buildProgram(context, version, state)
  if (argv.length === 0) {
    context.out(program.helpInformation())
    return
  }
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      throw error
    }
    if (error.exitCode === EXIT_DONE) {
      return
    }
    const message = error.code === 'commander.help' ? 'Name what to do' : error.message.replace(/^error: /, '').replaceAll('\n', ' ')
    throw new CocoonError('usage', message, { cause: error })
  }
}
