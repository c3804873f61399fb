import { concat, fromHex, sha256, sha512, toHex, utf8 } from '@cocoon-net/protocol'
import { pow } from '@noble/curves/abstract/modular.js'
import { p256 } from '@noble/curves/nist.js'
import type { NetworkPreset } from '@cocoon-net/protocol'

/**
 * Roots of simulated evidence: they follow from the network, and prove nothing. A devnet's policy lists them; no other
 * policy does, and `simulated` is refused outside a devnet whatever a policy lists.
 */

/**
 * Seed of a devnet's simulation roots, derived from its network id. It is no secret: simulated evidence proves nothing, and
 * anyone on the devnet may make it.
 */
export function simulationRootSeed (network: Pick<NetworkPreset, 'networkId'>): Uint8Array {
  return sha256(concat(utf8('cocoon/simulation-root/v1\0'), network.networkId))
}

/** A secret key of a simulated platform, by its label; `lengthBytes` at most 64. No secret: whoever knows the network knows it. */
export function simulationSecret (seed: Uint8Array, label: string, lengthBytes: number): Uint8Array {
  return sha512(concat(utf8('cocoon/test-pki/v1\0'), seed, utf8(label))).subarray(0, lengthBytes)
}

/** The primes of a simulated RSA key, and the exponent of every one. */
export interface SimulationRsaKey { readonly p: bigint, readonly q: bigint, readonly exponent: bigint }

/** A Mersenne prime stands for the larger one, so that only a small one is looked for: nothing hangs on these keys. */
const LARGE_PRIME = 2n ** 2_203n - 1n
const RSA_EXPONENT = 65_537n
/** With the larger prime a modulus of 2,304 bits, of which the first is set. */
const SMALL_PRIME_BITS = 101n
const MODULUS_BYTES = 288
/** Bases of Miller and Rabin's test: for numbers that nobody chose it errs hardly ever. */
const WITNESSES = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n]

function isPrime (candidate: bigint): boolean {
  if (WITNESSES.some(prime => candidate % prime === 0n)) {
    return false
  }
  let odd = candidate - 1n
  let twos = 0
  while ((odd & 1n) === 0n) {
    odd >>= 1n
    twos++
  }
  return WITNESSES.every(base => {
    let power = pow(base, odd, candidate)
    if (power === 1n) {
      return true
    }
    for (let i = 1; i < twos && power !== candidate - 1n; i++) {
      power = power * power % candidate
    }
    return power === candidate - 1n
  })
}

/** The key that a seed and a label give, in a few milliseconds: AMD signs with RSA, and so does what simulates it. */
export function simulationRsaKey (seed: Uint8Array, label: string): SimulationRsaKey {
  const top = 3n << (SMALL_PRIME_BITS - 2n)
  const random = BigInt(`0x${toHex(simulationSecret(seed, label, 12))}`)
  let q = top | random | 1n
  while (!isPrime(q) || (q - 1n) % RSA_EXPONENT === 0n) {
    q += 2n
  }
  return { p: LARGE_PRIME, q, exponent: RSA_EXPONENT }
}

/** DER of SubjectPublicKeyInfo up to the value of the key: of a P-256 key up to its point (RFC 5480), of an RSA key of 2,304 bits up to its modulus (RFC 8017). */
const SPKI_HEAD = Object.freeze({
  p256: fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200'),
  rsa2304: fromHex('30820142300d06092a864886f70d01010105000382012f003082012a0282012100')
})

/** SubjectPublicKeyInfo of such a key, DER. */
export function simulationRsaPublicKey ({ p, q, exponent }: SimulationRsaKey): Uint8Array {
  const modulus = fromHex((p * q).toString(16).padStart(2 * MODULUS_BYTES, '0'))
  const e = fromHex(exponent.toString(16).padStart(6, '0'))
  return concat(SPKI_HEAD.rsa2304, modulus, Uint8Array.of(0x02, e.byteLength), e)
}

/** What `simulationRoots` lists for a seed, 64 hex digits each: the root in Intel's place, of `createTdxTestPlatform`, and the one in AMD's, of `createSnpTestPlatform`. */
export function simulationRootHashes (seed: Uint8Array): [intel: string, amd: string] {
  const intel = concat(SPKI_HEAD.p256, p256.getPublicKey(simulationSecret(seed, 'root', 32), false))
  return [toHex(sha256(intel)), toHex(sha256(simulationRsaPublicKey(simulationRsaKey(seed, 'ark'))))]
}
