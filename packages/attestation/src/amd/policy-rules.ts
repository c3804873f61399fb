import type { SnpReport, SnpTcb } from './snp-report.ts'
import type { Policy } from '../policy.ts'
import type { AmdProduct } from '../roots.ts'

/** Guest policy (SEV-SNP Firmware ABI, table "Guest policy"), bit numbers. */
const BIT = Object.freeze({ reservedOne: 17n, migrationAgent: 18n, debug: 19n })
const KNOWN_BITS = 26n

/** "SNP: VMPL 0, no debug, no migration agent" */
export function snpPolicyFaults (report: SnpReport): string[] {
  const faults: string[] = []
  const refuseIf = (condition: boolean, message: string): void => {
    if (condition) {
      faults.push(message)
    }
  }
  const bit = (number: bigint): boolean => (report.policy & (1n << number)) !== 0n
  refuseIf(bit(BIT.debug), 'the guest can be debugged')
  refuseIf(bit(BIT.migrationAgent) || report.reportIdMa.some(byte => byte !== 0xff), 'a migration agent may be associated')
  refuseIf(!bit(BIT.reservedOne) || report.policy >> KNOWN_BITS !== 0n, 'reserved bits of the guest policy are wrong')
  refuseIf(report.vmpl !== 0, `the report was asked for at VMPL ${report.vmpl}`)
  return faults
}

const PARTS = Object.freeze(['fmc', 'bootLoader', 'tee', 'snp', 'microcode'] as const)

/** The parts of a TCB that differ. */
export function tcbDifferences (a: SnpTcb, b: SnpTcb): string[] {
  return PARTS.filter(part => a[part] !== b[part])
}

/** The parts of a TCB that are below the policy's minimum. */
export function belowMinimum (tcb: SnpTcb, product: AmdProduct, policy: Policy): string[] {
  const minimum = policy.snpMinimumTcb[product]
  return minimum == null ? [] : PARTS.filter(part => tcb[part] < minimum[part])
}
