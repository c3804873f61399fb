import { CocoonError, accountToText, asCocoonError } from '@cocoon-net/protocol'
import { EXIT_DONE } from '../exit-codes.ts'
import { PEER_ID } from '../money-wire.ts'
import { printResult } from '../output.ts'
import { withProgress } from '../progress.ts'
import { amountText, parseAmount } from '../ton-amount.ts'
import { writeCloseFile } from './close-file.ts'
import { closeTogether, withWriter } from './money-writer.ts'
import { deployedVault, laneOf } from './vault-view.ts'
import { viewVault } from './vault.ts'
import { accountArgument, openChain } from './wallet-access.ts'
import type { SignedClose } from './money-writer.ts'
import type { OwnVault } from './vault.ts'
import type { Command, Invocation } from '../invocation.ts'
import type { VaultLaneState } from '@cocoon-net/contracts'

/** Nobody could sign: the provider is away, knows no such request, or has not the payee's key. */
const AWAY_CODES: ReadonlySet<string> = new Set(['no_provider', 'stream_closed', 'timeout', 'wrong_peer', 'frame_malformed', 'bad_signature', 'payee_key_absent'])

function sumOption ({ options: { sum } }: Invocation): bigint | undefined {
  return sum === undefined ? undefined : parseAmount(String(sum))
}

function laneArgument (invocation: Invocation): Uint8Array | string {
  const [text] = invocation.args
  return PEER_ID.test(text) ? text : accountArgument(invocation, text, 'the payee of the lane, or its provider\'s peer id')
}

function outOption ({ options: { out } }: Invocation): string | undefined {
  return typeof out === 'string' ? out : undefined
}

/** @throws {CocoonError} voucher_above_cap */
function checkSum (lane: VaultLaneState, sumNano: bigint | undefined): void {
  if (sumNano !== undefined && sumNano > lane.capNano) {
    throw new CocoonError('voucher_above_cap', `The lane's cap is ${amountText(lane.capNano)}`)
  }
}

function printSigned (invocation: Invocation, { chain, seen }: OwnVault, payee: Uint8Array, signed: Omit<SignedClose, 'signerSignature'>, file: string | null, why: string): void {
  const value = {
    ended: false,
    signed: file !== null,
    network: chain.network.name,
    vault: accountToText(seen.account),
    payee: accountToText(payee),
    epoch: signed.epoch,
    sumNano: signed.sumNano,
    paidNano: signed.paidNano,
    backNano: signed.capNano - signed.sumNano,
    ...(file === null ? {} : { file, why })
  }
  printResult(invocation.context, invocation.json, value, shown => [
    `The lane of ${shown.payee} ends with ${amountText(shown.sumNano)} paid, of which ${amountText(shown.paidNano)} are; ${amountText(shown.backNano)} are free again.`,
    file === null
      ? 'Nothing was signed, and nothing is sent.'
      : `The provider has not signed it (${why}). Signed by this wallet's voucher key: ${file}. Give it to the payee, who ends the lane with \`cocoon settle close\`; until then \`cocoon vault unlock\` is still a way out.`
  ].join('\n'))
}

/** Shows at what the chain has paid what a close would give back; what jobs have cost beyond is in the records, which it leaves alone. */
function show (invocation: Invocation, own: OwnVault, payee: Uint8Array, lane: VaultLaneState): number {
  printSigned(invocation, own, payee, { ...lane, sumNano: sumOption(invocation) ?? lane.paidNano }, null, '')
  return EXIT_DONE
}

/** The payer's half alone, as a file for the payee. */
async function writeSigned (invocation: Invocation, own: OwnVault, payee: Uint8Array, file: string, why: string): Promise<number> {
  const { chain, seen } = own
  const signed = await withWriter(invocation, chain, async writer =>
    withProgress(invocation.context, 'Ending the lane\'s use', async () => writer.signClose(payee, sumOption(invocation))))
  await writeCloseFile(file, { ...signed, network: chain.network.name, vault: seen.account, payee })
  printSigned(invocation, own, payee, signed, file, why)
  return EXIT_DONE
}

/** @throws {CocoonError} with what can be done, where the provider is away */
async function endTogether (invocation: Invocation, own: Pick<OwnVault, 'chain'>, lane: Uint8Array | string): Promise<number> {
  const ended = await withProgress(invocation.context, 'Ending the lane with its provider', async () => closeTogether(invocation, own.chain, lane, sumOption(invocation)))
  const value = { ended: true, network: own.chain.network.name, ...ended, backNano: ended.capNano - ended.sumNano }
  printResult(invocation.context, invocation.json, value, shown =>
    `The lane of ${shown.payee} has ended with ${amountText(shown.sumNano)} paid, and ${amountText(shown.backNano)} are free again; ${shown.sentBy === 'payee' ? 'its provider' : 'this wallet'} has sent the close.`)
  return EXIT_DONE
}

/**
 * Ends a lane at once, together with its provider over the wire. Where that is away, and --out names a file, signs the last
 * sum that the lane pays into it, for its payee to sign and send with `cocoon settle close`. From either signature on the
 * lane gets no further job.
 */
export const vaultClose: Command = async invocation => {
  const lane = laneArgument(invocation)
  const file = outOption(invocation)
  if (typeof lane === 'string') {
    if (file !== undefined || invocation.options.dryRun === true) {
      throw new CocoonError('usage', 'A file and --dry-run need the payee\'s address; `cocoon vault lanes` lists them')
    }
    return endTogether(invocation, { chain: await openChain(invocation) }, lane)
  }
  const own = await viewVault(invocation)
  const state = laneOf(deployedVault(own.seen), lane)
  checkSum(state, sumOption(invocation))
  if (invocation.options.dryRun === true) {
    return show(invocation, own, lane, state)
  }
  try {
    return await endTogether(invocation, own, lane)
  } catch (cause) {
    const error = asCocoonError(cause)
    if (!AWAY_CODES.has(error.code)) {
      throw error
    }
    const why = error.message.replace(/\.$/, '')
    if (file !== undefined) {
      return writeSigned(invocation, own, lane, file, why)
    }
    throw new CocoonError(error.code, `${why}; \`cocoon vault close ADDRESS --out FILE\` writes the signed end for the payee to send, and \`cocoon vault unlock ADDRESS\` needs nobody.`, { cause })
  }
}
