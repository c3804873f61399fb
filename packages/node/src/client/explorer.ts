import { toHex } from '@cocoon-net/protocol'
import type { Candidate } from './choose.ts'

/** Gives newcomers their chance. */
export interface Explorer {
  /** The candidates of the next job: as they are, or with a newcomer in front. */
  order(candidates: readonly Candidate[]): readonly Candidate[]
}

export interface ExplorerInit {
  /** Whether this client has used the peer (hex) before. */
  isKnown (peer: string): boolean
  randomBytes (length: number): Uint8Array
}

/** protocol.md: "exploration per stake, at most 2 % of jobs, within the job's own tier". */
const JOBS_PER_EXPLORATION = 50

/** All without a stake that counts share one chance: identities are free. */
const UNSTAKED = ''

export function createExplorer ({ isKnown, randomBytes }: ExplorerInit): Explorer {
  let jobsUntil = JOBS_PER_EXPLORATION
  const oneOf = <T>(items: readonly T[]): T => items[new DataView(Uint8Array.from(randomBytes(4)).buffer).getUint32(0) % items.length]
  return {
    order: (candidates) => {
      jobsUntil = Math.max(0, jobsUntil - 1)
      const [best, ...others] = candidates
      const newcomers = others.filter(({ peer, offer }) => offer.tier === best.offer.tier && offer.room.free > 0 && !isKnown(peer))
      if (jobsUntil > 0 || newcomers.length === 0) {
        return candidates
      }
      jobsUntil = JOBS_PER_EXPLORATION
      const byStake = Map.groupBy(newcomers, ({ offer, stake }) => stake.fault == null ? toHex(offer.stake) : UNSTAKED)
      const chosen = oneOf(oneOf([...byStake.values()]))
      return [chosen, ...candidates.filter(candidate => candidate !== chosen)]
    }
  }
}
