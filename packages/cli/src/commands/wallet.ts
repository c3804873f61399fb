import { CocoonError, accountToText } from '@cocoon-net/protocol'
import { ed25519Signer, walletAccount } from '@cocoon-net/settlement'
import { z } from 'zod'
import { EXIT_DONE } from '../exit-codes.ts'
import { adminRead } from '../local-api.ts'
import { printResult, printable } from '../output.ts'
import { withProgress } from '../progress.ts'
import { amountArgument, amountText } from '../ton-amount.ts'
import { planTransfer } from './planned-message.ts'
import { accountArgument, friendlyText, hasWallet, networkOfConfig, openChain, walletAccountOf } from './wallet-access.ts'
import { sendPlanned } from './wallet-send.ts'
import type { Command, Invocation } from '../invocation.ts'

const walletSchema = z.object({ network: z.string(), wallet: z.string(), address: z.string(), walletNano: z.string().regex(/^\d{1,20}$/).transform(BigInt) })

type WalletObject = z.output<typeof walletSchema>

async function ofHome (invocation: Invocation): Promise<WalletObject> {
  const { wallet, network } = await openChain(invocation)
  return { network: network.name, wallet: accountToText(wallet.account), address: friendlyText(wallet.account, network), walletNano: await wallet.balance() }
}

async function ofNode (invocation: Invocation): Promise<WalletObject> {
  const answer = walletSchema.safeParse(await adminRead(invocation, 'wallet'))
  if (!answer.success) {
    throw new CocoonError('not_running', 'What answers is not a node of this version')
  }
  return answer.data
}

/** Address and balance of this home's wallet, or where the home has none, of the node that runs. */
export const walletBalance: Command = async invocation => {
  const value = await withProgress(invocation.context, 'Reading the chain', async () => await hasWallet(invocation) ? ofHome(invocation) : ofNode(invocation))
  printResult(invocation.context, invocation.json, value, shown => `${printable(`${shown.address} (${shown.network})`)}\n${amountText(shown.walletNano)}`)
  return EXIT_DONE
}

/** The address alone, without a chain. */
export const walletAddress: Command = async invocation => {
  const network = networkOfConfig(invocation)
  const account = await walletAccountOf(invocation)
  const value = { network: network.name, wallet: accountToText(account), address: friendlyText(account, network), version: 'v4r2' }
  printResult(invocation.context, invocation.json, value, shown => shown.address)
  return EXIT_DONE
}

export const walletSend: Command = async invocation => {
  const to = accountArgument(invocation, invocation.args[0], 'the address to send to')
  const amountNano = amountArgument(invocation.args[1])
  return sendPlanned(invocation, await openChain(invocation), [planTransfer(to, amountNano)])
}

/** What a key file now holds, without the key. */
export function keyObject (network: { readonly name: string, readonly tonGlobalId: number }, seed: Uint8Array, file: string): Record<string, string> {
  const account = walletAccount(ed25519Signer(seed).publicKey, network.tonGlobalId)
  return { network: network.name, wallet: accountToText(account), version: 'v4r2', file }
}
