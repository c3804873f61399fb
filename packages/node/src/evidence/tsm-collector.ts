import { utf8 } from '@cocoon-net/protocol'
import { readCertTable } from './cert-table.ts'
import { collectNvidia } from './nvidia-command.ts'
import { guestKind, readTsmReport } from './tsm-report.ts'
import type { TsmInit } from './tsm-report.ts'
import type { EvidenceCollector } from '@cocoon-net/attestation'

export interface TsmCollectorInit extends TsmInit {
  /** NVIDIA's command with its arguments, `{nonce}` in place of the nonce in hex. */
  readonly gpuCommand?: readonly string[]
}

/**
 * Evidence of the TDX or SEV-SNP guest that this process runs in, through Linux's configfs; of its GPU through NVIDIA's
 * command, where there is one. Its collateral is what the host gives with a report.
 *
 * @throws {CocoonError} evidence_missing when this is no such guest
 */
export async function openTsmCollector (init: TsmCollectorInit = {}): Promise<EvidenceCollector> {
  return {
    kind: await guestKind(init),
    collect: async (reportData, { signal }) => {
      const { outblob, auxblob } = await readTsmReport({ ...init, reportData, signal })
      const given = utf8(readCertTable(auxblob))
      return { evidence: outblob, collateral: given.byteLength === 0 ? null : given }
    },
    collectGpu: async (nonce, { signal }) => collectNvidia(nonce, { command: init.gpuCommand, signal })
  }
}
