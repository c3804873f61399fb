import { equalBytes } from '@cocoon-net/protocol'
import { signedBy } from './certificate.ts'
import type { Certificate } from './certificate.ts'

/** NVIDIA's chain has five certificates; nobody's has more. */
const MAX_CHAIN = 6

function selfIssued (certificate: Certificate): boolean {
  return equalBytes(certificate.issuer, certificate.subject)
}

/** Certificates under which no other of the pool stands. */
export function leavesOf (pool: readonly Certificate[]): readonly Certificate[] {
  return pool.filter(one => !selfIssued(one) && !pool.some(other => other !== one && !selfIssued(other) && equalBytes(other.issuer, one.subject)))
}

/**
 * The chain from a leaf to a certificate that issues itself, in whatever order the pool has them, as far as it goes. Of
 * several issuers of one name, that which did sign. It is judged by `chainFault`.
 */
export function chainFrom (leaf: Certificate | undefined, pool: readonly Certificate[]): readonly Certificate[] {
  const chain: Certificate[] = leaf == null ? [] : [leaf]
  for (let current = leaf; current != null && !selfIssued(current) && chain.length < MAX_CHAIN;) {
    const child: Certificate = current
    const named = pool.filter(one => equalBytes(one.subject, child.issuer) && !chain.includes(one))
    current = named.find(one => signedBy(child, one)) ?? named[0]
    if (current != null) {
      chain.push(current)
    }
  }
  return chain
}
