import { createHash } from 'node:crypto'
import { CocoonError, digestFromHex, toHex } from '@cocoon-net/protocol'
import type { EngineModel } from '../engine.ts'

export interface OpenaiModelInit {
  readonly name: string
  /** The server's own name of the model; default: `name`. */
  readonly upstream?: string
  /** 64 hex digits; default: a digest of the name, which proves nothing about the weights. */
  readonly digest?: string
  readonly contextLength: number
}

/** A model as this node offers it, and what its server calls it. */
export interface RemoteModel {
  readonly info: EngineModel
  readonly hex: string
  readonly upstream: string
}

/**
 * @throws {CocoonError} config_invalid when the digest is not 64 hex digits
 */
export function remoteModel (init: OpenaiModelInit): RemoteModel {
  let digest: Uint8Array

  try {
    digest = init.digest == null
      ? new Uint8Array(createHash('sha256').update(`cocoon/unverified-model/v1\0${init.name}`).digest())
      : digestFromHex(init.digest)
  } catch (error) {
    throw new CocoonError('config_invalid', 'A model digest has 64 hex digits.', { cause: error })
  }

  return {
    hex: toHex(digest),
    upstream: init.upstream ?? init.name,
    info: {
      name: init.name,
      digest,
      tokenizerDigest: new Uint8Array(32),
      contextLength: init.contextLength,
      endpoints: ['chat', 'completions'],
      noIds: true,
      resumable: false
    }
  }
}
