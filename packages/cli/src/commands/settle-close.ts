import { clientVaultBodies } from '@cocoon-net/contracts'
import { CocoonError, accountToText } from '@cocoon-net/protocol'
import { walletIdOf } from '@cocoon-net/settlement'
import { withProgress } from '../progress.ts'
import { readCloseFile } from './close-file.ts'
import { planClose, planRelease } from './planned-message.ts'
import { accountArgument, openChain } from './wallet-access.ts'
import { sendPlanned } from './wallet-send.ts'
import type { CloseFile } from './close-file.ts'
import type { ChainAccess } from './wallet-access.ts'
import type { Command, Invocation } from '../invocation.ts'
import type { LaneOnChain } from '@cocoon-net/settlement'

/** @throws {CocoonError} lane_unknown */
async function laneInVault (chain: ChainAccess, vault: Uint8Array): Promise<LaneOnChain> {
  const lane = await chain.port.readLane(vault, chain.wallet.account)
  if (lane == null) {
    throw new CocoonError('lane_unknown', `The vault ${accountToText(vault)} has no lane for ${accountToText(chain.wallet.account)}`)
  }
  return lane
}

/** @throws {CocoonError} wrong_network, wrong_wallet */
function checkMeant (close: CloseFile, chain: ChainAccess): void {
  if (close.network !== chain.network.name) {
    throw new CocoonError('wrong_network', `The file is for ${close.network}, and this is ${chain.network.name}`)
  }
  if (accountToText(close.payee) !== accountToText(chain.wallet.account)) {
    throw new CocoonError('wrong_wallet', `The file is for the payee ${accountToText(close.payee)}, and this wallet is ${accountToText(chain.wallet.account)}`)
  }
}

async function open (invocation: Invocation): Promise<ChainAccess> {
  return withProgress(invocation.context, 'Reading the chain', async () => openChain(invocation))
}

/**
 * The payee's half of ending a lane at once: checks the sum that the payer has signed against what the lane's jobs have
 * cost, signs it too, and sends both.
 */
export const settleClose: Command = async invocation => {
  const close = await readCloseFile(invocation.args[0])
  const chain = await open(invocation)
  checkMeant(close, chain)
  const { vault, payee, epoch, sumNano, signerSignature } = close
  const lane = await laneInVault(chain, vault)
  if (lane.epoch !== epoch) {
    throw new CocoonError('lane_unknown', 'The file is for an earlier lane of this vault')
  }
  return sendPlanned(invocation, chain, [{
    ...planClose(vault, { payee, dueNano: sumNano > lane.paidNano ? sumNano - lane.paidNano : 0n }),
    // the signature is what binds: it is made when the message is sent, and not to show it
    prepare: async writer => {
      const { payeeSignature, publicKey } = await writer.agreeToClose({ vault, epoch, sumNano, signerSignature })
      const wallet = { version: 'v4r2', walletId: walletIdOf(chain.network.tonGlobalId), publicKey } as const
      return { body: clientVaultBodies.closeLane({ payee, cumulativeNano: sumNano, wallet, signerSignature, payeeSignature }) }
    },
    isDone: async () => (await chain.port.readLane(vault, payee))?.epoch !== epoch
  }])
}

/** The payee's own end of a lane: redeems what it holds, then gives the rest back to its payer at once. */
export const settleRelease: Command = async invocation => {
  const vault = accountArgument(invocation, invocation.args[0], 'the vault whose lane is to end')
  const chain = await open(invocation)
  const { epoch } = await laneInVault(chain, vault)
  return sendPlanned(invocation, chain, [{
    ...planRelease(vault),
    prepare: async writer => { await writer.redeemLane(vault, epoch) },
    isDone: async () => (await chain.port.readLane(vault, chain.wallet.account))?.epoch !== epoch
  }])
}
