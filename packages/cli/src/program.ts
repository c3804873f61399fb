import { CocoonError } from '@cocoon-net/protocol'
import { Command as Commander, CommanderError, Option } from 'commander'
import { closest } from 'fastest-levenshtein'
import { COMMANDS, GROUPS } from './command-table.ts'
import { CONFIG_NAMES, configKey, flagName, variableName } from './config-keys.ts'
import { homeOf, resolveConfig } from './config.ts'
import { EXIT_DONE } from './exit-codes.ts'
import type { CommandSpec } from './command-spec.ts'
import type { ConfigGroup } from './config-keys.ts'
import type { CliContext } from './context.ts'

/** What a run decided besides printing: its exit code, and whether --json was asked for before anything failed. */
export interface RunState {
  exitCode: number
  json: boolean
}

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

function given (options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

/** The command's own options, and those that stand before any of its words. */
function optionsOf (command: Commander): Record<string, unknown> {
  return { ...(command.parent == null ? {} : optionsOf(command.parent)), ...given(command.opts()) }
}

/** What every command takes, before its words as well as after them. */
function addShared (command: Commander): void {
  command
    .option('--home <folder>', 'folder of all state (COCOON_HOME, default ~/.cocoon)')
    .option('--json', 'print one JSON line')
}

function fill (command: Commander, spec: Omit<CommandSpec, 'name'>, context: CliContext, state: RunState): void {
  command.description(spec.summary)
  addShared(command)
  for (const [flags, help, list] of spec.options ?? []) {
    const option = new Option(flags, help)
    command.addOption(list === undefined ? option : option.argParser(collect))
  }
  addSettings(command, spec.groups)
  command.addHelpText('after', `\n${spec.examples.length === 1 ? 'Example' : 'Examples'}:\n${spec.examples.map(line => `  $ ${line}`).join('\n')}`)
  command.action(async () => {
    const options = optionsOf(command)
    state.json = options.json === true
    const home = homeOf(context.env, options.home as string | undefined)
    const flags = Object.fromEntries(CONFIG_NAMES.filter(name => spec.groups.includes(configKey(name).group)).map(name => [name, options[name]]))
    const config = spec.rawConfig === true ? {} : await resolveConfig({ home, env: context.env, flags })
    const run = await spec.load()
    state.exitCode = await run({ context, home, config, json: state.json, options: { ...options, ...flags }, args: command.args })
  })
}

function unknownWord (group: string, word: string, commands: readonly CommandSpec[]): CocoonError {
  const names = commands.map(command => command.name)
  const near = word.length > 64 ? '' : `; the nearest is ${closest(word, names)}`
  return new CocoonError('usage', `cocoon ${group} has no ${JSON.stringify(word.slice(0, 64))}${near}`)
}

function addCommand (parent: Commander, spec: CommandSpec, context: CliContext, state: RunState): void {
  // A group takes an unknown word to name the nearest one; its commands take what they say.
  const command = parent.command([spec.name, spec.args].filter(part => part !== undefined).join(' ')).allowExcessArguments(false)
  if (spec.alias !== undefined) {
    command.alias(spec.alias)
  }
  fill(command, spec, context, state)
}

export function buildProgram (context: CliContext, version: string, state: RunState): Commander {
  const program = new Commander('cocoon')
    .description('A market for private AI inference with no middleman.')
    .version(version, '--version', 'print the version')
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: text => { context.out(text) }, writeErr: () => {}, outputError: () => {} })
  addShared(program)
  for (const spec of COMMANDS) {
    addCommand(program, spec, context, state)
  }
  for (const { name, summary, alone, commands } of GROUPS) {
    const group = program.command(name).description(summary).enablePositionalOptions()
    if (alone !== undefined) {
      fill(group, { ...alone, summary }, context, state)
    }
    const senders = commands.filter(({ sends }) => sends !== undefined)
    if (senders.length > 0) {
      const width = Math.max(...senders.map(command => command.name.length))
      group.addHelpText('after', `\nMessages of the contract (contracts/SPEC.md), by command:\n${senders.map(command => `  ${command.name.padEnd(width)}  ${command.sends}`).join('\n')}`)
    }
    group.allowExcessArguments(true).hook('preAction', (_, command) => {
      if (command === group && command.args.length > 0) {
        throw unknownWord(name, command.args[0], commands)
      }
    })
    for (const spec of commands) {
      addCommand(group, spec, context, state)
    }
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
    const message = error.code === 'commander.help' ? `Name what to do: ${GROUPS.find(group => group.name === argv[0])?.commands.map(command => command.name).join(', ') ?? 'see cocoon --help'}` : error.message.replace(/^error: /, '').replaceAll('\n', ' ')
    throw new CocoonError('usage', message, { cause: error })
  }
}
