import { CocoonError, concat, decodeWith, encodeWith, fromHex, utf8 } from '@cocoon-net/protocol'
import { bytes, fixedBytes, oneOf, record, version } from '@cocoon-net/protocol/codec'
import { verifyEd25519 } from './ed25519.ts'
import { fail, pass } from './report.ts'
import type { Check } from './report.ts'
import type { ValueOf } from '@cocoon-net/protocol'

const MAX_EVIDENCE_BYTES = 1_024

const simulatedEvidenceCodec = record({
  v: version(1),
  kind: oneOf('simulated'),
  reportData: fixedBytes(64),
  measurement: bytes(64),
  signature: fixedBytes(64)
})

/** Development only: proves nothing about hardware. */
export type SimulatedEvidence = ValueOf<typeof simulatedEvidenceCodec>

export function encodeSimulatedEvidence (evidence: SimulatedEvidence): Uint8Array {
  return encodeWith(simulatedEvidenceCodec, evidence)
}

/** What the simulation root signs: "cocoon/simulated/v1\0" ‖ report data ‖ measurement. */
export function simulatedEvidenceBytes (init: { reportData: Uint8Array, measurement: Uint8Array }): Uint8Array {
  return concat(utf8('cocoon/simulated/v1\0'), init.reportData, init.measurement)
}

/** Checks that evidence is signed by one of the roots; gives its report data only when it is. Pure. */
export function checkSimulatedEvidence (data: Uint8Array, roots: readonly string[]): { checks: Check[], reportData: Uint8Array | null, measurement: Uint8Array | null } {
  let evidence: SimulatedEvidence
  try {
    evidence = decodeWith(simulatedEvidenceCodec, data, MAX_EVIDENCE_BYTES, 'simulated evidence')
  } catch (error) {
    return { checks: [fail('signature', 'evidence_malformed', error instanceof CocoonError ? error.message : 'cannot be parsed')], reportData: null, measurement: null }
  }
  const message = simulatedEvidenceBytes(evidence)
  if (!roots.some(root => verifyEd25519(fromHex(root), message, evidence.signature))) {
    return { checks: [fail('signature', 'evidence_refused', 'not signed by a simulation root of this network')], reportData: null, measurement: null }
  }
  return {
    checks: [pass('signature', 'signed by the network\'s simulation root: simulated, not private')],
    reportData: evidence.reportData,
    measurement: evidence.measurement
  }
}
