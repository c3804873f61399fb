import { concat, utf8 } from './bytes.ts'
import { encodeWith } from './cbor.ts'
import { bool, bytes, fixedBytes, list, nullable, oneOf, record, tuple, uint64, union } from './codec.ts'
import { LIMITS } from './limits.ts'
import { payFrameCodec, readPayFrame, voucherCodec } from './pay-frame.ts'
import { refusalCodec } from './refusal.ts'
import type { ValueOf } from './codec.ts'

export type { PayFrame } from './pay-frame.ts'

const signedVoucherCodec = record({ voucher: voucherCodec, signature: fixedBytes(64) })

export type SignedVoucher = ValueOf<typeof signedVoucherCodec>

const openFields = { vault: fixedBytes(32), vaultOwner: fixedBytes(32), epoch: uint64, signer: fixedBytes(32), signature: fixedBytes(64) }

const payRequests = union({
  open: record(openFields),
  close: record({ ...openFields, cumulative: uint64, closeSignature: fixedBytes(64) }),
  pay: payFrameCodec
})

/**
 * pay/1: client to provider. `open` comes first and once; `signer` is the key that the lane pins, checked against the
 * chain when the lane confirms, and signs {@link payOpenBytes}, so that nobody else can use the
 * lane's balance. `pay` carries a voucher and the absolute amounts it gives to each running job.
 *
 * `close` stands first and alone on a stream of its own, in place of `open`, and names and proves the lane as `open` does.
 * It asks for the end of the lane at `cumulative`, all that the lane pays in this epoch; `closeSignature` is the signer's
 * over the close's cell (see `closeHash`). Whoever sends it has begun no job and signs no voucher on the lane from then on. It may be
 * asked again with the same sum: the answer stays the same. A peer of an earlier version refuses it as `frame_malformed`.
 */
export const payRequestCodec = { ...payRequests, readExact: readPayFrame }

/**
 * pay/1: provider to client. `lane` answers `open` and says what the provider knows; `ack` comes when the voucher is on
 * disk; `usedNano` is what finished jobs took and running ones hold of the lane's vouchers; `debts` are unpaid jobs as
 * [clientNonce, nanoTON]. `closing` answers `close`: the payee has signed the same cell with its wallet (a v4r2 with the network's wallet id) of this
 * key, has it on disk, and takes no further job or voucher on the lane. The client checks that the key's wallet is the payee.
 * `isSending` says that the payee sends the message to the vault itself, because what is due is worth its gas; the client,
 * which holds both signatures, may send it in any case. Refusals: lane_in_use while a job runs, close_refused below what the
 * jobs have cost or when another sum has been agreed, lane_unlocking when the lane's unlock is about to end, lane_unknown
 * for another epoch, payee_key_absent where the payee's wallet key is elsewhere.
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
  closing: record({ publicKey: fixedBytes(32), signature: fixedBytes(64), isSending: bool }),
  refusal: refusalCodec
})

export type PayRequestFrame = ValueOf<typeof payRequests>
export type PayResponseFrame = ValueOf<typeof payResponseCodec>
export type PayOpen = Extract<PayRequestFrame, { t: 'open' }>
export type PayClose = Extract<PayRequestFrame, { t: 'close' }>
export type ClosingFrame = Extract<PayResponseFrame, { t: 'closing' }>
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
