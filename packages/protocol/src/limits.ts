/**
 * What a node accepts at most. Every number bounds memory or time that a stranger can take; the reason is beside it.
 */
export const LIMITS = Object.freeze({
  /** A challenge is a nonce and a network id. */
  challengeFrameBytes: 1_024,
  /** A TDX quote is 8 kB, its collateral 20 kB, a GPU report with its chain 15 kB: room for all, hex-free. */
  evidenceFrameBytes: 128 * 1_024,
  /** 128 k tokens of text are about 600 kB; JSON escapes and padding may double it. */
  requestFrameBytes: 4 * 1_024 * 1_024,
  /** A sealed chunk holds one flush of tokens: the largest bucket and the AEAD tag fit well. */
  responseFrameBytes: 72 * 1_024,
  /** A voucher, a signature and the split over at most maxJobsPerPayFrame jobs. */
  payFrameBytes: 8 * 1_024,
  /** A question names one model. */
  quoteAskFrameBytes: 4 * 1_024,
  /** At most maxOffersPerAnswer offers. */
  quoteAnswerFrameBytes: 256 * 1_024,
  /** One offer in its signed envelope, as it is gossiped. */
  offerBytes: 4 * 1_024,
  /** Only codes and short texts. */
  refusalFrameBytes: 1_024,
  maxOffersPerAnswer: 64,
  maxJobsPerPayFrame: 64,
  maxDebtsPerLaneFrame: 8,
  maxModelsPerBinding: 64,
  maxHpkeKeysPerBinding: 4,
  maxAddressesPerOffer: 16,
  maxMultiaddrBytes: 256,
  maxModelNameBytes: 128,
  /** Tokens in one sealed chunk. */
  maxTokensPerChunk: 1_024,
  /** A token's text; byte-level vocabularies stay far below. */
  maxTokenBytes: 1_024,
  /** Tokens a continued job may carry as already delivered. */
  maxPrefixTokens: 1_048_576,
  /** A provider honours its quote this long past validUntil, so that a request in flight is not lost. */
  quoteHonourMs: 30_000,
  /** An offer's seq may be this far ahead of the reader's clock. */
  offerFutureMs: 60_000,
  /** The provider waits this long for a request's voucher. */
  voucherWaitMs: 2_000,
  /** The client signs at least this often while a job runs. */
  voucherEveryMs: 5_000,
  /** notAfter of a binding is at most this far after its beacon. */
  bindingLifeMs: 6 * 3_600_000,
  /** Longest life of an offer. */
  offerLifeMs: 10 * 60_000
})

export type LimitName = keyof typeof LIMITS
