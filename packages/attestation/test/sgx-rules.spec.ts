import { fromHex } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { sgxPolicyFaults } from '../src/intel/policy-rules.ts'
import type { EnclaveReport, Quote } from '../src/intel/quote.ts'

const INTEL = fromHex('939a7233f79c4ca9940a0db3957f0607')

function faultsOf (init: { vendor?: Uint8Array, flags?: number }): string[] {
  const enclave = init.flags == null ? null : { attributes: Uint8Array.of(init.flags, ...new Uint8Array(15)) } as unknown as EnclaveReport
  return sgxPolicyFaults({ qeVendorId: init.vendor ?? INTEL, enclave } as unknown as Quote)
}

describe('rules for enclaves', () => {
  it('refuse DEBUG in whatever company, a quote without an enclave, and another vendor\'s quoting enclave', () => {
    expect([0x05, 0x01, 0x00].flatMap(flags => faultsOf({ flags }))).to.deep.equal([])
    expect([0x02, 0x07, 0xff].map(flags => faultsOf({ flags }))).to.deep.equal(Array.from({ length: 3 }, () => ['the enclave can be debugged']))
    expect(faultsOf({})).to.deep.equal(['the enclave can be debugged'])
    expect(faultsOf({ vendor: new Uint8Array(16), flags: 5 })).to.deep.equal(['the quoting enclave is not Intel\'s'])
  })
})
