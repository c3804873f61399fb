import { CocoonError } from '@cocoon-net/protocol'
import type { Config } from './config-keys.ts'

export interface HostInit {
  readonly home: string
  readonly config: Config
  /** Needed for what changes state through the administration API. */
  readonly adminToken: string
  readonly signal: AbortSignal
}

/** A node that runs in this process. */
export interface HostedNode {
  /** What the ready line shows: addresses, ports, tier notes. */
  readonly ready: Readonly<Record<string, unknown>>
  /** Resolves when the node was asked to stop through its administration API. */
  readonly stopped: Promise<void>
  stop (): Promise<void>
}

/** What the command needs of the composition root. */
export interface NodeHost {
  provider (init: HostInit): Promise<HostedNode>
  gateway (init: HostInit): Promise<HostedNode>
}

/** @throws {CocoonError} not_available_yet */
export async function nodeHost (): Promise<NodeHost> {
  throw new CocoonError('not_available_yet', 'Running a node from the command is not built yet')
}
