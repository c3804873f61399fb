import { equalBytes, fromHex } from '@cocoon-net/protocol'
import type { Quote, TdReport } from './quote.ts'

/** Intel's quoting enclave vendor id, 939A7233-F79C-4CA9-940A-0DB3957F0607. */
const INTEL_VENDOR_ID = fromHex('939a7233f79c4ca9940a0db3957f0607')

/** TD ATTRIBUTES (Intel TDX Module ABI, TD attributes), bit numbers of the little-endian 64-bit field. */
const TD_BIT = Object.freeze({ lass: 27n, septVeDisable: 28n, migratable: 29n, pks: 30n, keyLocker: 31n, perfMon: 63n })
/** TUD group, bits 7:0: DEBUG and reserved; anything set makes the TD untrusted. */
const TD_UNTRUSTED_MASK = 0xffn
const TD_KNOWN_MASK = Object.values(TD_BIT).reduce((mask, bit) => mask | (1n << bit), TD_UNTRUSTED_MASK)

/**
 * XFAM (Intel TDX Module ABI, XFAM): x87 and SSE are always on; beyond them AVX, AVX-512, PT, PKRU, CET, UINTR, LBR and
 * AMX may be. What is not listed is reserved.
 */
const XFAM_REQUIRED_MASK = 0x3n
const XFAM_KNOWN_MASK = 0x6dbe7n

/** ATTRIBUTES.DEBUG of an enclave: bit 1 of its first byte. */
const ENCLAVE_DEBUG = 0x02

function isZero (bytes: Uint8Array): boolean {
  return bytes.every(byte => byte === 0)
}

function u64 (bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true)
}

/** "v4 or v5, TEE type 0x81, Intel's vendor id; DEBUG = 0, reserved bits 0, SEPT_VE_DISABLE = 1, MRSERVICETD = 0, MRSIGNERSEAM" */
export function tdxPolicyFaults (quote: Quote, td: TdReport): string[] {
  const attributes = u64(td.tdAttributes)
  const xfam = u64(td.xfam)
  const faults: string[] = []
  const refuseIf = (condition: boolean, message: string): void => {
    if (condition) {
      faults.push(message)
    }
  }
  refuseIf(!equalBytes(quote.qeVendorId, INTEL_VENDOR_ID), 'the quoting enclave is not Intel\'s')
  refuseIf((attributes & 1n) !== 0n, 'the TD can be debugged')
  refuseIf((attributes & TD_UNTRUSTED_MASK & ~1n) !== 0n || (attributes & ~TD_KNOWN_MASK) !== 0n, 'reserved TD attributes are set')
  refuseIf((xfam & XFAM_REQUIRED_MASK) !== XFAM_REQUIRED_MASK || (xfam & ~XFAM_KNOWN_MASK) !== 0n, 'reserved bits of XFAM are wrong')
  refuseIf((attributes & (1n << TD_BIT.septVeDisable)) === 0n, 'SEPT_VE_DISABLE is 0')
  refuseIf((attributes & (1n << TD_BIT.migratable)) !== 0n, 'the TD can be migrated')
  const { extension } = td
  refuseIf([td.mrServiceTd, extension?.initialServiceTd, extension?.currentServiceTd].some(hash => hash != null && !isZero(hash)), 'a service TD is bound')
  // 0 is the TD itself, or the guest in it that runs the others.
  refuseIf(extension != null && extension.vmId !== 0, `the report is of guest ${extension?.vmId ?? 0} inside the TD`)
  refuseIf(!isZero(td.mrSignerSeam), 'the TDX module is not signed by Intel')
  return faults
}

export function sgxPolicyFaults (quote: Quote): string[] {
  const faults: string[] = []
  if (!equalBytes(quote.qeVendorId, INTEL_VENDOR_ID)) {
    faults.push('the quoting enclave is not Intel\'s')
  }
  if (quote.enclave == null || (quote.enclave.attributes[0] & ENCLAVE_DEBUG) !== 0) {
    faults.push('the enclave can be debugged')
  }
  return faults
}
