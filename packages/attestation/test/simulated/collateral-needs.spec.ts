import { createSnpTestPlatform, createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { utf8 } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { collateralNeeds, intelCollateral } from '../../src/index.ts'
import type { CollateralNeeds, IntelAnswers } from '../../src/index.ts'

const atMs = Date.UTC(2026, 5, 1)
const seed = new Uint8Array(32).fill(2)
const reportData = new Uint8Array(64)

describe('what evidence needs to be verified', () => {
  it('is Intel\'s collateral for the platform of a quote, the same for all machines of its kind', () => {
    const needs = [0, 1].map(machine => collateralNeeds(createTdxTestPlatform({ seed, atMs, machine }).quote(reportData)))
    expect(needs[0]).to.deep.include({ vendor: 'intel', tee: 'tdx', ca: 'platform' })
    expect(needs[0]).to.deep.equal(needs[1])
  })

  it('is AMD\'s key for a chip and its TCB, or the issuers of a cloud\'s key', () => {
    const of = (product: 'Milan' | 'Genoa' | 'Turin', kind: 'vcek' | 'vlek' = 'vcek'): CollateralNeeds | null => {
      return collateralNeeds(createSnpTestPlatform({ seed, atMs, product, kind }).report(reportData))
    }
    for (const [product, chipBytes] of [['Milan', 64], ['Genoa', 64], ['Turin', 8]] as const) {
      const needs = of(product)
      expect(needs).to.include({ vendor: 'amd', product, key: 'vcek', chipId: '51'.repeat(chipBytes) })
      expect(needs?.subject).to.include(`amd/vcek/${product}/${'51'.repeat(chipBytes)}/`)
    }
    expect(of('Milan', 'vlek')).to.include({ vendor: 'amd', key: 'vlek', subject: 'amd/vlek/Milan' })
  })

  it('cannot be told of reports that hide their chip, or do not name a product or key', () => {
    const platform = createSnpTestPlatform({ seed, atMs })
    const hidden = new Uint8Array(64)
    for (const change of [{ chipId: hidden }, { version: 2 }, { family: 0x18 }, { keyInfo: 8 }]) {
      expect(collateralNeeds(platform.report(reportData, change)), Object.keys(change)[0]).to.equal(null)
    }
    expect(collateralNeeds(platform.report(reportData, { keyInfo: 4, chipId: hidden }))).to.include({ key: 'vlek' })
    expect(collateralNeeds(utf8('no evidence'))).to.equal(null)
  })

  it('keeps the texts that Intel signed as they stand, and takes no other answers', () => {
    const answers: IntelAnswers = {
      tcbInfo: '{"tcbInfo": {"b":1,  "a":2},"signature":"ab"}',
      tcbInfoChain: 'c1',
      qeIdentity: '{"enclaveIdentity":{"x":[1, 2]},"signature":"cd"}',
      qeIdentityChain: 'c2',
      pckCrl: Uint8Array.of(1),
      pckCrlChain: 'c3',
      rootCrl: Uint8Array.of(2)
    }
    expect(JSON.parse(new TextDecoder().decode(intelCollateral(answers) as Uint8Array))).to.include({
      tcb_info: '{"b":1,  "a":2}', tcb_info_signature: 'ab', qe_identity: '{"x":[1, 2]}', qe_identity_signature: 'cd', root_ca_crl: '02', pck_crl: '01'
    })
    for (const bad of ['', 'null', '[]', '{}', '{"tcbInfo":{}}', '{"tcbInfo":{},"signature":1}', '{"other":{},"signature":"ab"}']) {
      expect(intelCollateral({ ...answers, tcbInfo: bad }), bad).to.equal(null)
      expect(intelCollateral({ ...answers, qeIdentity: bad }), bad).to.equal(null)
    }
  })
})
