import { CocoonError, NO_ACCOUNT, accountToText, fromHex, toHex } from '@cocoon-net/protocol'
import { ed25519 } from '@noble/curves/ed25519.js'
import { EXIT_DONE } from '../exit-codes.ts'
import { printResult, tableText } from '../output.ts'
import { amountArgument, amountText } from '../ton-amount.ts'
import { planAddSigner, planFlushFee, planOperator, planRetireSigner } from './planned-message.ts'
import { deployedVault, readVault } from './vault-view.ts'
import { actOnVault, viewVault } from './vault.ts'
import { accountArgument } from './wallet-access.ts'
import type { Command, Invocation } from '../invocation.ts'

const MAX_INDEX = 255
const SECONDS_PER_DAY = 86_400

function indexArgument ({ args: [text = ''] }: Invocation): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) > MAX_INDEX) {
    throw new CocoonError('usage', `${JSON.stringify(text.slice(0, 20))} is no index of a signer: 0 to ${MAX_INDEX}`)
  }
  return Number(text)
}

/** Refuses what is no key, and a key for which anybody can sign: an index is written once, for ever. */
function signerKeyArgument ({ args: [, text = ''] }: Invocation): Uint8Array {
  if (!/^[0-9a-f]{64}$/i.test(text)) {
    throw new CocoonError('usage', 'A signer\'s key has 64 hex digits')
  }
  const key = fromHex(text.toLowerCase())
  try {
    if (!ed25519.Point.fromBytes(key).isSmallOrder()) {
      return key
    }
  } catch {
    // no point of the curve
  }
  throw new CocoonError('usage', `${text} is no public key of Ed25519 that keeps a signature safe: look for a typing error`)
}

/** The keys that may sign vouchers, and who besides the owner may open lanes. */
export const vaultSigners: Command = async invocation => {
  const { seen, chain } = await viewVault(invocation)
  const { signers, operator } = deployedVault(seen)
  const today = Math.floor(chain.port.nowMs() / 1_000 / SECONDS_PER_DAY)
  const value = {
    network: chain.network.name,
    vault: accountToText(seen.account),
    signers: [...signers].map(([index, { key, retired }]) => ({ index, key: toHex(key), retired })),
    operator: toHex(operator.account) === toHex(NO_ACCOUNT) ? null : accountToText(operator.account),
    dailyBudgetNano: operator.dailyBudgetNano,
    spentTodayNano: operator.day === today ? operator.spentNano : 0n
  }
  printResult(invocation.context, invocation.json, value, shown => [
    tableText(['signer', 'key', 'opens lanes'], shown.signers.map(({ index, key, retired }) => [String(index), key, retired ? 'no more' : 'yes'])),
    `operator  ${shown.operator ?? 'none'}`,
    `budget    ${amountText(shown.dailyBudgetNano)} a day, of which ${amountText(shown.spentTodayNano)} are spent`
  ].join('\n'))
  return EXIT_DONE
}

/** Writes a further voucher signer; an index is written once, for ever. */
export const vaultAddSigner: Command = async invocation => {
  const index = indexArgument(invocation)
  const key = signerKeyArgument(invocation)
  return actOnVault(invocation, seen => {
    if (deployedVault(seen).signers.has(index)) {
      throw new CocoonError('signer_exists', `Signer ${index} is written already`)
    }
    return { ...planAddSigner(seen.account, index, key), isDone: async () => deployedVault(await readVault(seen)).signers.has(index) }
  })
}

/** Lets a signer open nothing more; what it has signed for open lanes stays good. */
export const vaultRetireSigner: Command = async invocation => {
  const index = indexArgument(invocation)
  return actOnVault(invocation, seen => {
    const signer = deployedVault(seen).signers.get(index)
    if (signer === undefined || signer.retired) {
      throw new CocoonError('signer_missing', `The vault has ${signer === undefined ? 'no' : 'retired its'} signer ${index}`)
    }
    return { ...planRetireSigner(seen.account, index), isDone: async () => deployedVault(await readVault(seen)).signers.get(index)?.retired === true }
  })
}

/** Names the wallet that may open, top up and unlock lanes besides the owner, within a daily budget; or none. */
export const vaultOperator: Command = async invocation => {
  const [text, budget] = invocation.args
  const operator = text === 'none' ? NO_ACCOUNT : accountArgument(invocation, text, 'the operator\'s wallet, or none')
  if (text === 'none' && budget !== undefined) {
    throw new CocoonError('usage', 'No operator has no budget')
  }
  const budgetNano = budget === undefined ? 0n : amountArgument(budget)
  return actOnVault(invocation, seen => {
    deployedVault(seen)
    return {
      ...planOperator(seen.account, operator, budgetNano),
      isDone: async () => {
        const { operator: now } = deployedVault(await readVault(seen))
        return toHex(now.account) === toHex(operator) && now.dailyBudgetNano === budgetNano
      }
    }
  })
}

/** Sends the accrued coordination fee on its way; by itself that happens at 0.1 TON. */
export const vaultFlushFee: Command = async invocation => actOnVault(invocation, seen => {
  const { feeAccruedNano } = deployedVault(seen)
  if (feeAccruedNano === 0n) {
    throw new CocoonError('nothing_due', 'No fee is due')
  }
  return { ...planFlushFee(seen.account, feeAccruedNano), isDone: async () => deployedVault(await readVault(seen)).feeAccruedNano === 0n }
})
