import { utf8 } from '@cocoon-net/protocol'
import { decodeGpuEvidence } from '../gpu-evidence.ts'
import { chainFrom, leavesOf } from '../x509/build-chain.ts'
import { ocspRequest } from '../x509/ocsp.ts'
import { parsePemOrDer } from '../x509/pem.ts'
import { parseRim } from './rim.ts'
import { parseSpdm } from './spdm.ts'
import type { Certificate } from '../x509/certificate.ts'

/** What NVIDIA publishes for the software of a GPU, and says of its certificates. */
export interface NvidiaNeeds {
  readonly vendor: 'nvidia'
  /** Names the collateral: of one device with one driver and VBIOS. */
  readonly subject: string
  /** Names of the manifests at NVIDIA's service, of the driver first. */
  readonly manifestIds: readonly [driver: string, vbios: string]
  /** One for each certificate of the device that somebody answers for, DER. */
  readonly ocspRequests: readonly Uint8Array[]
}

/** Parts of a manifest's name become part of a URL. */
const NAME = /^[0-9A-Za-z._-]{1,64}$/

/** What encoded GPU evidence says that it needs: a hint, for nothing of it is verified. Null when it cannot be told. */
export function nvidiaNeeds (gpuEvidence: Uint8Array): NvidiaNeeds | null {
  const { transcript, chain: files } = decodeGpuEvidence(gpuEvidence)
  const { driverVersion, vbiosVersion, board } = parseSpdm(transcript)
  const pool = files.flatMap(file => parsePemOrDer(file).certificates)
  const chain = chainFrom(leavesOf(pool)[0], pool)
  const [product] = chain[0].commonName.split(' ')
  const { project, projectSku, chipSku } = board
  if (![product, driverVersion, vbiosVersion, project, projectSku, chipSku].every(part => NAME.test(part))) {
    return null
  }
  return {
    vendor: 'nvidia',
    subject: `nvidia/${product}/${driverVersion}/${vbiosVersion}/${chain[1].id}`,
    // docs.nvidia.com/attestation, "RIM ID Naming Convention"
    manifestIds: [`NV_GPU_DRIVER_${product}_${driverVersion}`, `NV_GPU_VBIOS_${project}_${projectSku}_${chipSku}_${vbiosVersion.replaceAll('.', '')}`],
    ocspRequests: requestsOf(chain.slice(1))
  }
}

function requestsOf (chain: readonly Certificate[]): Uint8Array[] {
  return chain.slice(0, -1).map((certificate, i) => ocspRequest(certificate, chain[i + 1])).filter(request => request != null)
}

/**
 * One OCSP request for each certificate below the last in a manifest.
 *
 * @throws {CocoonError} evidence_malformed when it is no manifest
 */
export function manifestOcspRequests (manifest: Uint8Array): Uint8Array[] {
  const { certificates } = parseRim(manifest)
  return requestsOf(chainFrom(certificates[0], certificates))
}

/** One object of the shape that `verifyEvidence` takes. Manifests are text in ASCII. */
export function nvidiaCollateral (manifests: readonly Uint8Array[], responses: readonly Uint8Array[]): Uint8Array {
  return utf8(JSON.stringify({
    nvidia_rims: manifests.map(file => new TextDecoder().decode(file)),
    nvidia_ocsp: responses.map(der => btoa(String.fromCharCode(...der)))
  }))
}
