import { CocoonError, LIMITS, challengeAnswerBytes, challengeCodec, equalBytes, evidenceCodec, protocolId } from '@cocoon-net/protocol'
import { ANSWER_TIMEOUT_MS, MAX_CONTROL_STREAMS } from '../constants.ts'
import { serve } from './serve.ts'
import type { Counters } from '../counters.ts'
import type { ProviderIdentity } from '../provider/identity.ts'
import type { DelegatedStake } from '../stakes/delegated-stake.ts'
import type { NetworkPreset } from '@cocoon-net/protocol'
import type { Signer } from '@cocoon-net/settlement'
import type { Libp2p } from '@libp2p/interface'

export interface AttestServiceInit {
  readonly libp2p: Libp2p
  readonly network: NetworkPreset
  readonly identity: ProviderIdentity
  readonly receiptSigner: Signer
  /** Of a provider with a stake. */
  readonly stake?: Pick<DelegatedStake, 'current'> | null
  readonly counters: Counters
}

/** Serves attest/1: the current binding and evidence, with the challenge answered by the receipt key. */
export async function serveAttest (init: AttestServiceInit): Promise<() => Promise<void>> {
  return serve({
    libp2p: init.libp2p,
    protocol: protocolId(init.network, 'attest'),
    reads: challengeCodec,
    writes: evidenceCodec,
    maxReadBytes: LIMITS.challengeFrameBytes,
    idleMs: ANSWER_TIMEOUT_MS,
    maxStreams: MAX_CONTROL_STREAMS,
    counters: init.counters,
    what: 'attest',
    refusal: (refusal) => ({ t: 'refusal' as const, ...refusal }),
    handle: async (frames, connection) => {
      const frame = await frames.read()
      if (!equalBytes(frame.networkId, init.network.networkId)) {
        throw new CocoonError('wrong_network')
      }
      const current = init.identity.current()
      const answer = init.receiptSigner.sign(challengeAnswerBytes({
        networkId: frame.networkId,
        nonce: frame.nonce,
        bindingHash: current.hash,
        client: connection.remotePeer.toMultihash().bytes,
        provider: init.libp2p.peerId.toMultihash().bytes
      }))
      await frames.write({ t: 'evidence', binding: current.bytes, evidence: current.evidence, gpu: current.gpuEvidence, collateral: current.collateral, delegation: init.stake?.current() ?? null, answer })
    }
  })
}
