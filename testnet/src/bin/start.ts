/** `npm start`: brings a local network up and keeps it; with --once runs one job on a network of its own. */
import { mkdtemp, mkdir, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { asCocoonError } from '@cocoon-net/protocol'
import { Command, InvalidArgumentError } from 'commander'
import { startLocalNetwork } from '../network/local-network.ts'
import { runOnce } from '../network/run-once.ts'
import type { LocalNetwork } from '../network/local-network.ts'
import type { OnceResult } from '../network/run-once.ts'

const EXIT = { done: 0, unusable: 2, noNetwork: 3, interrupted: 130 }
const READY_TIMEOUT_MS = 60_000

interface Options { once?: string, json?: boolean, providers: number, port: number, chainPort: number }

function integer (min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`must be a whole number from ${min} to ${max}`)
    }
    return value
  }
}

const startedMs = Date.now()

function progress (step: string): void {
  process.stderr.write(`[${((Date.now() - startedMs) / 1_000).toFixed(1).padStart(5)} s] ${step}\n`)
}

function ton (nano: string): string {
  const digits = nano.padStart(10, '0')
  return `${digits.slice(0, -9)}.${digits.slice(-9)} TON`
}

function printBill (result: OnceResult): void {
  const { tokens } = result
  process.stdout.write([
    '',
    `model      ${result.model}`,
    `provider   ${result.provider}`,
    `tier       ${result.tier}${result.tier === 'simulated' ? ' (not private: the evidence is simulated)' : ''}`,
    `tokens     ${tokens.prompt} prompt, ${tokens.cached} cached, ${tokens.completion} completion, ${tokens.reasoning} reasoning`,
    `charge     ${result.chargeNano} nanoTON (${ton(result.chargeNano)})`,
    `paid       ${result.paidNano} nanoTON by vouchers`,
    `redeemed   ${result.redeemedNano} nanoTON on chain, vault ${result.vault}`,
    `speed      first token after ${result.ttftMs} ms, ${result.tokensPerSecond.toFixed(0)} tokens/s`,
    ''
  ].join('\n'))
}

async function main (options: Options): Promise<number> {
  const root = join(process.env.COCOON_HOME == null || process.env.COCOON_HOME === '' ? join(homedir(), '.cocoon') : resolve(process.env.COCOON_HOME), 'testnet')
  await mkdir(root, { recursive: true, mode: 0o700 })
  const folder = options.once == null ? join(root, 'network') : await mkdtemp(join(root, 'once-'))
  const interrupted = Promise.withResolvers<never>()
  interrupted.promise.catch(() => { /* raced below */ })
  let network: LocalNetwork | undefined
  let interrupts = 0
  const onSignal = (): void => {
    interrupts++
    if (interrupts === 1) {
      progress('stopping')
      interrupted.reject(new Interrupted())
    }
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const starting = startLocalNetwork({
    folder,
    providers: options.providers,
    gatewayPort: options.once == null ? options.port : 0,
    chainPort: options.once == null ? options.chainPort : 0,
    progress
  })
  try {
    network = await Promise.race([starting, interrupted.promise])
    const models = await Promise.race([network.ready(READY_TIMEOUT_MS), interrupted.promise])
    progress('the gateway has found a provider')
    if (options.once != null) {
      const result = await Promise.race([runOnce(network, {
        prompt: options.once,
        model: models[0].id,
        onText: (text) => { process.stdout.write(text) },
        onAnswered: () => {
          process.stdout.write('\n')
          progress('answered; settling')
        }
      }), interrupted.promise])
      if (options.json === true) {
        process.stdout.write(`${JSON.stringify(result)}\n`)
      } else {
        printBill(result)
      }
      return EXIT.done
    }
    const urls = { gateway: `${network.gateway.url}/v1`, chain: network.chain.endpoint, bootstrap: network.bootstrap }
    process.stdout.write(options.json === true
      ? `${JSON.stringify({ ready: true, ...urls, model: models[0].id, providers: network.providers.map(p => ({ peerId: p.peerId, pid: p.child.pid, prices: p.prices })), gatewayPid: network.gateway.child.pid, chainPid: network.chain.child.pid })}\n`
      : `ready: OpenAI API ${urls.gateway}  chain ${urls.chain}  model ${models[0].id.slice(0, models[0].id.indexOf('@') + 13)}  (SIMULATED evidence: not private; Ctrl-C stops)\n`)
    await interrupted.promise
    return EXIT.done
  } catch (error) {
    if (error instanceof Interrupted) {
      // Ending a network that runs until Ctrl-C is what Ctrl-C is for.
      return network != null && options.once == null ? EXIT.done : EXIT.interrupted
    }
    const { code, message, spec } = asCocoonError(error)
    process.stderr.write(`error ${code}: ${message}\n${spec.remedy}\n`)
    return ['port_taken', 'home_locked', 'usage', 'config_invalid'].includes(code) ? EXIT.unusable : EXIT.noNetwork
  } finally {
    await starting.then(async (started) => started.stop(), () => { /* it stopped what it had started */ })
    if (options.once != null) {
      await rm(folder, { recursive: true, force: true })
    }
    progress('everything has stopped')
  }
}

class Interrupted extends Error {}

const command = new Command('npm start --')
  .description('A private network on this machine: devnet chain, bootstrap peer, providers and one OpenAI-compatible gateway.\nEvidence is SIMULATED: not private.')
  .option('--once <prompt>', 'run one job on a network of its own, print answer and bill, settle, exit')
  .option('--json', 'machine-readable output; the last line is one object')
  .option('--providers <n>', 'number of providers', integer(3, 20), 3)
  .option('--port <port>', 'port of the gateway', integer(0, 65_535), 10_000)
  .option('--chain-port <port>', 'port of the chain\'s API', integer(0, 65_535), 10_001)
  .exitOverride((error) => { process.exit(error.exitCode === 0 ? EXIT.done : EXIT.unusable) })
  .parse()

process.exit(await main(command.opts<Options>()))
