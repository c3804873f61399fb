import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import pc from 'picocolors'
import { claimControl } from '../network/control-file.ts'
import { forgetKills, wasKilled } from '../network/inspect.ts'
import { startLocalNetwork } from '../network/local-network.ts'
import { makeOnceFolder, sweepOnceFolders } from '../network/roots.ts'
import { runOnce } from '../network/run-once.ts'
import { bill, jobLine, picture, refusalLine, shortModel } from '../network/screen.ts'
import { EXIT } from './arguments.ts'
import { reportError } from './report.ts'
import type { UpOptions } from './arguments.ts'
import type { JobRecord } from '../network/configs.ts'
import type { ControlFile } from '../network/control-file.ts'
import type { LocalNetwork } from '../network/local-network.ts'

const READY_TIMEOUT_MS = 60_000

class Interrupted extends Error {}

const startedMs = Date.now() - performance.now()
const colors = pc.createColors(process.stderr.isTTY)

function progress (step: string): void {
  process.stderr.write(`${colors.dim(`[${((Date.now() - startedMs) / 1_000).toFixed(1).padStart(5)} s]`)} ${step}\n`)
}

/** Fires at the first interrupt; the second, of a person who does not want to wait, ends everything at once. */
function interrupts (): AbortSignal {
  const controller = new AbortController()
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      // The processes below end by themselves when this one is gone.
      process.exit(EXIT.interrupted)
    }
    progress('stopping')
    controller.abort(new Interrupted())
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, onSignal)
  }
  return controller.signal
}

async function once (signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void => { reject(signal.reason) }
    signal.addEventListener('abort', fail, { once: true })
    if (signal.aborted) {
      fail()
    }
  })
}

function readyObject (network: LocalNetwork, model: string): object {
  const { gateway, chain } = network
  return {
    ready: true,
    gateway: `${gateway.url}/v1`,
    chain: chain.endpoint,
    bootstrap: network.bootstrap,
    model,
    genesis: network.genesis,
    pid: process.pid,
    providers: network.providers.map(({ name, peerId, child, prices }) => ({ name, peerId, pid: child.pid, prices })),
    gateways: network.gateways.map(({ name, peerId, child, url }) => ({ name, peerId, pid: child.pid, url: `${url}/v1` })),
    gatewayPid: gateway.child.pid,
    chainPid: chain.child.pid
  }
}

async function redeemedNano (network: LocalNetwork, { vault, payee }: JobRecord): Promise<bigint | null> {
  // Loaded with the first job: the start does without.
  const { createLaneReader } = await import('../network/lane-reader.ts')
  return createLaneReader({ endpoint: network.chain.endpoint, vault, payee }).paidNano().catch(() => null)
}

async function printJob (network: LocalNetwork | undefined, job: JobRecord): Promise<void> {
  const provider = network?.providers.find(({ peerId }) => peerId === job.provider)
  progress(jobLine(job, provider?.name ?? job.provider, network == null ? null : await redeemedNano(network, job), colors))
}

/** Brings a network up and keeps it until it is interrupted; with `once` runs one job on a network of its own. The exit code. */
export async function up (root: string, options: UpOptions): Promise<number> {
  const signal = interrupts()
  const isOnce = options.once != null
  const json = options.json === true
  // A reader that has gone away must not end the network.
  process.stdout.on('error', () => {})
  let folder = ''
  let controlRoot = root
  let network: LocalNetwork | undefined
  let control: ControlFile | undefined
  try {
    await mkdir(root, { recursive: true, mode: 0o700 })
    await sweepOnceFolders(root, Date.now())
    folder = isOnce ? await makeOnceFolder(root, options.keep === true ? 'kept-' : undefined) : join(root, options.seed == null ? 'network' : 'seeded')
    controlRoot = isOnce ? folder : root
    control = await claimControl(controlRoot, { folder, seed: options.seed, startedAtMs: Date.now() })
    await forgetKills(controlRoot)
    if (options.seed != null && !isOnce) {
      await rm(folder, { recursive: true, force: true })
    }
    const held = control
    const starting = startLocalNetwork({
      folder,
      providers: options.providers,
      clients: options.clients,
      seed: options.seed,
      gatewayPort: isOnce ? 0 : options.port,
      chainPort: isOnce ? 0 : options.chainPort,
      waitFor: isOnce ? 'one' : 'all',
      restart: !isOnce,
      signal,
      progress,
      onChange: nodes => { void held.update({ nodes }).catch(() => { progress('the control file cannot be written') }) },
      onJob: isOnce ? undefined : job => { void printJob(network, job) },
      onRefusal: isOnce ? undefined : refusal => { progress(refusalLine(refusal, colors)) },
      staysDown: async (name, process) => wasKilled(controlRoot, name, process)
    })
    network = await starting
    const [{ id: model }] = await Promise.race([network.ready(READY_TIMEOUT_MS, { providers: isOnce ? 1 : options.providers }), once(signal)])
    progress('the gateway has found a provider')
    if (options.once != null) {
      const result = await runOnce(network, {
        prompt: options.once,
        model,
        signal,
        onText: (text) => { process.stdout.write(text) },
        onAnswered: () => {
          process.stdout.write('\n')
          progress('answered; settling')
        }
      })
      process.stdout.write(json ? `${JSON.stringify(result)}\n` : bill(result))
      return EXIT.done
    }
    await control.update({ state: 'ready', gateways: network.gateways.map(({ url }) => url), chain: network.chain.endpoint, bootstrap: network.bootstrap, model })
    if (json) {
      process.stdout.write(`${JSON.stringify(readyObject(network, model))}\n`)
    } else {
      process.stderr.write(picture(network, model, colors))
      process.stdout.write(`ready: OpenAI API ${network.gateway.url}/v1  chain ${network.chain.endpoint}  model ${shortModel(model)}  (SIMULATED evidence: not private; Ctrl-C stops)\n`)
    }
    return await once(signal)
  } catch (error) {
    if (signal.aborted) {
      // Ending a network that runs until Ctrl-C is what Ctrl-C is for.
      return network != null && !isOnce ? EXIT.done : EXIT.interrupted
    }
    return reportError(error, json)
  } finally {
    await control?.update({ state: 'stopping' }).catch(() => {})
    await network?.stop()
    if (control != null) {
      await forgetKills(controlRoot)
      await control.release()
    }
    if (isOnce && options.keep === true) {
      progress(`the state is kept in ${folder}`)
    } else if (isOnce && folder !== '') {
      await rm(folder, { recursive: true, force: true })
    }
    progress('everything has stopped')
  }
}
