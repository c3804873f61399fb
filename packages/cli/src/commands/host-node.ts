import { asCocoonError } from '@cocoon-net/protocol'
import { EXIT_DONE, EXIT_INTERRUPTED } from '../exit-codes.ts'
import { ensureToken, readToken } from '../local-api.ts'
import { errorText, fieldsText, printResult } from '../output.ts'
import { withProgress } from '../progress.ts'
import { untilAborted } from '../until-aborted.ts'
import { checkEndpoints } from './check-network.ts'
import { keyOptions, networkOfConfig } from './wallet-access.ts'
import type { HostInit, HostedNode } from '../compose.ts'
import type { Command, Invocation } from '../invocation.ts'

/** A node starts while its chain is away, but not on another network's. */
async function checkChain (invocation: Invocation): Promise<void> {
  try {
    await checkEndpoints(invocation, networkOfConfig(invocation))
  } catch (error) {
    if (asCocoonError(error).code !== 'chain_unavailable') {
      throw error
    }
  }
}

async function hostUntilStopped (invocation: Invocation, start: (init: HostInit) => Promise<HostedNode>): Promise<number> {
  const { context, home, config } = invocation
  await withProgress(context, 'Reading the chain', async () => checkChain(invocation))
  await ensureToken(home)
  const init: HostInit = {
    home,
    config,
    adminToken: await readToken(home),
    ...keyOptions(invocation),
    onError: error => { context.err(errorText(asCocoonError(error))) }
  }
  const node = await withProgress(context, 'Starting', async () => start(init))
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
  // Loaded here: it brings the whole node, which commands that only ask a running one do not need.
  const { hostProvider } = await import('../compose.ts')
  return hostUntilStopped(invocation, hostProvider)
}

/** Serves the OpenAI-compatible API until it is stopped. */
export const gateway: Command = async invocation => {
  const { hostGateway } = await import('../compose.ts')
  return hostUntilStopped(invocation, hostGateway)
}
