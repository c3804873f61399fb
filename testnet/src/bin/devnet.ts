/**
 * The devnet chain on its own: `devnet --home DIR --port N`. Prints one line of JSON when it is ready and runs until it is
 * told to stop. Exit codes: 0 stopped, 2 unusable input (`port_taken`, `home_locked` and so on, as JSON on stderr).
 */
import { asCocoonError, fromHex, toHex } from '@cocoon-net/protocol'
import { Command } from 'commander'
import { startDevnet } from '../devnet/index.ts'

interface Options {
  readonly home: string
  readonly port: string
  readonly genesis?: string
  readonly blockInterval: string
  readonly messageDelay: string
  readonly lossRate: string
  readonly seed?: string
  readonly globalId?: string
}

const command = new Command('devnet')
  .description('Runs a local TON-compatible chain with free coins.')
  .requiredOption('--home <dir>', 'folder of its state')
  .option('--port <number>', 'port on 127.0.0.1, 0 takes a free one', '0')
  .option('--genesis <hex>', '64 hex digits; only for a new chain')
  .option('--block-interval <ms>', '0: a block per accepted message', '0')
  .option('--message-delay <ms>', 'how long an accepted message waits', '0')
  .option('--loss-rate <share>', 'share of accepted messages that are lost, 0 to 1', '0')
  .option('--seed <text>', 'decides which messages are lost')
  .option('--global-id <number>', 'what the chain says it is, such as -3 for a rehearsal of testnet; keys with real coins do not belong there')
  .option('--json', 'for symmetry with the other commands: the output is JSON in any case')

/** As JSON on stderr, nothing that a peer wrote. */
function report (thrown: unknown): void {
  const error = asCocoonError(thrown)
  process.stderr.write(`${JSON.stringify({ error: error.code, message: error.message, remedy: error.spec.remedy })}\n`)
}

function numberOf (text: string, name: string, max: number, min = 0): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= min && value <= max)) {
    command.error(`--${name} must be a number from ${min} to ${max}`, { exitCode: 2 })
  }
  return value
}

const options = command.exitOverride((error) => { process.exit(error.exitCode === 0 ? 0 : 2) }).parse().opts<Options>()

try {
  const devnet = await startDevnet({
    home: options.home,
    port: numberOf(options.port, 'port', 65_535),
    genesis: options.genesis == null ? undefined : fromHex(options.genesis),
    blockIntervalMs: numberOf(options.blockInterval, 'block-interval', 3_600_000),
    messageDelayMs: numberOf(options.messageDelay, 'message-delay', 600_000),
    lossRate: numberOf(options.lossRate, 'loss-rate', 1),
    seed: options.seed,
    globalId: options.globalId == null ? undefined : Math.trunc(numberOf(options.globalId, 'global-id', 2 ** 31 - 1, -(2 ** 31))),
    onError: report
  })
  process.stdout.write(`${JSON.stringify({ ready: true, endpoint: devnet.endpoint, url: devnet.url, genesis: toHex(devnet.genesis), globalId: devnet.globalId, pid: process.pid })}\n`)
  const stop = (): void => {
    devnet.stop().then(() => { process.exit(0) }, (error: unknown) => {
      report(error)
      process.exit(1)
    })
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
} catch (error) {
  report(error)
  process.exit(2)
}
