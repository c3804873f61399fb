import { setTimeout } from 'node:timers/promises'
import { CocoonError, accountToText } from '@cocoon-net/protocol'
import { EXIT_DONE } from '../exit-codes.ts'
import { printResult } from '../output.ts'
import { withProgress } from '../progress.ts'
import { amountText } from '../ton-amount.ts'
import { withWriter } from './money-writer.ts'
import { friendlyText } from './wallet-access.ts'
import type { Invocation } from '../invocation.ts'
import type { PlannedMessage } from './planned-message.ts'
import type { ChainAccess } from './wallet-access.ts'
import type { NetworkPreset } from '@cocoon-net/protocol'

/** How often the chain is asked for the effect of a message that the wallet has sent. */
const EFFECT_POLLS = 100

function shown (message: PlannedMessage): Record<string, string> {
  return {
    what: message.what,
    to: accountToText(message.to),
    valueNano: message.valueNano.toString(),
    movesNano: message.movesNano.toString(),
    costAtMostNano: message.costNano.toString(),
    ...(message.bringsNano === undefined ? {} : { bringsNano: message.bringsNano.toString() }),
    body: message.body?.toBoc().toString('base64') ?? ''
  }
}

function text (messages: readonly PlannedMessage[], network: NetworkPreset): string {
  return messages.map((message, at) => [
    `${at + 1}. ${message.what}`,
    `   to     ${friendlyText(message.to, network)}`,
    `   sent   ${amountText(message.valueNano)}`,
    `   moves  ${amountText(message.movesNano)}`,
    `   costs  at most ${amountText(message.costNano)}`,
    ...(message.bringsNano === undefined ? [] : [`   brings ${amountText(message.bringsNano)}`])
  ].join('\n')).join('\n')
}

async function untilDone (invocation: Invocation, chain: ChainAccess, message: PlannedMessage): Promise<void> {
  for (let poll = 0; message.isDone !== undefined && !await message.isDone(); poll++) {
    if (poll >= EFFECT_POLLS) {
      throw new CocoonError('chain_rejected', `The wallet sent it, and the chain does not show its effect: ${message.what}`)
    }
    await setTimeout(chain.pollMs, undefined, { signal: invocation.context.signal })
  }
}

/** What the messages take out of the wallet at most, nanoTON; what is not spent of it comes back. */
export function neededOf (messages: readonly PlannedMessage[]): bigint {
  return messages.reduce((sum, message) => sum + message.valueNano + message.costNano, 0n)
}

/** @throws {CocoonError} insufficient_funds */
export function checkFunds ({ network, wallet }: ChainAccess, balanceNano: bigint, messages: readonly PlannedMessage[]): void {
  const neededNano = neededOf(messages)
  if (balanceNano < neededNano) {
    throw new CocoonError('insufficient_funds', `The wallet ${friendlyText(wallet.account, network)} holds ${amountText(balanceNano)}, and ${amountText(neededNano)} are needed`)
  }
}

export function printPlan (invocation: Invocation, chain: ChainAccess, plan: { messages: readonly PlannedMessage[], balanceNano: bigint, afterNano?: bigint }): void {
  const { messages, balanceNano, afterNano } = plan
  const neededNano = neededOf(messages)
  printResult(
    invocation.context, invocation.json,
    {
      sent: afterNano !== undefined,
      network: chain.network.name,
      wallet: accountToText(chain.wallet.account),
      balanceNano,
      neededNano,
      enough: balanceNano >= neededNano,
      ...(afterNano === undefined ? {} : { balanceAfterNano: afterNano }),
      messages: messages.map(shown)
    },
    () => `${text(messages, chain.network)}\n${afterNano === undefined
      ? `Nothing was sent. At most ${amountText(neededNano)} leave the wallet, which holds ${amountText(balanceNano)}${balanceNano < neededNano ? ': too little' : ''}; what a message does not need comes back.`
      : `Done. The wallet held ${amountText(balanceNano)} and holds ${amountText(afterNano)}.`}`
  )
}

/**
 * Sends the messages in order, each by itself, and waits for the effect of each; with --dry-run shows what would be sent
 * and what it costs.
 *
 * @throws {CocoonError} insufficient_funds before anything is signed, chain_unavailable, chain_rejected, timeout; where a node
 * runs from the home and sends for the command, not_running, wrong_wallet
 */
export async function sendPlanned (invocation: Invocation, chain: ChainAccess, messages: readonly PlannedMessage[]): Promise<number> {
  const balanceNano = await withProgress(invocation.context, 'Reading the chain', async () => chain.wallet.balance())
  if (invocation.options.dryRun === true) {
    printPlan(invocation, chain, { messages, balanceNano })
    return EXIT_DONE
  }
  checkFunds(chain, balanceNano, messages)
  const done: PlannedMessage[] = []
  const afterNano = await withWriter(invocation, chain, async writer => withProgress(invocation.context, 'Waiting for the chain', async () => {
    for (const message of messages) {
      const sent = { ...message, ...await message.prepare?.(writer) }
      await writer.send(sent)
      await untilDone(invocation, chain, sent)
      done.push(sent)
    }
    return chain.wallet.balance()
  }))
  printPlan(invocation, chain, { messages: done, balanceNano, afterNano })
  return EXIT_DONE
}
