import { equalBytes, fromHex, toHex } from '@cocoon-net/protocol'
import { TCB_STATUSES } from './collateral.ts'
import type { QeIdentity, TcbInfo, TcbStatus } from './collateral.ts'
import type { PckPlatform } from './pck.ts'
import type { EnclaveReport, TdReport } from './quote.ts'

/** A TCB level that matched. */
export interface TcbLevel {
  readonly status: TcbStatus
  readonly advisories: readonly string[]
  /** When the newest level of the list was set, unix milliseconds: a grace window counts from there. */
  readonly newestLevelMs: number
}

/** Whether (value & mask) equals what is expected; hex, upper case. */
function masked (value: Uint8Array, mask: string, expected: string): boolean {
  const maskBytes = fromHex(mask)
  return toHex(value.map((byte, i) => byte & maskBytes[i])).toUpperCase() === expected
}

function upperHex (bytes: Uint8Array): string {
  return toHex(bytes).toUpperCase()
}

/**
 * The platform's level: the first in the list, which Intel orders from newest to oldest, whose every component is at
 * most the platform's (Intel PCS, "Get TDX TCB Info", TCB level matching). Null when the platform is below all.
 */
export function platformLevel (info: TcbInfo, platform: PckPlatform, teeTcbSvn: Uint8Array | null): TcbLevel | null {
  // A TDX module of version 1 or above has its own identity, and components 0 and 1 are its version and svn.
  const firstTdxComponent = teeTcbSvn != null && teeTcbSvn[1] > 0 ? 2 : 0
  const level = info.tcbLevels.find(({ tcb }) => {
    if (!tcb.sgxtcbcomponents.every(({ svn }, i) => platform.cpuSvns[i] >= svn) || platform.pceSvn < tcb.pcesvn) {
      return false
    }
    return teeTcbSvn == null || (tcb.tdxtcbcomponents?.every(({ svn }, i) => i < firstTdxComponent || teeTcbSvn[i] >= svn) ?? false)
  })
  return level == null
    ? null
    : { status: level.tcbStatus, advisories: level.advisoryIDs, newestLevelMs: Math.max(...info.tcbLevels.map(one => one.tcbDate)) }
}

type Verdict = { readonly level: TcbLevel | null, readonly fault: null } | { readonly level: null, readonly fault: string }

function isvLevel (levels: QeIdentity['tcbLevels'], isvSvn: number, what: string): Verdict {
  const level = levels.find(({ tcb }) => isvSvn >= tcb.isvsvn)
  return level == null
    ? { level: null, fault: `${what} is below every TCB level` }
    : { fault: null, level: { status: level.tcbStatus, advisories: level.advisoryIDs, newestLevelMs: Math.max(...levels.map(one => one.tcbDate)) } }
}

/** The TDX module's own identity and level, with the svns of one moment. A module of version 0 has no levels. */
export function moduleLevel (info: TcbInfo, td: TdReport, [svn, version]: Uint8Array): Verdict {
  const withLevels = version === 0 ? null : info.tdxModuleIdentities.find(({ id }) => id === `TDX_${toHex(Uint8Array.of(version)).toUpperCase()}`)
  const identity = version === 0 ? info.tdxModule : withLevels
  if (identity == null) {
    return { level: null, fault: 'the TDX module is of no known version' }
  }
  if (upperHex(td.mrSignerSeam) !== identity.mrsigner || !masked(td.seamAttributes, identity.attributesMask, identity.attributes)) {
    return { level: null, fault: 'the TDX module is not Intel\'s' }
  }
  return withLevels == null ? { level: null, fault: null } : isvLevel(withLevels.tcbLevels, svn, 'the TDX module')
}

/** The quoting enclave against its identity. */
export function qeLevel (identity: QeIdentity, qe: EnclaveReport): Verdict {
  // MISCSELECT is a little-endian number in the report and a big-endian one in the identity.
  const miscSelect = qe.miscSelect.slice().reverse()
  if (!masked(miscSelect, identity.miscselectMask, identity.miscselect) ||
    !masked(qe.attributes, identity.attributesMask, identity.attributes) ||
    upperHex(qe.mrSigner) !== identity.mrsigner || qe.isvProdId !== identity.isvprodid) {
    return { level: null, fault: 'the quoting enclave is not the one of the identity' }
  }
  return isvLevel(identity.tcbLevels, qe.isvSvn, 'the quoting enclave')
}

/**
 * The svns that are judged: those of the TD's launch and, from TDX 1.5 on, those of now, which Intel's own verifier
 * matches too. A single null for an enclave, which has none.
 */
export function teeTcbSvnsOf (td: TdReport | null): ReadonlyArray<Uint8Array | null> {
  const [launch, now] = [td?.teeTcbSvn ?? null, td?.teeTcbSvn2 ?? null]
  return launch == null || now == null || equalBytes(launch, now) ? [launch] : [launch, now]
}

/** The worst of statuses, in the order in which they are listed. */
export function worstStatus (statuses: readonly TcbStatus[]): TcbStatus {
  return TCB_STATUSES[Math.max(...statuses.map(status => TCB_STATUSES.indexOf(status)))]
}

/** The status of the whole: the platform's, made worse by an old module or quoting enclave. */
export function mergeStatus (platform: TcbStatus, parts: readonly TcbStatus[]): TcbStatus {
  if (platform === 'Revoked' || parts.includes('Revoked')) {
    return 'Revoked'
  }
  if (parts.every(part => part === 'UpToDate')) {
    return platform
  }
  return platform === 'ConfigurationNeeded' || platform === 'ConfigurationAndSWHardeningNeeded' || platform === 'OutOfDateConfigurationNeeded'
    ? 'OutOfDateConfigurationNeeded'
    : 'OutOfDate'
}
