/**
 * How much the client has promised for a job at each moment. Pure.
 *
 * Within the allowance that the provider gives it pays in arrears, when half a window has vested; without one it stays
 * half to one window ahead ("the client vouches ahead by at most one window").
 */
export interface VouchInput {
  readonly vestedNano: bigint
  readonly paidNano: bigint
  readonly allowanceNano: bigint
  readonly windowNano: bigint
  readonly maxChargeNano: bigint
  /** The timer of five seconds has fired. */
  readonly due: boolean
}

/** The total to promise now, or null when nothing is due. */
export function vouchTarget (input: VouchInput): bigint | null {
  const { vestedNano, paidNano, allowanceNano, windowNano, maxChargeNano } = input
  const slack = allowanceNano < windowNano ? allowanceNano : windowNano
  const ahead = windowNano - slack
  const wanted = vestedNano + ahead < maxChargeNano ? vestedNano + ahead : maxChargeNano
  if (wanted <= paidNano) {
    return null
  }
  const behind = wanted - paidNano
  // The last step is taken at once: there is no half window to wait for, and the provider may be waiting for it.
  return input.due || behind * 2n >= windowNano || wanted === maxChargeNano ? wanted : null
}
