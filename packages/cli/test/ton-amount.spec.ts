import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { tonText } from '../src/output.ts'
import { amountArgument, amountText, csvRow, parseAmount } from '../src/ton-amount.ts'

describe('amounts', () => {
  it('reads TON and exact nanoTON', () => {
    expect(['1', '1.5', '0.000000001', '12345678901.123456789', '7nano', '0', '0.10'].map(parseAmount))
      .to.deep.equal([1_000_000_000n, 1_500_000_000n, 1n, 12_345_678_901_123_456_789n, 7n, 0n, 100_000_000n])
  })

  it('reads back what it writes', () => {
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: 10n ** 19n }), nano => {
      expect(parseAmount(tonText(nano))).to.equal(nano)
      expect(parseAmount(`${nano}nano`)).to.equal(nano)
    }))
  })

  it('refuses what is no amount, and guesses nothing', () => {
    for (const text of ['', '.5', '1.', '1.0000000001', '-1', '+1', '1e9', '1,5', ' 1', '1 ', '0x10', '1nanos', '1.5nano', 'all', '123456789012', '9'.repeat(21) + 'nano']) {
      expect(() => parseAmount(text), text).to.throw().with.property('code', 'usage')
    }
    for (const text of [undefined, '0', '0nano']) {
      expect(() => amountArgument(text), text).to.throw().with.property('code', 'usage')
    }
    expect(amountArgument('1nano')).to.equal(1n)
  })

  it('shows both units', () => {
    expect(amountText(1_500_000_000n)).to.equal('1.5 TON (1500000000 nanoTON)')
  })

  it('writes CSV that no spreadsheet runs', () => {
    expect(csvRow(['a', 1, 2n, 'x,y', 'say "hi"', 'two\nlines', '=1+1', '@x', '-1', '-0.5', '-1-1', -1]))
      .to.equal('a,1,2,"x,y","say ""hi""","two\nlines",\'=1+1,\'@x,-1,-0.5,\'-1-1,-1\r\n')
  })
})
