import { CocoonError, accountToText, closeHash } from '@cocoon-net/protocol'
import { EXIT_DONE } from '../exit-codes.ts'
import { printResult } from '../output.ts'
import { withProgress } from '../progress.ts'
import { amountText, parseAmount } from '../ton-amount.ts'
import { writeCloseFile } from './close-file.ts'
import { withWriter } from './money-writer.ts'
import { deployedVault, laneOf } from './vault-view.ts'
import { viewVault } from './vault.ts'
import { accountArgument, signerOf } from './wallet-access.ts'
import type { Command, Invocation } from '../invocation.ts'

function sumOption ({ options: { sum } }: Invocation): bigint | undefined {
  return sum === undefined ? undefined : parseAmount(String(sum))
}

/**
 * The payer's half of ending a lane at once: signs the last sum that the lane pays, for its payee to sign and send with
 * `cocoon settle close`. From then on the lane gets no further job.
 */
export const vaultClose: Command = async invocation => {
  const { context, json, options: { out, dryRun } } = invocation
  const payee = accountArgument(invocation, invocation.args[0], 'the payee of the lane')
  const askedNano = sumOption(invocation)
  if (dryRun !== true && typeof out !== 'string') {
    throw new CocoonError('usage', 'Name the file to write with --out; the payee ends the lane with it')
  }
  const { chain, seen } = await viewVault(invocation)
  const lane = laneOf(deployedVault(seen), payee)
  const usedNano = dryRun === true
    ? null
    : await withWriter(invocation, chain, async writer => withProgress(context, 'Ending the lane\'s use', async () => writer.retireLane(payee, true)))
  const leastNano = usedNano === null || usedNano < lane.paidNano ? lane.paidNano : usedNano
  const sumNano = askedNano ?? leastNano
  if (sumNano > lane.capNano) {
    throw new CocoonError('voucher_above_cap', `The lane's cap is ${amountText(lane.capNano)}`)
  }
  const value = {
    signed: dryRun !== true,
    network: chain.network.name,
    vault: accountToText(seen.account),
    payee: accountToText(payee),
    epoch: lane.epoch,
    sumNano,
    paidNano: lane.paidNano,
    backNano: lane.capNano - sumNano,
    ...(typeof out === 'string' ? { file: out } : {})
  }
  if (dryRun !== true && typeof out === 'string') {
    const signer = await signerOf(invocation, 'voucher')
    const close = { networkId: chain.network.networkId, vault: seen.account, payee, epoch: lane.epoch, cumulative: sumNano }
    await writeCloseFile(out, { ...close, network: chain.network.name, sumNano, signerSignature: signer.sign(closeHash(close)) })
  }
  printResult(context, json, value, shown => [
    `The lane of ${shown.payee} ends with ${amountText(shown.sumNano)} paid, of which ${amountText(shown.paidNano)} are; ${amountText(shown.backNano)} are free again.`,
    shown.signed
      ? `Signed: ${String(out)}. Give it to the payee, who ends the lane with \`cocoon settle close\`; until then \`cocoon vault unlock\` is still a way out.`
      : 'Nothing was signed, and nothing is sent: the payee sends the close.'
  ].join('\n'))
  return EXIT_DONE
}
