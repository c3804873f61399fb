import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { claimControl } from '../network/control-file.ts'
import { forgetKills, wasKilled } from '../network/inspect.ts'
import { startLocalNetwork } from '../network/local-network.ts'
import { makeOnceFolder, sweepOnceFolders } from '../network/roots.ts'
import { runOnce } from '../network/run-once.ts'
import { bill, jobLine, picture, refusalLine, shortModel } from '../network/screen.ts'
import { EXIT } from './arguments.ts'
import { interrupts, untilInterrupted } from './interrupts.ts'
import { colors, progress } from './progress.ts'
import { reportError } from './report.ts'
import type { UpOptions } from './arguments.ts'
import type { JobRecord } from '../network/configs.ts'
import type { ControlFile } from '../network/control-file.ts'
import type { LocalNetwork } from '../network/local-network.ts'

const READY_TIMEOUT_MS = 60_000

/** Where a network lives, and the lock that it holds there. */
interface Place {
  readonly folder: string
  /** The folder of the control file. */
  readonly root: string
  readonly control: ControlFile
}

async function claimPlace (root: string, options: UpOptions): Promise<Place> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  await sweepOnceFolders(root, Date.now())
  const isOnce = options.once != null
  const folder = isOnce
    ? await makeOnceFolder(root, options.keep === true ? 'kept-' : undefined)
    : join(root, options.seed == null ? 'network' : 'seeded')
  const controlRoot = isOnce ? folder : root
  const control = await claimControl(controlRoot, { folder, seed: options.seed, startedAtMs: Date.now() })
  await forgetKills(controlRoot)
  if (!isOnce && options.seed != null) {
    await rm(folder, { recursive: true, force: true })
  }
  return { folder, root: controlRoot, control }
}

async function leavePlace ({ folder, root, control }: Place, options: UpOptions): Promise<void> {
  await forgetKills(root)
  await control.release()
  if (options.keep === true && options.once != null) {
    progress(`the state is kept in ${folder}`)
  } else if (options.once != null) {
    await rm(folder, { recursive: true, force: true })
  }
}

function readyObject (network: LocalNetwork, model: string): object {
  const { gateway, chain } = network
  return {
    ready: true,
    gateway: `${gateway.url}/v1`,
    chain: chain.endpoint,
    bootstrap: network.bootstrap,
    model,
    admin: gateway.adminUrl,
    genesis: network.genesis,
    pid: process.pid,
    providers: network.providers.map(({ name, peerId, child, prices, stakeNano }) => ({ name, peerId, pid: child.pid, prices, stakeNano })),
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

async function start (place: Place, options: UpOptions, signal: AbortSignal): Promise<LocalNetwork> {
  const isOnce = options.once != null
  const running: { network?: LocalNetwork } = {}
  running.network = await startLocalNetwork({
    folder: place.folder,
    providers: options.providers,
    clients: options.clients,
    seed: options.seed,
    cheat: options.cheat,
    registryDelaySeconds: options.registryDelay,
    gatewayPort: isOnce ? 0 : options.port,
    chainPort: isOnce ? 0 : options.chainPort,
    adminPort: isOnce ? undefined : options.adminPort,
    waitFor: isOnce ? 'one' : 'all',
    restart: !isOnce,
    signal,
    progress,
    onChange: nodes => { void place.control.update({ nodes }).catch(() => { progress('the control file cannot be written') }) },
    onJob: isOnce ? undefined : job => { void printJob(running.network, job) },
    onRefusal: isOnce ? undefined : refusal => { progress(refusalLine(refusal, colors)) },
    staysDown: async (name, process) => wasKilled(place.root, name, process)
  })
  return running.network
}

async function buyOnce (network: LocalNetwork, model: string, prompt: string, options: UpOptions, signal: AbortSignal): Promise<void> {
  const result = await runOnce(network, {
    prompt,
    model,
    signal,
    onText: (text) => { process.stdout.write(text) },
    onAnswered: () => {
      process.stdout.write('\n')
      progress('answered; settling')
    }
  })
  process.stdout.write(options.json === true ? `${JSON.stringify(result)}\n` : bill(result))
}

async function announce (network: LocalNetwork, model: string, place: Place, options: UpOptions): Promise<void> {
  const { gateway, gateways, chain, bootstrap } = network
  await place.control.update({ state: 'ready', gateways: gateways.map(({ url }) => url), admin: gateway.adminUrl, adminHome: join(place.folder, gateway.name), genesis: network.genesis, chain: chain.endpoint, bootstrap, model })
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(readyObject(network, model))}\n`)
    return
  }
  process.stderr.write(picture(network, model, colors))
  process.stdout.write(`ready: OpenAI API ${gateway.url}/v1  chain ${chain.endpoint}  model ${shortModel(model)}  (SIMULATED evidence: not private; Ctrl-C stops)\n`)
}

/** Brings a network up and keeps it until it is interrupted; with `once` runs one job on a network of its own. The exit code. */
export async function up (root: string, options: UpOptions): Promise<number> {
  const signal = interrupts(() => { progress('stopping') })
  // A reader that has gone away must not end the network.
  process.stdout.on('error', () => {})
  let place: Place | undefined
  let network: LocalNetwork | undefined
  try {
    place = await claimPlace(root, options)
    network = await start(place, options, signal)
    const looking = network.ready(READY_TIMEOUT_MS, { providers: options.once == null ? options.providers : 1 })
    const [{ id: model }] = await Promise.race([looking, untilInterrupted(signal)])
    progress('the gateway has found a provider')
    if (options.once != null) {
      await buyOnce(network, model, options.once, options, signal)
      return EXIT.done
    }
    await announce(network, model, place, options)
    return await untilInterrupted(signal)
  } catch (error) {
    if (!signal.aborted) {
      return reportError(error, options.json === true)
    }
    // Ending a network that runs until Ctrl-C is what Ctrl-C is for.
    return network != null && options.once == null ? EXIT.done : EXIT.interrupted
  } finally {
    await place?.control.update({ state: 'stopping' }).catch(() => {})
    await network?.stop()
    if (place != null) {
      await leavePlace(place, options)
    }
    progress('everything has stopped')
  }
}
