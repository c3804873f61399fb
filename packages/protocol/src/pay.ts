import { concat, utf8 } from './bytes.ts'
import { encodeWith } from './cbor.ts'
import { bool, bytes, fixedBytes, list, nullable, oneOf, record, tuple, uint64, union } from './codec.ts'
import { LIMITS } from './limits.ts'
import { readPayFrame } from './pay-frame.ts'
import { refusalCodec } from './refusal.ts'
import type { ValueOf } from './codec.ts'

const voucherCodec = record({
  networkId: fixedBytes(32),
  vault: fixedBytes(32),
  payee: fixedBytes(32),
  epoch: uint64,
  cumulative: uint64
})

const signedVoucherCodec = record({ voucher: voucherCodec, signature: fixedBytes(64) })

export type SignedVoucher = ValueOf<typeof signedVoucherCodec>

const payRequests = union({
  open: record({ vault: fixedBytes(32), vaultOwner: fixedBytes(32), epoch: uint64, signer: fixedBytes(32), signature: fixedBytes(64) }),
  pay: record({
    voucher: voucherCodec,
    signature: fixedBytes(64),
    jobs: list(tuple(fixedBytes(32), uint64), LIMITS.maxJobsPerPayFrame)
  })
})

/**
 * pay/1: client to provider. `open` comes first and once; `signer` is the key that the lane pins, checked against the
 * chain when the lane confirms, and signs {@link payOpenBytes}, so that nobody else can use the
 * lane's balance. `pay` carries a voucher and the absolute amounts it gives to each running job.
 */
export const payRequestCodec = { ...payRequests, readExact: readPayFrame }

/**
 * pay/1: provider to client. `lane` answers `open` and says what the provider knows; `ack` comes when the voucher is on
 * disk; `usedNano` is what finished jobs took and running ones hold of the lane's vouchers; `debts` are unpaid jobs as
 * [clientNonce, nanoTON].
 */
export const payResponseCodec = union({
  lane: record({
    state: oneOf('unconfirmed', 'confirmed', 'unlocking'),
    capNano: uint64,
    highest: nullable(signedVoucherCodec),
    usedNano: uint64,
    allowanceNano: uint64,
    debts: list(tuple(fixedBytes(32), uint64), LIMITS.maxDebtsPerLaneFrame),
    settling: bool
  }),
  ack: record({ cumulative: uint64 }),
  refusal: refusalCodec
})

export type PayRequestFrame = ValueOf<typeof payRequests>
export type PayResponseFrame = ValueOf<typeof payResponseCodec>
export type PayOpen = Extract<PayRequestFrame, { t: 'open' }>
export type PayFrame = Extract<PayRequestFrame, { t: 'pay' }>
export type LaneFrame = Extract<PayResponseFrame, { t: 'lane' }>

const payOpenCodec = record({
  networkId: fixedBytes(32),
  vault: fixedBytes(32),
  payee: fixedBytes(32),
  epoch: uint64,
  /** Peer ids as multihash bytes. */
  client: bytes(64),
  provider: bytes(64)
})

/** What the lane's signer signs to open the pay stream: "cocoon/pay-open/v1\0" ‖ CBOR {networkId, vault, payee, epoch, client, provider}. */
export function payOpenBytes (init: ValueOf<typeof payOpenCodec>): Uint8Array {
  return concat(utf8('cocoon/pay-open/v1\0'), encodeWith(payOpenCodec, init))
}
