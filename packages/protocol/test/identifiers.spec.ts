import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect } from 'aegir/chai'
import { encode, rfc8949EncodeOptions } from 'cborg'
import { DEVNET_GLOBAL_ID, ERRORS, LIMITS, MAINNET, TESTNET, accountFromText, accountToText, answerCommitment, asCocoonError, bucketOf, catalogueKey, challengeAnswerBytes, devnetPreset, devnetText, dhtProtocolId, fromRefusal, gpuNonceOf, isErrorCode, jobIdOf, modelDigest, modelKey, modelRefMatches, networkIdOf, networkTag, offerTopic, parseDevnetText, parseModelRef, protocolId, reportDataOf, requestCommitment, runningHashNext, runningHashStart, toHex, toRefusal, CocoonError, encodeBinding, encodeOffer } from '../src/index.ts'
import { binding, bytes32, offer } from './samples.ts'

const golden: Record<string, string> = JSON.parse(readFileSync(new URL('./vectors/golden.json', import.meta.url), 'utf8'))

function digest (name: string, ...parts: Array<string | Uint8Array>): string {
  const hash = createHash(name)
  for (const part of parts) {
    hash.update(part)
  }
  return hash.digest('hex')
}

describe('identifiers', () => {
  it('computes the network id by its formula', () => {
    const [rootHash, fileHash, registryHash] = [bytes32('root'), bytes32('file'), bytes32('registry')]
    expect(toHex(networkIdOf({ rootHash, fileHash, workchain: -1, registryHash })))
      .to.equal(digest('sha256', 'cocoon/network/v1\0', rootHash, fileHash, Uint8Array.of(0xff), registryHash))
    expect(() => networkIdOf({ rootHash: rootHash.subarray(1), fileHash, workchain: 0, registryHash })).to.throw(RangeError)
    expect(() => networkIdOf({ rootHash, fileHash: new Uint8Array(33), workchain: 0, registryHash })).to.throw(RangeError)
    expect(() => networkIdOf({ rootHash, fileHash, workchain: 0, registryHash: new Uint8Array(0) })).to.throw(RangeError)
  })

  it('names a devnet by its genesis and its registry', () => {
    const [genesis, registry] = [bytes32('a'), bytes32('registry')]
    expect(parseDevnetText(devnetText(genesis, null))).to.deep.equal({ genesis, registry: null })
    expect(parseDevnetText(devnetText(genesis, registry).toUpperCase())).to.deep.equal({ genesis, registry })
    for (const text of ['', 'a', '00'.repeat(31), '00'.repeat(33), '00'.repeat(63), '00'.repeat(65), 'zz'.repeat(32)]) {
      expect(() => parseDevnetText(text), text).to.throw(RangeError)
    }
    const named = devnetPreset(genesis, registry)
    expect(toHex(named.networkId)).to.equal(toHex(networkIdOf({ rootHash: genesis, fileHash: new Uint8Array(32), workchain: 0, registryHash: registry })))
    expect(networkTag(named)).to.not.equal(networkTag(devnetPreset(genesis)))
    expect([named.registry, devnetPreset(genesis).registry, MAINNET.registry, TESTNET.registry]).to.deep.equal([registry, null, null, null])
  })

  it('keeps networks apart', () => {
    const a = devnetPreset(bytes32('a'))
    const b = devnetPreset(bytes32('b'))
    expect(new Set([a, b, MAINNET, TESTNET].map(networkTag)).size).to.equal(4)
    expect(DEVNET_GLOBAL_ID).to.not.be.oneOf([-239, -3])
    expect(networkTag(a)).to.match(/^[0-9a-f]{16}$/)
    expect(protocolId(a, 'infer')).to.equal(`/cocoon/${networkTag(a)}/infer/1`)
    expect(dhtProtocolId(a)).to.not.equal(dhtProtocolId(b))
    expect(offerTopic(a, bytes32('m'), 0)).to.not.equal(offerTopic(b, bytes32('m'), 0))
    expect(Object.isFrozen(a) && Object.isFrozen(a.vault) && Object.isFrozen(a.firstContactCredit)).to.equal(true)
    expect(() => devnetPreset(new Uint8Array(31))).to.throw(RangeError)
    expect(() => devnetPreset(bytes32('a'), new Uint8Array(31))).to.throw(RangeError)
    expect(MAINNET.firstContactCredit.enabled || TESTNET.firstContactCredit.enabled).to.equal(false)
    expect(MAINNET.vault.unlockSeconds).to.equal(72 * 3_600)
    expect(Math.max(MAINNET.vault.feeBps, TESTNET.vault.feeBps, a.vault.feeBps)).to.be.at.most(100)
  })

  it('computes job ids, running hashes and commitments by their formulas', () => {
    const [bindingHash, ciphertext, providerNonce, salt] = ['b', 'c', 'n', 's'].map(bytes32)
    const jobId = jobIdOf({ bindingHash, ciphertext, providerNonce })
    expect(toHex(jobId)).to.equal(digest('sha256', 'cocoon/job/v1', bindingHash, createHash('sha256').update(ciphertext).digest(), providerNonce))
    const start = runningHashStart(jobId)
    expect(toHex(start)).to.equal(digest('sha256', 'cocoon/running/v1\0', jobId))
    expect(toHex(runningHashNext(start, 0x01020304))).to.equal(digest('sha256', start, Uint8Array.of(1, 2, 3, 4)))
    expect(toHex(requestCommitment(salt, ciphertext))).to.equal(digest('sha256', 'cocoon/req-commit/v1\0', salt, createHash('sha256').update(ciphertext).digest()))
    expect(toHex(answerCommitment(salt, start))).to.equal(digest('sha256', 'cocoon/ans-commit/v1\0', salt, start))
  })

  it('commits to the binding', () => {
    const bytes = encodeBinding(binding)
    expect(toHex(reportDataOf(bytes))).to.equal(digest('sha512', 'cocoon/attest/v1\0', bytes))
    expect(toHex(gpuNonceOf(binding))).to.equal(toHex(gpuNonceOf({ ...binding, gpuDigest: bytes32('gpu') })))
    expect(toHex(gpuNonceOf(binding))).to.not.equal(toHex(gpuNonceOf({ ...binding, stake: bytes32('other') })))
    expect(digest('sha256', bytes)).to.equal(golden.binding)
    expect(digest('sha256', encodeOffer(offer))).to.equal(golden.offer)
    expect(digest('sha256', challengeAnswerBytes({ networkId: bytes32('network'), nonce: bytes32('nonce'), bindingHash: bytes32('binding'), client: bytes32('client'), provider: bytes32('provider') }))).to.equal(golden.challengeAnswer)
    expect(toHex(gpuNonceOf(binding))).to.equal(golden.gpuNonce)
  })

  it('digests a model by its sorted files', () => {
    const a = { path: 'a.gguf', sha256: bytes32('a'), sizeBytes: 3 }
    const b = { path: 'b.json', sha256: bytes32('b'), sizeBytes: 4 }
    expect(toHex(modelDigest([b, a]))).to.equal(digest('sha256', encode([['a.gguf', a.sha256, 3], ['b.json', b.sha256, 4]], rfc8949EncodeOptions)))
    expect(toHex(modelDigest([a, { ...b, sizeBytes: 5 }]))).to.not.equal(toHex(modelDigest([a, b])))
  })

  it('parses model names', () => {
    const model = { name: 'demo', digest: bytes32('model') }
    const hex = toHex(model.digest)

    for (const text of ['demo', `demo@${hex}`, `demo@${hex.slice(0, 12)}`, `@${hex.slice(0, 12)}`, `demo@${hex.toUpperCase()}`]) {
      expect(modelRefMatches(parseModelRef(text), model)).to.equal(true, text)
    }
    for (const text of ['other', `other@${hex}`, `@${toHex(bytes32('x'))}`]) {
      expect(modelRefMatches(parseModelRef(text), model)).to.equal(false, text)
    }
    for (const text of ['', '@', 'demo@', `demo@${hex.slice(0, 11)}`, `demo@${hex}0`, 'a b', '-x', 'demo@zzzzzzzzzzzz', `${'a'.repeat(129)}`]) {
      expect(() => parseModelRef(text), text).to.throw().with.property('code', 'model_unknown')
    }
  })

  it('spreads DHT keys by network, model, hour and bucket', () => {
    const a = devnetPreset(bytes32('a'))
    const b = devnetPreset(bytes32('b'))
    const keys = [modelKey(a, bytes32('m'), 1, 0), modelKey(a, bytes32('n'), 1, 0), modelKey(a, bytes32('m'), 2, 0), modelKey(a, bytes32('m'), 1, 1), modelKey(b, bytes32('m'), 1, 0), catalogueKey(a, 1, 0), catalogueKey(b, 1, 0)].map(toHex)
    expect(new Set(keys).size).to.equal(keys.length)
    expect(bucketOf(bytes32('peer'), 1)).to.equal(0)
    expect(bucketOf(bytes32('peer'), 16)).to.equal(createHash('sha256').update(bytes32('peer')).digest().readUInt32BE(0) % 16)
  })

  it('takes basechain accounts only', () => {
    const account = bytes32('account')
    expect(toHex(accountFromText(accountToText(account)))).to.equal(toHex(account))
    expect(() => accountFromText(`-1:${toHex(account)}`)).to.throw().with.property('code', 'usage')
    expect(() => accountFromText('nonsense')).to.throw().with.property('code', 'usage')
  })
})

