import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { providerStakeAddress } from '@cocoon-net/contracts'
import { accountFromAddress, accountToText, buildDelegationCell, cellToBytes, delegationHash, devnetPreset, toHex } from '@cocoon-net/protocol'
import { ed25519Signer } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { openStakeFile } from '../src/stake-file.ts'

const id = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const network = devnetPreset(id(9))
const ownerKey = ed25519Signer(id(1))
const owner = id(2)
const stake = accountFromAddress(providerStakeAddress({ account: owner, ownerKey: ownerKey.publicKey }, { networkId: network.networkId, ...network.stake }))

function fileOf (notAfter: bigint): Record<string, string> {
  const delegation = { networkId: network.networkId, stake, receiptKey: id(3), notAfter }
  return {
    network: 'devnet',
    owner: accountToText(owner),
    ownerKey: toHex(ownerKey.publicKey),
    delegation: toHex(cellToBytes(buildDelegationCell(delegation))),
    signature: toHex(ownerKey.sign(delegationHash(delegation)))
  }
}

describe('stake-file', () => {
  let folder: string
  let path: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cocoon-'))
    path = join(folder, 'stake.json')
  })
  afterEach(async () => rm(folder, { recursive: true, force: true }))

  const write = async (value: unknown): Promise<void> => writeFile(path, typeof value === 'string' ? value : JSON.stringify(value))
  const refusal = async (value: unknown, on = network): Promise<string> => {
    await write(value)
    return openStakeFile(path, on).then(() => 'opened', (error: { code: string, message: string }) => `${error.code} ${error.message.slice(path.length + 1)}`)
  }

  it('names the stake, and shows the delegation that stands in it now', async () => {
    await write(fileOf(5n))
    const opened = await openStakeFile(path, network)
    expect(opened.account).to.deep.equal(stake)
    expect(toHex((await opened.delegation()).signature)).to.equal(fileOf(5n).signature)
    await write(fileOf(6n))
    expect(toHex((await opened.delegation()).signature)).to.equal(fileOf(6n).signature)
    await write('')
    await expect(opened.delegation()).to.eventually.be.rejected().with.property('code', 'file_unusable')
  })

  it('refuses what the stake\'s owner did not write', async () => {
    const good = fileOf(5n)
    expect(await refusal(good)).to.equal('opened')
    for (const key of ['owner', 'ownerKey', 'delegation', 'signature']) {
      expect(await refusal({ ...good, [key]: undefined }), key).to.equal('file_unusable is not what `cocoon stake delegate --json` writes')
    }
    expect(await refusal({ ...good, padding: 'x'.repeat(20_000) })).to.equal('file_unusable is not what `cocoon stake delegate --json` writes')
    expect(await refusal({ ...good, signature: fileOf(6n).signature })).to.equal('file_unusable is not signed by the stake\'s owner key')
    const another = /^file_unusable is for the stake 0:[0-9a-f]{64}, and on this network its owner's is 0:/
    expect(await refusal({ ...good, owner: accountToText(id(8)) })).to.match(another)
    expect(await refusal({ ...good, ownerKey: toHex(id(8)) })).to.match(another)
    expect(await refusal(good, devnetPreset(id(10)))).to.match(another)
    await rm(path)
    await expect(openStakeFile(path, network)).to.eventually.be.rejected().with.property('code', 'file_unusable')
  })
})
