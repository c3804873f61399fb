import { join } from 'node:path'
import { supervise } from './supervise.ts'
import type { JobRecord, ProviderConfig } from './configs.ts'
import type { ControlNode } from './control-file.ts'
import type { ProcessIdentity } from './process-identity.ts'
import type { SuperviseInit, Supervised } from './supervise.ts'

/** What a process answers once it is up. */
export interface ChainInfo { endpoint: string, url: string }
export interface ProviderInfo { peerId: string, prices: ProviderConfig['prices'], stakeNano: string }
export interface GatewayInfo { peerId: string, url: string, adminUrl?: string }

export interface ProcessesInit {
  /** All state lies here. */
  readonly folder: string
  /** Start nodes again that end by themselves. Default false. */
  readonly restart?: boolean
  /** Ends the start. */
  readonly signal?: AbortSignal
  /** Told of each step as it is done. */
  progress (step: string): void
  /** Told of every process when one of them comes up, goes down, or is started again. */
  onChange? (nodes: ControlNode[]): void
  /** Told of each job as it ends. */
  onJob? (job: JobRecord): void
  onRefusal? (refusal: { status: number, code: string }): void
  /** Asked when a node has ended: true keeps it down. */
  staysDown? (name: string, process: ProcessIdentity): Promise<boolean>
}

/** The supervised processes of a network, by what they do. */
export interface Processes {
  readonly groups: Readonly<Record<ControlNode['role'], Array<Supervised<any>>>>
  readonly isStopping: boolean
  all (): Array<Supervised<any>>
  /** Every process, for the control file. */
  nodes (): ControlNode[]
  /** Starts one, which is stopped again at once when the others are being stopped. */
  spawn<R> (role: ControlNode['role'], name: string, start: SuperviseInit<R>['start'], niceness?: number): Promise<Supervised<R>>
  /** Stops all, whoever asks how often; `beforeChain` ends what still needs the chain. */
  stop (beforeChain: () => Promise<void>): Promise<void>
}

function controlNode (node: Supervised<Partial<ChainInfo & ProviderInfo & GatewayInfo>>): ControlNode {
  const { peerId, url, prices } = node.info ?? {}
  return { name: node.name, role: node.role, state: node.state, process: node.process, restarts: node.restarts, peerId, url, prices }
}

export function createProcesses (init: ProcessesInit): Processes {
  const groups: Record<ControlNode['role'], Array<Supervised<any>>> = { gateway: [], provider: [], chain: [] }
  let stopping: Promise<void> | undefined
  const all = (): Array<Supervised<any>> => [...groups.chain, ...groups.provider, ...groups.gateway]
  const nodes = (): ControlNode[] => all().map(controlNode)

  const spawn = async <R>(role: ControlNode['role'], name: string, start: SuperviseInit<R>['start'], niceness?: number): Promise<Supervised<R>> => {
    init.signal?.throwIfAborted()
    const node = await supervise<R>({
      entry: role,
      role,
      name,
      niceness,
      logFile: join(init.folder, 'logs', `${name}.log`),
      restart: init.restart ?? false,
      start,
      staysDown: async (process) => await init.staysDown?.(name, process) ?? false,
      onChange: (sentence) => {
        if (sentence != null) {
          init.progress(sentence)
        }
        init.onChange?.(nodes())
      },
      onEvent: (event, payload) => {
        if (event === 'job') {
          init.onJob?.(payload)
        } else if (event === 'refusal') {
          init.onRefusal?.(payload)
        }
      }
    })
    groups[role].push(node)
    // In the order of their numbers, whichever was there first.
    groups[role].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
    if (stopping != null) {
      await node.stop()
    }
    return node
  }

  return {
    groups,
    get isStopping () { return stopping != null },
    all,
    nodes,
    spawn,
    stop: async (beforeChain) => {
      stopping ??= (async () => {
        // Clients before those they buy from, and the chain last of all.
        await Promise.all(groups.gateway.map(async node => node.stop()))
        await Promise.all(groups.provider.map(async node => node.stop()))
        await beforeChain()
        await Promise.all(groups.chain.map(async node => node.stop()))
      })()
      await stopping
    }
  }
}