describe('errors', () => {
  it('say what happened, what to do and how HTTP answers', () => {
    for (const [code, spec] of Object.entries(ERRORS)) {
      expect(code).to.match(/^[a-z][a-z0-9_]{2,63}$/)
      expect(spec.meaning).to.match(/^\S.*\.$/, code)
      expect(spec.remedy).to.match(/^\S.*\.$/, code)
      expect(spec.httpStatus).to.be.within(400, 599)
      expect(isErrorCode(code)).to.equal(true)
    }
  })

  it('do not take names of Object.prototype for codes', () => {
    for (const name of ['toString', 'constructor', '__proto__', '', null, 1]) {
      expect(isErrorCode(name)).to.equal(false)
    }
  })

  it('cross the wire as a bounded code', () => {
    const refusal = toRefusal(new CocoonError('no_room', 'text that stays here', { retryAfterMs: 1e12 }))
    expect(refusal).to.deep.equal({ code: 'no_room', retryAfterMs: 86_400_000 })
    expect(fromRefusal(refusal)).to.have.property('code', 'no_room')
    expect(fromRefusal({ code: 'toString', retryAfterMs: 0 })).to.have.property('code', 'internal')
    expect(toRefusal(new CocoonError('no_room', undefined, { retryAfterMs: -5 })).retryAfterMs).to.equal(0)
    expect(toRefusal(new Error('secret'))).to.deep.equal({ code: 'internal', retryAfterMs: 0 })
    expect(asCocoonError(new DOMException('late', 'TimeoutError'))).to.have.property('code', 'timeout')
    expect(asCocoonError(new Error('other'), 'chain_unavailable')).to.include({ code: 'chain_unavailable', message: 'other' })
    expect(asCocoonError('a text')).to.include({ code: 'internal', message: 'a text' })
  })

  it('keep their cause, and have none when none was given', () => {
    const cause = new Error('cause')
    expect(new CocoonError('internal', undefined, { cause }).cause).to.equal(cause)
    expect(Object.hasOwn(new CocoonError('internal'), 'cause')).to.equal(false)
    const known = new CocoonError('no_room')
    expect(asCocoonError(known)).to.equal(known)
  })
})

describe('limits', () => {
  it('are positive whole numbers and frozen', () => {
    expect(Object.isFrozen(LIMITS)).to.equal(true)
    for (const [name, value] of Object.entries(LIMITS)) {
      expect(Number.isSafeInteger(value) && value > 0, name).to.equal(true)
    }
  })
})
