import { asCocoonError } from '@cocoon-net/protocol'
import { absent, fail, pass } from '../report.ts'
import { chainFrom } from '../x509/build-chain.ts'
import { chainFault } from '../x509/certificate.ts'
import { kindOf, parseRim } from './rim.ts'
import type { Rim } from './rim.ts'
import type { SpdmTranscript } from './spdm.ts'
import type { Material } from '../material/collector.ts'
import type { Check } from '../report.ts'
import type { TrustedRoots } from '../roots.ts'
import type { Certificate } from '../x509/certificate.ts'

/** Of several manifests for one version, as a folder may hold them, so many are read. */
const MAX_CANDIDATES = 2
/** The video decoder's firmware, which is measured only where it is in use: number 35 counted from zero. */
const NVDEC_MEASUREMENT = 36

export interface MeasurementsInput {
  /** Authentic. */
  readonly transcript: SpdmTranscript
  /** Such as `GH100`. */
  readonly product: string
  readonly material: Material
  readonly roots: Pick<TrustedRoots, 'nvidiaManifests'>
  readonly atMs: number
}

/** A manifest that is NVIDIA's, with its chain; or why there is none. */
type Found = { readonly rim: Rim, readonly chain: readonly Certificate[] } | { readonly check: Check }

export interface MeasurementsJudgement {
  readonly check: Check
  /** Chains of the manifests that are authentic. */
  readonly chains: ReadonlyArray<readonly Certificate[]>
}

const TITLE = Object.freeze({ driver: 'driver', vbios: 'VBIOS' })

/** Compares every measurement that a manifest marks active with the digests that it allows. */
export function judgeMeasurements (input: MeasurementsInput): MeasurementsJudgement {
  const { driverVersion, vbiosVersion } = input.transcript
  const found = [find('driver', driverVersion, input), find('vbios', vbiosVersion, input)]
  const chains = found.flatMap(one => 'rim' in one ? [one.chain] : [])
  const faults = input.material.faults.filter(({ part }) => part === 'tcb').map(({ message }) => message)
  const missing = found.flatMap(one => 'check' in one ? [one.check] : [])
  if (missing.length > 0 || faults.length > 0) {
    return { check: merge(missing, faults), chains }
  }
  return { check: compare(input.transcript, found.flatMap(one => 'rim' in one ? [one.rim] : [])), chains }
}

/** One check of several: a failure before an absence, and all messages. */
function merge (checks: readonly Check[], faults: readonly string[]): Check {
  const message = [...faults, ...checks.map(check => check.message)].join('; ')
  const failed = checks.find(({ result }) => result === 'fail')
  if (failed == null && faults.length === 0) {
    return absent('tcb', message, 'collateral_missing')
  }
  return fail('tcb', faults.length > 0 ? 'evidence_refused' : failed?.code ?? 'evidence_refused', message)
}

function find (kind: Rim['kind'], version: string, input: MeasurementsInput): Found {
  const { manifests } = input.material
  const named = manifests.filter(one => one.version.toUpperCase() === version.toUpperCase()).slice(0, MAX_CANDIDATES)
  if (version === '' || named.length === 0) {
    return { check: noManifest(kind, version, manifests.map(one => one.version).filter(one => kindOf(one) === kind)) }
  }
  const judged = named.map(({ data }) => judgeManifest(kind, version, data, input))
  return judged.find(one => 'rim' in one) ?? judged[0]
}

function noManifest (kind: Rim['kind'], version: string, others: readonly string[]): Check {
  const wanted = `no known-good digests for ${TITLE[kind]} ${version === '' ? 'of an unnamed version' : version}`
  return others.length === 0
    ? absent('tcb', wanted, 'collateral_missing')
    : fail('tcb', 'collateral_missing', `${wanted}, but for ${[...new Set(others)].join(', ')}`)
}

function judgeManifest (kind: Rim['kind'], version: string, data: Uint8Array, input: MeasurementsInput): Found {
  const refused = (message: string): Found => ({ check: fail('tcb', 'evidence_refused', `the manifest for ${TITLE[kind]} ${version}: ${message}`) })
  let rim: Rim
  try {
    rim = parseRim(data)
  } catch (error) {
    return refused(asCocoonError(error, 'evidence_malformed').message)
  }
  if (!rim.isSigned) {
    return refused('not signed by the certificate in it')
  }
  const chain = chainFrom(rim.certificates[0], [...rim.certificates, ...input.material.certificates])
  const fault = chainFault(chain, input.roots.nvidiaManifests ?? [], input.atMs)
  if (fault != null) {
    return refused(fault)
  }
  if (rim.kind !== kind || rim.version.toUpperCase() !== version.toUpperCase()) {
    return refused(`it is for ${TITLE[rim.kind]} ${rim.version}`)
  }
  return rim.product === input.product ? { rim, chain } : refused(`it is for ${rim.product}, and this is ${input.product}`)
}

function compare (transcript: SpdmTranscript, rims: readonly Rim[]): Check {
  const faults: string[] = []
  const claimed = rims.flatMap(rim => [...rim.digests.keys()])
  const twice = claimed.filter((index, i) => claimed.indexOf(index) !== i)
  if (twice.length > 0) {
    faults.push(`both manifests claim measurement ${twice.join(', ')}`)
  }
  for (const rim of rims) {
    const judged = [...rim.digests].filter(([index]) => index !== NVDEC_MEASUREMENT || !transcript.isNvdecDisabled)
    if (judged.length === 0) {
      faults.push(`the manifest for ${TITLE[rim.kind]} ${rim.version} marks no measurement active, and proves nothing`)
    }
    const wrong = judged.filter(([index, digests]) => !digests.has(transcript.measurements.get(index) ?? '')).map(([index]) => index)
    if (wrong.length > 0) {
      faults.push(`measurement ${wrong.join(', ')} is not what the manifest for ${TITLE[rim.kind]} ${rim.version} allows`)
    }
  }
  return faults.length === 0
    ? pass('tcb', `driver ${transcript.driverVersion} and VBIOS ${transcript.vbiosVersion} measure as NVIDIA's manifests say, in ${claimed.length} places`)
    : fail('tcb', 'evidence_refused', faults.join('; '))
}
