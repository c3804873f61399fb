import { clientVault } from '@cocoon-net/contracts'
import { CocoonError, accountToText, asCocoonError } from '@cocoon-net/protocol'
import { createProviderPayments } from '@cocoon-net/settlement'
import { EXIT_DONE, EXIT_INTERRUPTED } from '../exit-codes.ts'
import { adminAction } from '../local-api.ts'
import { errorText, fieldsText, printResult } from '../output.ts'
import { withProgress } from '../progress.ts'
import { amountText } from '../ton-amount.ts'
import { untilAborted } from '../until-aborted.ts'
import { aloneInHome } from './money-writer.ts'
import { openChain, paymentStore } from './wallet-access.ts'
import type { Command, Invocation } from '../invocation.ts'
import type { Settlement } from '@cocoon-net/settlement'

function settledRow (settled: Settlement): { vault: string, epoch: bigint, redeemedNano: bigint } {
  return { vault: accountToText(settled.vault), epoch: settled.epoch, redeemedNano: settled.redeemedNano }
}

/**
 * Stands in for a provider that does not run: follows its lanes and redeems what is due, above all before an unlock
 * ends, until it is stopped. Prints one line for each redeem.
 */
async function watch (invocation: Invocation): Promise<number> {
  const { context } = invocation
  const chain = await openChain(invocation)
  const { sender } = chain
  if (sender === undefined) {
    throw new CocoonError('home_locked', 'The node that runs redeems by itself')
  }
  await aloneInHome(invocation, async () => {
    const payments = createProviderPayments({
      network: chain.network,
      payee: chain.wallet.account,
      vaults: clientVault({ networkId: chain.network.networkId, ...chain.network.vault }),
      port: chain.port,
      wallet: sender,
      kv: await paymentStore(invocation.home, 'provider'),
      pollMs: chain.network.kind === 'devnet' ? chain.pollMs : undefined,
      onSettled: settled => {
        printResult(context, invocation.json, settledRow(settled), row => `redeemed ${amountText(row.redeemedNano)} from ${row.vault}`)
      },
      onError: error => { context.err(errorText(asCocoonError(error))) }
    })
    await payments.start()
    try {
      const { lanes, unredeemedNano } = payments.summary()
      printResult(context, invocation.json, { watching: true, lanes, unredeemedNano }, () => `Watching ${lanes} lanes with ${amountText(unredeemedNano)} to redeem.`)
      await untilAborted(context.signal)
    } finally {
      await payments.stop()
    }
  })
  return context.signal.reason === 'SIGINT' ? EXIT_INTERRUPTED : EXIT_DONE
}

async function settleNow (invocation: Invocation): Promise<unknown> {
  try {
    return await adminAction(invocation, 'settle')
  } catch (error) {
    if (asCocoonError(error).code === 'not_found') {
      throw new CocoonError('nothing_due', 'The node that runs has nothing to redeem: it buys and does not sell', { cause: error })
    }
    throw error
  }
}

/** Redeems what the running provider has earned; with --watch follows the lanes of a provider that does not run. */
export const settle: Command = async invocation => {
  if (invocation.options.watch === true) {
    return watch(invocation)
  }
  const value = await withProgress(invocation.context, 'Settling on the chain', async () => settleNow(invocation))
  printResult(invocation.context, invocation.json, value, fieldsText)
  return EXIT_DONE
}
