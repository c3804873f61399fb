import { CocoonError, concat, utf8 } from '@cocoon-net/protocol'
import { createChunkOpener, createChunkSealer, responseKeys } from './chunk-cipher.ts'
import { encBytesOf, infoOf, suiteOf } from './suite.ts'
import type { ChunkOpener, ChunkSealer } from './chunk-cipher.ts'
import type { HpkeKeyPair } from './suite.ts'

const SECRET_BYTES = 32
const BINDING_HASH_BYTES = 32

/** Every secret that leaves the HPKE context has its own label. */
const LABELS = {
  response: utf8('cocoon/export/response/v1'),
  reqSalt: utf8('cocoon/export/request-salt/v1'),
  ansSalt: utf8('cocoon/export/answer-salt/v1')
}

interface Exports { readonly response: Uint8Array, readonly reqSalt: Uint8Array, readonly ansSalt: Uint8Array }

async function exportAll (context: { Export(label: Uint8Array, length: number): Promise<Uint8Array> }): Promise<Exports> {
  const [response, reqSalt, ansSalt] = await Promise.all([
    context.Export(LABELS.response, SECRET_BYTES),
    context.Export(LABELS.reqSalt, SECRET_BYTES),
    context.Export(LABELS.ansSalt, SECRET_BYTES)
  ])
  return { response, reqSalt, ansSalt }
}

/** Gives the response secret out once; afterwards, or once wiped, it is zeros, and keys made of zeros would be public. */
function oneUse (secret: Uint8Array): { take<T>(use: (secret: Uint8Array) => T): T, wipe(): void } {
  let spent = false
  const wipe = (): void => {
    spent = true
    secret.fill(0)
  }
  return {
    wipe,
    take: (use) => {
      if (spent) {
        throw new CocoonError('seal_failed', 'the response keys of this request have been used or wiped')
      }
      try {
        return use(secret)
      } finally {
        wipe()
      }
    }
  }
}

/** A request as the client sealed it; the commitments' salts are kept by the client. */
export interface SealedRequest {
  /** enc ‖ ct. */
  readonly ciphertext: Uint8Array
  /** 32 bytes that salt the commitment to the request in receipts. */
  reqSalt(): Uint8Array
  /** 32 bytes that salt the commitment to the answer. */
  ansSalt(): Uint8Array
  /**
   * Opens the response that goes with this provider nonce (32 bytes). One response per request.
   *
   * @throws {CocoonError} seal_failed
   */
  response(providerNonce: Uint8Array): Promise<ChunkOpener>
  /** Overwrites the exported response secret: no response can be opened any more. */
  wipe(): void
}

export interface SealRequestInit {
  readonly kem: number
  readonly publicKey: Uint8Array
  readonly bindingHash: Uint8Array
  /** The payment header's bytes: HPKE additional data. */
  readonly header: Uint8Array
  /** Already padded. */
  readonly payload: Uint8Array
}

function asSealFailure (error: unknown): CocoonError {
  return error instanceof CocoonError ? error : new CocoonError('seal_failed', undefined, { cause: error })
}

async function sealed<T> (work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => { throw asSealFailure(error) })
}

function checkBindingHash (bindingHash: Uint8Array): void {
  if (bindingHash.byteLength !== BINDING_HASH_BYTES) {
    throw new CocoonError('seal_failed', `a binding hash has ${BINDING_HASH_BYTES} bytes`)
  }
}

/** An HPKE context of one request, made before the request is known: encapsulation and key derivation are over. */
export interface PreparedSeal {
  /**
   * Seals the one request of this context.
   *
   * @throws {CocoonError} seal_failed, also when the context has been used or wiped
   */
  seal(init: Pick<SealRequestInit, 'header' | 'payload'>): Promise<SealedRequest>
  /** Overwrites the exported response secret of a context that will not be used. */
  wipe(): void
}

/**
 * Does the slow part of sealing (RFC 9180, base mode: encapsulation, key schedule, exports) ahead of a request. Nothing
 * in it depends on the request, so a client keeps one context ready for each provider that it may ask next.
 *
 * @throws {CocoonError} seal_failed
 */
export async function prepareSeal (init: Pick<SealRequestInit, 'kem' | 'publicKey' | 'bindingHash'>): Promise<PreparedSeal> {
  checkBindingHash(init.bindingHash)
  try {
    const suite = suiteOf(init.kem)
    const { encapsulatedSecret: enc, ctx } = await suite.SetupSender(await suite.DeserializePublicKey(init.publicKey), { info: infoOf(init.bindingHash) })
    const secrets = await exportAll(ctx)
    const response = oneUse(secrets.response)
    let used = false
    return {
      seal: async ({ header, payload }) => {
        if (used) {
          throw new CocoonError('seal_failed', 'a context seals one request')
        }
        used = true
        return {
          ciphertext: concat(enc, await sealed(ctx.Seal(payload, header))),
          reqSalt: () => secrets.reqSalt,
          ansSalt: () => secrets.ansSalt,
          response: async (providerNonce) => response.take(secret => createChunkOpener(responseKeys(secret, enc, providerNonce))),
          wipe: response.wipe
        }
      },
      wipe: () => {
        used = true
        response.wipe()
      }
    }
  } catch (error) {
    throw asSealFailure(error)
  }
}

/**
 * Seals a request to a provider's HPKE key (RFC 9180, base mode).
 *
 * @throws {CocoonError} seal_failed
 */
export async function sealRequest (init: SealRequestInit): Promise<SealedRequest> {
  const prepared = await prepareSeal(init)
  return prepared.seal(init)
}

/** A request as the provider opened it. */
export interface OpenedJob {
  readonly payload: Uint8Array
  reqSalt(): Uint8Array
  ansSalt(): Uint8Array
  /**
   * Seals the response under a fresh provider nonce (32 bytes). One response per request.
   *
   * @throws {CocoonError} seal_failed
   */
  sealer(providerNonce: Uint8Array): Promise<ChunkSealer>
}

export interface OpenRequestInit {
  readonly keyPair: HpkeKeyPair
  readonly bindingHash: Uint8Array
  readonly header: Uint8Array
  readonly ciphertext: Uint8Array
}

/** @throws {CocoonError} seal_failed: another key, binding or header, or changed bytes */
export async function openRequest (init: OpenRequestInit): Promise<OpenedJob> {
  checkBindingHash(init.bindingHash)
  const encBytes = encBytesOf(init.keyPair.kem)
  if (init.ciphertext.byteLength <= encBytes) {
    throw new CocoonError('seal_failed')
  }
  try {
    const enc = init.ciphertext.slice(0, encBytes)
    const ctx = await suiteOf(init.keyPair.kem).SetupRecipient(init.keyPair.keys, enc, { info: infoOf(init.bindingHash) })
    const payload = await ctx.Open(init.ciphertext.slice(encBytes), init.header)
    const secrets = await exportAll(ctx)
    const response = oneUse(secrets.response)
    return {
      payload,
      reqSalt: () => secrets.reqSalt,
      ansSalt: () => secrets.ansSalt,
      sealer: async (providerNonce) => response.take(secret => createChunkSealer(responseKeys(secret, enc, providerNonce)))
    }
  } catch (error) {
    throw asSealFailure(error)
  }
}
