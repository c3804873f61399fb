import { encodeRequestPayload, worstChargeNano } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { validateHeader, validatePayload } from '../../src/provider/validate-request.ts'
import type { SignedQuote } from '../../src/provider/quote-book.ts'
import type { RequestHeader, RequestPayload } from '@cocoon-net/protocol'

const id = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const quote: SignedQuote = {
  quote: {
    networkId: id(1),
    stake: id(2),
    model: id(3),
    prices: { prompt: 1n, cached: 1n, completion: 2_000_000n, reasoning: 5_000_001n },
    maxTokens: 50,
    windowNano: 10n,
    hedgeFeeNano: 0n,
    slaClass: 0,
    orderHash: id(0),
    validUntilMs: 1n,
    feeBps: 0
  },
  hash: id(4),
  cell: id(0),
  signature: id(0)
}
const least = worstChargeNano(0, 1, quote.quote.prices)
const header: RequestHeader = { v: 1, vault: id(5), vaultOwner: id(6), laneEpoch: 1n, quoteHash: id(4), maxTokens: 50, maxCharge: least, clientNonce: id(7) }
const find = (hash: Uint8Array): SignedQuote | undefined => hash[0] === 4 ? quote : undefined

function code (work: () => unknown): string {
  try {
    work()
    return 'none'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('validating a header', () => {
  it('gives the quote it names', () => {
    expect(validateHeader(header, find)).to.equal(quote)
  })

  it('holds it to the quote, to the token and to the nanoTON', () => {
    expect(code(() => validateHeader({ ...header, quoteHash: id(8) }, find))).to.equal('quote_unknown')
    expect([0, 1, 50, 51].map(maxTokens => code(() => validateHeader({ ...header, maxTokens }, find)))).to.deep.equal(['header_invalid', 'none', 'none', 'header_invalid'])
    // One reasoning token, the dearer class, rounded up.
    expect(least).to.equal(6n)
    expect(code(() => validateHeader({ ...header, maxCharge: 5n }, find))).to.equal('max_charge_too_low')
  })
})

describe('validating what was sealed', () => {
  const check = (change: Partial<RequestPayload>): ReturnType<typeof validatePayload> =>
    validatePayload(encodeRequestPayload({ v: 1, model: id(3), endpoint: 'chat', body: '{"a":[1]}', prefix: [4], ...change }), quote)

  it('parses the body', () => {
    const { payload, body } = check({})
    expect(body).to.deep.equal({ a: [1] })
    expect([payload.endpoint, payload.prefix]).to.deep.equal(['chat', [4]])
  })

  it('refuses another model than the one that is paid for, and anything but a JSON object', () => {
    expect(code(() => check({ model: id(4) }))).to.equal('header_invalid')
    for (const body of ['', '{', '[]', 'null', '"text"', '1', 'true', 'undefined']) {
      expect(code(() => check({ body })), body).to.equal('bad_request')
    }
    expect(code(() => validatePayload(Uint8Array.of(0xff), quote))).to.equal('frame_malformed')
  })
})
