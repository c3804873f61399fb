import { CocoonError, accountFromText, accountToText, fromHex, toHex } from '@cocoon-net/protocol'
import { Cell } from '@ton/core'
import { z } from 'zod'
import type { CocoonNode } from '@cocoon-net/cocoon'
import type { WalletMessage } from '@cocoon-net/settlement'

/**
 * What the administration API takes to move money, and how commands ask for it. Accounts are raw addresses, amounts
 * decimal nanoTON, cells bags of cells in base64. `wallet` says whose money is meant.
 */

/** The names of peers with Ed25519, secp256k1 and RSA keys. */
export const PEER_ID = /^(12D3KooW|16Uiu2HA|Qm)[1-9A-HJ-NP-Za-km-z]{38,50}$/

/** A vault's code and first data are some 5 kB. */
const MAX_CELL_TEXT = 48_000
const MAX_MESSAGES = 4

const account = z.string().max(100).transform((text, context) => {
  try {
    return accountFromText(text)
  } catch {
    context.addIssue({ code: 'custom', message: 'is no account of the basechain' })
    return z.NEVER
  }
})
const nano = z.string().regex(/^\d{1,20}$/).transform(BigInt)
const cell = z.string().max(MAX_CELL_TEXT).transform((text, context) => {
  try {
    return Cell.fromBase64(text)
  } catch {
    context.addIssue({ code: 'custom', message: 'is no bag of cells' })
    return z.NEVER
  }
})

const sendSchema = z.strictObject({
  wallet: account,
  messages: z.array(z.strictObject({
    to: account,
    valueNano: nano,
    bounce: z.boolean().optional(),
    body: cell.optional(),
    init: z.strictObject({ code: cell, data: cell }).optional()
  })).min(1).max(MAX_MESSAGES)
})
const openSchema = z.strictObject({ wallet: account, payee: account, capNano: nano })
const topUpSchema = z.strictObject({ wallet: account, payee: account, addNano: nano })
const epoch = z.string().regex(/^\d{1,20}$/).transform(BigInt)
const redeemSchema = z.strictObject({ wallet: account, vault: account, epoch })
const agreeSchema = z.strictObject({ wallet: account, vault: account, epoch, sumNano: nano, signerSignature: z.string().regex(/^[0-9a-f]{128}$/).transform(fromHex) })
const sum = nano.optional()
const signCloseSchema = z.strictObject({ wallet: account, payee: account, sumNano: sum })
/** A peer id, or what `account` takes. */
const closeSchema = z.strictObject({ wallet: account, lane: z.union([z.string().regex(PEER_ID), account]), sumNano: sum })
const retireSchema = z.strictObject({ wallet: account, payee: account })

function base64 (value: Cell): string {
  return value.toBoc().toString('base64')
}

/** Messages as `wallet-send` takes them. */
export function sendBody (messages: readonly WalletMessage[]): Record<string, unknown> {
  return {
    messages: messages.map(({ to, valueNano, bounce, body, init }) => ({
      to: accountToText(to),
      valueNano: valueNano.toString(),
      bounce,
      body: body === undefined ? undefined : base64(body),
      init: init?.code == null || init.data == null ? undefined : { code: base64(init.code), data: base64(init.data) }
    }))
  }
}

/** Actions of a node's administration API that move its money, one at a time, through its own wallet and lanes. */
export function moneyActions ({ money }: Pick<CocoonNode, 'money'>): Readonly<Record<string, (body: Record<string, unknown>) => Promise<unknown>>> {
  if (money === undefined) {
    return {}
  }
  const own = <T extends { wallet: Uint8Array }>(schema: z.ZodType<T>, body: unknown): T => {
    const parsed = schema.safeParse(body)
    if (!parsed.success) {
      throw new CocoonError('bad_request', z.prettifyError(parsed.error).replaceAll('\n', ' '))
    }
    if (accountToText(parsed.data.wallet) !== accountToText(money.account)) {
      throw new CocoonError('wrong_wallet')
    }
    return parsed.data
  }
  return {
    'wallet-send': async body => {
      const { messages } = own(sendSchema, body)
      await money.send(messages)
      return { sent: messages.length }
    },
    'lane-open': async body => {
      const { payee, capNano } = own(openSchema, body)
      await money.openLane(payee, capNano)
      return { open: true }
    },
    'lane-top-up': async body => {
      const { payee, addNano } = own(topUpSchema, body)
      await money.topUpLane(payee, addNano)
      return { open: true }
    },
    'lane-retire': async body => {
      await money.retireLane(own(retireSchema, body).payee)
      return { ending: true }
    },
    'lane-sign-close': async body => {
      const { payee, sumNano } = own(signCloseSchema, body)
      const { id: { epoch }, signerSignature, ...sums } = await money.signClose(payee, sumNano)
      return { epoch, signerSignature: toHex(signerSignature), sumNano: sums.sumNano, paidNano: sums.paidNano, capNano: sums.capNano }
    },
    'lane-close': async body => {
      const { lane, sumNano } = own(closeSchema, body)
      const { vault, payee, ...ended } = await money.closeLane(lane, sumNano)
      return { vault: accountToText(vault), payee: accountToText(payee), ...ended }
    },
    'lane-redeem': async body => {
      const { vault, epoch } = own(redeemSchema, body)
      return { redeemedNano: await money.redeemLane(vault, epoch) }
    },
    'lane-agree-close': async body => {
      const { payeeSignature, publicKey } = await money.agreeToClose(own(agreeSchema, body))
      return { payeeSignature: toHex(payeeSignature), publicKey: toHex(publicKey) }
    }
  }
}
