import { utf8 } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { readMaterial } from '../../src/material/read-material.ts'
import { fuzzTargets, mutate, probe, randomOf } from './fuzz-parsers.ts'

const SEED = 20_261_121
const RUNS = 150

describe('parsers', () => {
  const targets = fuzzTargets()

  for (const target of targets) {
    it(`${target.name}: takes its seeds, and throws nothing but the package's own error on ${RUNS} mutations`, function () {
      this.timeout(20_000)
      for (const seed of target.seeds) {
        target.run(seed)
      }
      const random = randomOf(SEED)
      for (let i = 0; i < RUNS; i++) {
        expect(probe(target, mutate(target.seeds, random)), `mutation ${i}`).to.equal(null)
      }
    })
  }

  it('finds a parser that breaks its contract', () => {
    const broken = { ...targets[0], run: (data: Uint8Array) => { if (data.byteLength !== targets[0].seeds[0].byteLength) { throw new TypeError('broken') } } }
    const random = randomOf(SEED)
    const finds = Array.from({ length: 100 }, () => probe(broken, mutate(broken.seeds, random))).filter(find => find != null)
    expect(finds).to.not.have.lengthOf(0)
  })

  it('bounds the work of a hostile megabyte before it parses', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
    for (const data of [utf8(pem.repeat(20_000)), utf8('30'.repeat(500_000)), utf8('['.repeat(1_000_000)), new Uint8Array(1_000_000).fill(0x30)]) {
      const { certificates, crls, tcbInfos, qeIdentities, faults } = readMaterial({ collateral: [data], chain: [data] })
      expect([certificates, crls, tcbInfos, qeIdentities].flat()).to.deep.equal([])
      expect(faults).to.have.lengthOf(3)
    }
    const chain = targets.find(({ name }) => name === 'verify SNP, its chain')?.seeds[0] ?? new Uint8Array()
    const many = readMaterial({ chain: Array.from({ length: 80 }, () => chain) })
    expect(many.certificates.length).to.be.at.most(96)
    expect(many.faults.map(({ message }) => message).join()).to.include('too many')
  })
})
