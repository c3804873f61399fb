import { greater, lesser } from './lane.ts'
import type { LaneState } from './lane.ts'
import type { PayeeWallet } from '@cocoon-net/contracts'

/** The end of a lane that both of its sides have signed. */
export interface AgreedClose {
  /** all that the lane pays in its epoch, nanoTON */
  readonly sumNano: bigint
  /** of the lane's signer and of the payee's wallet, each over the hash of the protocol's close cell, 64 bytes */
  readonly signerSignature: Uint8Array
  readonly payeeSignature: Uint8Array
  readonly wallet: PayeeWallet
  /** whether the payee has said that it sends the message */
  readonly isPayeeSending: boolean
}

/** What a close pays beyond what the chain has paid, nanoTON. */
export function closeDueNano (lane: Pick<LaneState, 'chain' | 'capNano' | 'paidOnChainNano'>, sumNano: bigint): bigint {
  return lane.chain === 'confirmed' ? greater(lesser(sumNano, lane.capNano) - lane.paidOnChainNano, 0n) : 0n
}

/**
 * A lane that the chain has just ended, with what its close has paid. A lane whose unlock was over may have ended without it,
 * and stays as it is. Debts that the sum covers are paid by it. Pure.
 */
export function endedByClose (before: LaneState, ended: LaneState, sumNano: bigint, nowMs: number): LaneState {
  const isUnlockOver = before.unlockAt !== 0 && nowMs >= before.unlockAt * 1_000
  if (before.chain !== 'confirmed' || ended.chain !== 'ended' || isUnlockOver) {
    return ended
  }
  const paidOnChainNano = greater(lesser(sumNano, ended.capNano), ended.paidOnChainNano)
  let { finalisedNano } = ended
  const settled = new Map(ended.settled)
  for (const [nonce, { chargeNano, paidNano }] of ended.settled) {
    const owedNano = chargeNano - paidNano
    if (owedNano > 0n && finalisedNano + owedNano <= paidOnChainNano) {
      finalisedNano += owedNano
      settled.set(nonce, { chargeNano, paidNano: chargeNano })
    }
  }
  return { ...ended, paidOnChainNano, finalisedNano, cumulativeNano: greater(ended.cumulativeNano, finalisedNano), settled }
}
