import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CocoonError } from '@cocoon-net/protocol'
import { readControl, removeControl } from './control-file.ts'
import { isAlive, signalProcess, waitUntilGone } from './process-identity.ts'
import type { Control, ControlNode } from './control-file.ts'
import type { ProcessIdentity } from './process-identity.ts'

const KILLED_FOLDER = 'killed'
/** A supervisor stops its nodes in order, eight seconds for each group at the most. */
const STOP_TIMEOUT_MS = 30_000
const KILL_TIMEOUT_MS = 5_000

export interface NetworkStatus extends Omit<Control, 'v' | 'nodes'> {
  readonly running: true
  readonly nodes: ReadonlyArray<ControlNode & { readonly alive: boolean }>
}

export interface Killed { readonly name: string, readonly pid: number }

async function isNodeAlive ({ process }: ControlNode): Promise<boolean> {
  return process != null && await isAlive(process)
}

/** The network of this root as its supervisor wrote it down, checked against the processes that run; null when there is none. */
export async function networkStatus (root: string): Promise<NetworkStatus | null> {
  const control = await readControl(root)
  if (control == null) {
    return null
  }
  const nodes = await Promise.all(control.nodes.map(async node => ({ ...node, alive: await isNodeAlive(node) })))
  if (!await isAlive(control.supervisor) && !nodes.some(node => node.alive)) {
    return null
  }
  const { v: _, ...rest } = control
  return { running: true, ...rest, nodes }
}

function markPath (root: string, name: string, { pid }: ProcessIdentity): string {
  return join(root, KILLED_FOLDER, `${name}-${pid}`)
}

/** Whether this process was killed by `killNode`, so that its supervisor leaves it down. */
export async function wasKilled (root: string, name: string, process: ProcessIdentity): Promise<boolean> {
  return stat(markPath(root, name, process)).then(() => true, () => false)
}

export async function forgetKills (root: string): Promise<void> {
  await rm(join(root, KILLED_FOLDER), { recursive: true, force: true })
}

async function controlOf (root: string): Promise<Control> {
  const control = await readControl(root)
  if (control == null) {
    throw new CocoonError('not_running', `no local network runs in ${root}`)
  }
  return control
}

/**
 * Kills one node at once, as a crash would, and keeps it down. A process that took over its number is left alone.
 *
 * @throws {CocoonError} not_running, usage when there is no such node
 */
export async function killNode (root: string, name: string): Promise<Killed[]> {
  const { nodes } = await controlOf(root)
  const node = nodes.find(each => each.name === name)
  if (node == null) {
    throw new CocoonError('usage', `there is no node ${name}; there are ${nodes.map(each => each.name).join(', ')} and all`)
  }
  if (node.process == null || !await isAlive(node.process)) {
    throw new CocoonError('not_running', `${name} does not run`)
  }
  await mkdir(join(root, KILLED_FOLDER), { recursive: true, mode: 0o700 })
  await writeFile(markPath(root, name, node.process), '', { mode: 0o600 })
  await signalProcess(node.process, 'SIGKILL')
  await waitUntilGone(node.process, KILL_TIMEOUT_MS)
  return [{ name, pid: node.process.pid }]
}

/**
 * Ends the whole network: asks its supervisor, then kills what is left of it.
 *
 * @throws {CocoonError} not_running
 */
export async function killAll (root: string): Promise<Killed[]> {
  const control = await controlOf(root)
  const running: Array<{ name: string, process: ProcessIdentity }> = [{ name: 'supervisor', process: control.supervisor }]
  for (const { name, process } of control.nodes) {
    if (process != null) {
      running.push({ name, process })
    }
  }
  const alive = await Promise.all(running.map(async ({ process }) => isAlive(process)))
  const ended = running.filter((_, i) => alive[i])
  if (await signalProcess(control.supervisor, 'SIGTERM')) {
    await waitUntilGone(control.supervisor, STOP_TIMEOUT_MS)
  }
  for (const { process } of ended) {
    if (await signalProcess(process, 'SIGKILL')) {
      await waitUntilGone(process, KILL_TIMEOUT_MS)
    }
  }
  await removeControl(root)
  if (ended.length === 0) {
    throw new CocoonError('not_running', `no local network runs in ${root}`)
  }
  return ended.map(({ name, process }) => ({ name, pid: process.pid }))
}
