import { verifyAttestation } from '@cocoon-net/attestation'
import { decodeBinding } from '@cocoon-net/protocol'
import type { CollateralSources } from './collateral-sources.ts'
import type { VersionScope } from './collateral-store.ts'
import type { AttestationInput, AttestationVerdict } from '@cocoon-net/attestation'
import type { Connection } from '@libp2p/interface'

export interface JudgePeerInit {
  /** Null: what the peer stapled is all there is, and no versions are remembered. */
  readonly sources: CollateralSources | null
  readonly connection: Connection
  readonly signal: AbortSignal
  /** Default: `verifyAttestation`, under the vendors' roots. */
  verify?(input: AttestationInput): AttestationVerdict
}

/** What came over the connection; `collateral` is what the peer stapled. */
export type PeerEvidence = Omit<AttestationInput, 'collateral' | 'gpuCollateral' | 'knownVersions'> & { readonly collateral: Uint8Array | null }

function scopeOf (binding: Uint8Array): VersionScope {
  try {
    return decodeBinding(binding).evidenceKind === 'simulated' ? 'simulated' : 'hardware'
  } catch {
    return 'hardware'
  }
}

/** Nothing is wrong but the CPU's collateral: absent, out of date, or below the versions known. */
function lacksCollateral ({ checks }: AttestationVerdict): boolean {
  const failed = checks.filter(check => check.result === 'fail')
  return failed.length > 0 && failed.every(({ name, code }) => name !== 'gpu' && (name === 'revocation' || name === 'tcb' || code === 'collateral_missing'))
}

/** Nothing is wrong with the GPU's evidence but its collateral. */
function lacksGpuCollateral ({ gpuReport }: AttestationVerdict): boolean {
  return gpuReport?.verdict === 'refused' && gpuReport.claims != null &&
    gpuReport.checks.every(({ name, result, code }) => name === 'revocation' || name === 'tcb' || (result !== 'fail' && code == null))
}

/**
 * Judges what a peer showed, and where nothing but its collateral is wanting, with what is stored, published by the vendor
 * or known to peers. The highest versions seen are on disk before the verdict is used.
 */
export async function judgePeer (input: PeerEvidence, init: JudgePeerInit): Promise<AttestationVerdict> {
  const { sources, connection, signal, verify = verifyAttestation } = init
  if (sources == null) {
    return verify(input)
  }
  const scope = scopeOf(input.binding)
  const { collateral: stapled, evidence, gpuEvidence } = input
  let gpuCollateral: Uint8Array | null = null
  const judge = (collateral: AttestationInput['collateral']): AttestationVerdict => verify({ ...input, collateral, gpuCollateral, knownVersions: sources.store.versions(scope) })
  let verdict = judge(stapled)
  if (gpuEvidence != null && lacksGpuCollateral(verdict)) {
    gpuCollateral = await sources.find(gpuEvidence, {
      signal,
      usable: (data) => verify({ ...input, gpuCollateral: data, knownVersions: sources.store.versions(scope) }).gpuReport?.verdict === 'verified',
      first: connection
    })
    verdict = judge(stapled)
  }
  let used = stapled
  if (lacksCollateral(verdict)) {
    const better = (data: Uint8Array): boolean => {
      // A cloud's own key comes from its guest only, and stands beside what the vendor publishes.
      const judged = [judge(data), ...(stapled == null ? [] : [judge([stapled, data])])].find(({ ok }) => ok)
      verdict = judged ?? verdict
      return judged != null
    }
    used = await sources.find(evidence, { signal, usable: better, except: stapled == null ? [] : [stapled], first: connection })
  }
  if (verdict.ok && verdict.report != null) {
    await sources.store.remember(scope, verdict.report.collateralVersions)
    if (used != null) {
      await sources.keep(evidence, used)
    }
    if (gpuEvidence != null && gpuCollateral != null) {
      await sources.keep(gpuEvidence, gpuCollateral)
    }
  }
  return verdict
}
