import { CocoonError, concat, utf8 } from '@cocoon-net/protocol'
import { KDF_SHAKE256, KEM_MLKEM768_X25519 as portableXWing } from '@panva/hpke-noble'
import { LabeledDerive } from 'hpke'
import { nodeXWing } from './node-x-wing.ts'
import { webXWing } from './web-x-wing.ts'
import { ML_KEM_PUBLIC_BYTES, ML_KEM_SEED_BYTES, X25519_BYTES, X_WING_ENC_BYTES, X_WING_PUBLIC_BYTES } from './x-wing-sizes.ts'
import type { XWingPlatform } from './x-wing-platform.ts'
import type { KEM, KEMFactory, Key } from 'hpke'

const SEED_BYTES = 32

/** draft-connolly-cfrg-xwing-kem §5.3: the label is "\.//^\". */
const LABEL = utf8('\\.//^\\')

interface KeyInit<P> {
  readonly type: 'private' | 'public'
  readonly extractable: boolean
  readonly parts: P
  readonly publicBytes: Uint8Array
  readonly seed?: Uint8Array
}

/** A key whose material only this file reaches. */
class XWingKey<P> implements Key {
  readonly algorithm = { name: 'MLKEM768-X25519' }
  readonly type: 'private' | 'public'
  readonly extractable: boolean
  readonly #parts: P
  readonly #publicBytes: Uint8Array
  readonly #seed: Uint8Array | undefined

  constructor (init: KeyInit<P>) {
    this.type = init.type
    this.extractable = init.extractable
    this.#parts = init.parts
    this.#publicBytes = init.publicBytes
    this.#seed = init.extractable ? init.seed?.slice() : undefined
  }

  static of<P> (key: Key, type: 'private' | 'public'): Pick<KeyInit<P>, 'parts' | 'publicBytes' | 'seed'> {
    if (!(key instanceof XWingKey) || key.type !== type) {
      throw new TypeError(`an X-Wing ${type} key is needed`)
    }
    return { parts: key.#parts, publicBytes: key.#publicBytes, seed: key.#seed }
  }
}

/** X-Wing (draft-connolly-cfrg-xwing-kem): ML-KEM-768 and X25519 in one KEM, over a platform that has both. */
export function xWingOn<P> (platform: XWingPlatform<P>): KEMFactory {
  const suiteId = concat(utf8('KEM'), Uint8Array.of(0x64, 0x7a))

  const publicKey = async (raw: Uint8Array): Promise<XWingKey<P>> => {
    if (raw.byteLength !== X_WING_PUBLIC_BYTES) {
      throw new TypeError(`an X-Wing public key has ${X_WING_PUBLIC_BYTES} bytes`)
    }
    const publicBytes = raw.slice()
    const parts = await platform.publicParts(publicBytes.subarray(0, ML_KEM_PUBLIC_BYTES), publicBytes.subarray(ML_KEM_PUBLIC_BYTES))
    return new XWingKey({ type: 'public', extractable: true, parts, publicBytes })
  }

  /** §5.2: SHAKE256(seed, 96) gives the ML-KEM seed (64) and the X25519 scalar (32). */
  const keyPair = async (seed: Uint8Array, extractable: boolean): Promise<{ privateKey: XWingKey<P>, publicKey: XWingKey<P> }> => {
    if (seed.byteLength !== SEED_BYTES) {
      throw new TypeError(`an X-Wing seed has ${SEED_BYTES} bytes`)
    }
    const expanded = platform.shake256(seed, ML_KEM_SEED_BYTES + X25519_BYTES)
    try {
      const { parts, mlKemPublic, x25519Public } = await platform.privateParts(expanded.subarray(0, ML_KEM_SEED_BYTES), expanded.subarray(ML_KEM_SEED_BYTES))
      const publicBytes = concat(mlKemPublic, x25519Public)
      return { privateKey: new XWingKey({ type: 'private', extractable, parts, publicBytes, seed }), publicKey: await publicKey(publicBytes) }
    } finally {
      expanded.fill(0)
    }
  }

  /** §5.3: SHA3-256(ss_M ‖ ss_X ‖ ct_X ‖ pk_X ‖ label). */
  const combine = (secrets: { ssMlKem: Uint8Array, ssX25519: Uint8Array }, ctX25519: Uint8Array, recipient: Uint8Array): Uint8Array => {
    const input = concat(secrets.ssMlKem, secrets.ssX25519, ctX25519, recipient.subarray(ML_KEM_PUBLIC_BYTES), LABEL)
    const shared = platform.sha3(input)
    for (const secret of [secrets.ssMlKem, secrets.ssX25519, input]) {
      secret.fill(0)
    }
    return shared
  }

  const kem: KEM = {
    id: 0x647a,
    type: 'KEM',
    name: 'MLKEM768-X25519',
    Nsecret: 32,
    Nenc: X_WING_ENC_BYTES,
    Npk: X_WING_PUBLIC_BYTES,
    Nsk: SEED_BYTES,
    DeriveKeyPair: async (ikm, extractable) => {
      const seed = await LabeledDerive(KDF_SHAKE256(), suiteId, ikm, utf8('DeriveKeyPair'), new Uint8Array(), SEED_BYTES)
      return keyPair(seed, extractable).finally(() => seed.fill(0))
    },
    GenerateKeyPair: async (extractable) => {
      const seed = crypto.getRandomValues(new Uint8Array(SEED_BYTES))
      return keyPair(seed, extractable).finally(() => seed.fill(0))
    },
    SerializePublicKey: async (key) => XWingKey.of(key, 'public').publicBytes.slice(),
    DeserializePublicKey: async (raw) => publicKey(raw),
    SerializePrivateKey: async (key) => {
      const { seed } = XWingKey.of(key, 'private')
      if (seed == null) {
        throw new TypeError('the key is not extractable')
      }
      return seed.slice()
    },
    DeserializePrivateKey: async (seed, extractable) => (await keyPair(seed, extractable)).privateKey,
    Encap: async (recipient) => {
      const { parts, publicBytes } = XWingKey.of<P>(recipient, 'public')
      const { ctMlKem, ctX25519, ...secrets } = await platform.encapsulate(parts)
      return { shared_secret: combine(secrets, ctX25519, publicBytes), enc: concat(ctMlKem, ctX25519) }
    },
    Decap: async (enc, recipient) => {
      const { parts, publicBytes } = XWingKey.of<P>(recipient, 'private')
      if (enc.byteLength !== X_WING_ENC_BYTES) {
        throw new CocoonError('seal_failed')
      }
      const ctX25519 = enc.subarray(X_WING_ENC_BYTES - X25519_BYTES)
      const secrets = await platform.decapsulate(parts, enc.subarray(0, X_WING_ENC_BYTES - X25519_BYTES), ctX25519)
      return combine(secrets, ctX25519, publicBytes)
    }
  }
  return () => kem
}

function choose (): { source: 'node' | 'web' | 'portable', factory: KEMFactory } {
  if (nodeXWing != null) {
    return { source: 'node', factory: xWingOn(nodeXWing) }
  }
  const web = webXWing()
  return web == null ? { source: 'portable', factory: portableXWing } : { source: 'web', factory: xWingOn(web) }
}

/** Whose ML-KEM serves: Node's own, the browser's (Web Crypto), or one in JavaScript, which takes several times as long. */
export const { source: xWingSource, factory: xWing } = choose()
