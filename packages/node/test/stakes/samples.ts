import { buildDelegationCell, cellToBytes, delegationHash } from '@cocoon-net/protocol'
import { ed25519Signer } from '@cocoon-net/settlement'
import type { ShownDelegation } from '../../src/index.ts'
import type { Delegation } from '@cocoon-net/protocol'

/** Of the stakes in these tests. */
export const ownerKey = ed25519Signer(new Uint8Array(32).fill(200))

export function delegate (delegation: Delegation, by = ownerKey): ShownDelegation {
  return { cell: cellToBytes(buildDelegationCell(delegation)), signature: by.sign(delegationHash(delegation)) }
}
