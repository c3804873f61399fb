import { toHex, utf8 } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { decodeText } from '../src/material/decode-text.ts'
import { memberText } from '../src/material/member-text.ts'
import { chainFileFault, isMaterial, readMaterial } from '../src/material/read-material.ts'

const SIGNATURE = '00'.repeat(64)

describe('text that stands for bytes', () => {
  const bytes = Uint8Array.of(0, 1, 0xfb, 0xff, 0x10)

  it('hex in any case, with or without 0x, blanks, colons and quotation marks', () => {
    for (const text of ['0001fbff10', '0001FBFF10', '0x0001fbff10', ' 00 01\r\nfb\tff 10\n', '00:01:fb:ff:10', '"0001fbff10"']) {
      expect(decodeText(utf8(text)), text).to.deep.equal(bytes)
    }
  })

  it('base64 of either alphabet, padded or not, in lines', () => {
    for (const text of ['AAH7/xA=', 'AAH7/xA', 'AAH7_xA', 'AAH7\n/xA=\n', '-----BEGIN TDX QUOTE-----\nAAH7\n/xA=\n-----END TDX QUOTE-----\n']) {
      expect(decodeText(utf8(text)), text).to.deep.equal(bytes)
    }
  })

  it('nothing else', () => {
    for (const text of ['', ' \n', 'AAH7/', '!', 'AAH7/xA=!', '=', '{"a":1}', '-----BEGIN QUOTE-----\n-----END QUOTE-----', '-----AAH7/xA=-----']) {
      expect(decodeText(utf8(text)), text).to.equal(null)
    }
    expect(toHex(decodeText(utf8('abc')) ?? bytes)).to.equal('69b7')
  })
})

describe('a member as it was signed', () => {
  it('is found with every blank, whatever lies in it and beside it', () => {
    const values = ['{"a" : [1,{"b":"}"}] }', '[1, "]", 2]', '"a \\" , } text"', '-1.5e3', 'true', 'null', '{}', '"\\\\"']
    for (const value of values) {
      for (const json of [`{"x":${value}}`, `{ "x" : ${value} }`, `{"a":{"x":1},"x":${value},"b":2}`, `{"a":"x","x":${value}}`, `{"a":["x",{"x":2}], "x":${value} , "y":"x"}`]) {
        JSON.parse(json)
        expect(memberText(json, 'x'), json).to.equal(value)
      }
    }
  })

  it('is null where the top level has none', () => {
    for (const json of ['{}', '{"a":1}', '{"a":{"x":1}}', '{"a":"x"}', '["x",1]', '{"xx":1}', '5']) {
      expect(memberText(json, 'x'), json).to.equal(null)
    }
  })

  it('the first of two is taken, so that a signature over the other fails', () => {
    expect(memberText('{"x":1,"x":2}', 'x')).to.equal('1')
  })
})

describe('files of collateral', () => {
  const answer = (key: string, signature: unknown = SIGNATURE): Uint8Array => utf8(`{"${key}":{"a": 1},"signature":${JSON.stringify(signature)}}`)

  it('reads what the service answers, verbatim', () => {
    const { tcbInfos, qeIdentities, faults, given } = readMaterial({ collateral: [answer('tcbInfo'), answer('enclaveIdentity')] })
    expect([tcbInfos, qeIdentities].map(list => list.map(({ text }) => text))).to.deep.equal([['{"a": 1}'], ['{"a": 1}']])
    expect([faults, given]).to.deep.equal([[], true])
    expect(readMaterial({})).to.deep.include({ faults: [], given: false })
  })

  it('a signature is 64 bytes in hex', () => {
    for (const signature of ['00'.repeat(63), '00'.repeat(65), 'zz'.repeat(64), '', 5, null]) {
      const { tcbInfos, faults } = readMaterial({ collateral: [answer('tcbInfo', signature)] })
      expect(tcbInfos).to.deep.equal([])
      expect(faults.map(({ part }) => part)).to.deep.equal(['tcb'])
    }
  })

  it('takes eight of each kind, 64 files, and files of 256 KiB', () => {
    const infos = Array.from({ length: 9 }, () => answer('tcbInfo'))
    expect(readMaterial({ collateral: infos.slice(1) }).faults).to.deep.equal([])
    expect(readMaterial({ collateral: infos }).faults).to.have.lengthOf(1)
    const padded = (bytes: number): Uint8Array => utf8(new TextDecoder().decode(answer('tcbInfo')).padEnd(bytes))
    expect([262_144, 262_145].map(bytes => isMaterial(padded(bytes)))).to.deep.equal([true, false])
    const files = (count: number): Uint8Array[] => Array.from({ length: count }, () => utf8('{"tcb_info":1}'))
    const fileFaults = (count: number): number => readMaterial({ collateral: files(count) }).faults.filter(({ message }) => message.includes('too many files')).length
    expect([64, 65].map(fileFaults)).to.deep.equal([0, 2])
    const long = (chars: number): Uint8Array => utf8(`{"tcbInfo":"${'a'.repeat(chars - 2)}","signature":"${SIGNATURE}"}`)
    expect([131_072, 131_073].map(chars => readMaterial({ collateral: [long(chars)] }).faults.length)).to.deep.equal([0, 1])
  })

  it('says whose base a fault takes away', () => {
    const garbage = utf8('garbage')
    expect(readMaterial({ collateral: [garbage] }).faults.map(({ part }) => part)).to.deep.equal(['revocation', 'tcb'])
    const { faults } = readMaterial({ chain: [garbage] })
    expect(faults.map(({ part }) => part)).to.deep.equal(['chain'])
    expect(chainFileFault(readMaterial({ chain: [garbage] }))).to.include('the chain cannot be used')
    expect(chainFileFault(readMaterial({ collateral: [garbage] }))).to.equal(null)
    expect(readMaterial({ collateral: [utf8('{"tcb_info":1}')] }).faults.map(({ part }) => part)).to.deep.equal(['revocation', 'revocation', 'tcb', 'tcb'])
  })

  it('counts the certificates of an issuer chain before it parses them', () => {
    const block = '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n'
    const messageOf = (blocks: number): string => readMaterial({ collateral: [utf8(JSON.stringify({ tcb_info: '{}', tcb_info_issuer_chain: block.repeat(blocks) }))] }).faults.filter(({ message }) => message.startsWith('tcb_info')).map(({ message }) => message).join()
    expect(messageOf(4)).to.include('a certificate cannot be parsed')
    expect(messageOf(5)).to.not.include('a certificate cannot be parsed')
  })

  it('knows what is none', () => {
    for (const text of ['', '{', '{}', '[]', 'null', '{"a":1}', '0x30', '30', 'MII', '3082']) {
      expect(isMaterial(utf8(text)), text).to.be.false()
    }
  })
})
