import { decodeGpuEvidence, gpuDigestOf, productionPolicy, verifyEvidence } from '@cocoon-net/attestation'
import { concat, encodeBinding, gpuNonceOf, reportDataOf } from '@cocoon-net/protocol'
import type { CollateralSources } from './collateral-sources.ts'
import type { CollectedEvidence, EvidenceCollector, EvidenceInput, EvidenceReport } from '@cocoon-net/attestation'
import type { Binding } from '@cocoon-net/protocol'

/** A binding as it is shown: with the evidence that commits to it. */
export interface ShownBinding {
  readonly binding: Binding
  readonly bytes: Uint8Array
  /** Empty when there is no collector. */
  readonly evidence: Uint8Array
  readonly collateral: Uint8Array | null
  readonly gpuEvidence: Uint8Array | null
}

export interface AttestBindingInit {
  readonly collector: EvidenceCollector | null
  /** Null: what the machine itself gives is all that is stapled. */
  readonly sources: CollateralSources | null
  readonly signal: AbortSignal
  now(): number
  /** Default: `verifyEvidence`, under the vendors' roots. */
  verify?(input: EvidenceInput): EvidenceReport
}

/**
 * Collects the evidence for a binding, bound both ways: the GPU's nonce is of the binding without the GPU's digest, and
 * the report data is of the binding with it.
 *
 * @throws {CocoonError} evidence_missing
 */
export async function attestBinding (draft: Binding, init: AttestBindingInit): Promise<ShownBinding> {
  const { collector, signal } = init
  const gpuEvidence = await collector?.collectGpu?.(gpuNonceOf(draft), { signal }) ?? null
  const binding: Binding = { ...draft, gpuDigest: gpuEvidence == null ? null : gpuDigestOf(gpuEvidence) }
  if (gpuEvidence != null) {
    await keepGpuCollateral(gpuEvidence, init)
  }
  const bytes = encodeBinding(binding)
  const collected = await collector?.collect(reportDataOf(bytes), { signal })
  if (collected == null) {
    return { binding, bytes, evidence: new Uint8Array(0), collateral: null, gpuEvidence }
  }
  return { binding, bytes, evidence: collected.evidence, collateral: await staple(binding, collected, init), gpuEvidence }
}

/** What a client needs to verify the evidence without asking a vendor; as good as this machine can get it. */
async function staple (binding: Binding, { evidence, collateral: given }: CollectedEvidence, init: AttestBindingInit): Promise<Uint8Array | null> {
  const { sources, signal, now, verify = verifyEvidence } = init
  if (sources == null || binding.evidenceKind === 'simulated') {
    return given
  }
  // AMD's come as PEM, which goes on where it ended; Intel's hosts give none.
  const withGiven = (data: Uint8Array): Uint8Array => given == null ? data : concat(given, data)
  const found = await sources.find(evidence, {
    signal,
    usable: (data) => judges(verify({ evidence, collateral: withGiven(data), atMs: now(), policy: productionPolicy, knownVersions: sources.store.versions('hardware') }))
  })
  if (found == null) {
    return given
  }
  await sources.keep(evidence, found)
  return withGiven(found)
}

/** Finds what a client needs to verify the GPU's evidence, to be served by content id: a frame has no room for it beside the CPU's. */
async function keepGpuCollateral (gpuEvidence: Uint8Array, { sources, signal, now, verify = verifyEvidence }: AttestBindingInit): Promise<void> {
  if (sources == null) {
    return
  }
  const { transcript, chain } = decodeGpuEvidence(gpuEvidence)
  const found = await sources.find(gpuEvidence, {
    signal,
    usable: (collateral) => judgesGpu(verify({ evidence: transcript, kind: 'nvidia', chain, collateral, atMs: now(), policy: productionPolicy }))
  })
  if (found != null) {
    await sources.keep(gpuEvidence, found)
  }
}

/** Whether nothing of the GPU's collateral is missing or unusable. */
function judgesGpu ({ checks }: EvidenceReport): boolean {
  return checks.some(({ name, result }) => name === 'revocation' && result === 'pass') && checks.every(({ code }) => code !== 'collateral_missing')
}

/** Whether the collateral is authentic and allowed a judgement, be it good or bad: a machine that is out of date cannot help it. */
function judges ({ kind, checks, collateralVersions }: EvidenceReport): boolean {
  const passed = (name: string): boolean => checks.some(check => check.name === name && check.result === 'pass')
  const versions = Object.keys(collateralVersions)
  const authentic = kind === 'snp' || ['tcb/', 'qe/'].every(prefix => versions.some(key => key.startsWith(prefix)))
  return authentic && passed('signature') && passed('chain') && passed('revocation')
}
