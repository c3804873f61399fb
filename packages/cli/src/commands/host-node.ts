import { CocoonError } from '@cocoon-net/protocol'
import { nodeHost } from '../compose.ts'
import { EXIT_DONE, EXIT_INTERRUPTED } from '../exit-codes.ts'
import { readToken } from '../local-api.ts'
import { fieldsText, printResult } from '../output.ts'
import { withProgress } from '../progress.ts'
import { ensureToken } from './init.ts'
import type { HostInit, HostedNode, NodeHost } from '../compose.ts'
import type { Command, Invocation } from '../invocation.ts'

async function untilAborted (signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await new Promise<void>(resolve => { signal.addEventListener('abort', () => { resolve() }, { once: true }) })
  }
}

async function host (invocation: Invocation, start: (host: NodeHost, init: HostInit) => Promise<HostedNode>): Promise<number> {
  const { context, home, config } = invocation
  await ensureToken(home)
  const adminToken = await readToken(home)
  const node = await withProgress(context, 'Starting', async () => start(await nodeHost(), { home, config, adminToken, signal: context.signal }))
  try {
    printResult(context, invocation.json, { ready: true, ...node.ready }, fieldsText)
    await Promise.race([untilAborted(context.signal), node.stopped])
  } finally {
    await withProgress(context, 'Stopping', async () => node.stop())
  }
  // A stop that a service manager or the administration API asked for is not an interruption.
  return context.signal.reason === 'SIGINT' ? EXIT_INTERRUPTED : EXIT_DONE
}

/** Serves models until it is stopped. */
export const provider: Command = async invocation => {
  const { model = [], engineUrl, engineModel = [] } = invocation.config
  if (engineUrl !== undefined && engineModel.length === 0) {
    throw new CocoonError('config_invalid', 'engineUrl needs engineModel, the names of the models to sell')
  }
  if (engineUrl !== undefined && model.length > 0) {
    throw new CocoonError('config_invalid', 'Name either model files or an engineUrl, not both')
  }
  return host(invocation, async (nodes, init) => nodes.provider(init))
}

/** Serves the OpenAI-compatible API until it is stopped. */
export const gateway: Command = async invocation => host(invocation, async (nodes, init) => nodes.gateway(init))
