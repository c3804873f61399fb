import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { changePassphrase, loadKey } from '@cocoon-net/settlement'
import { expect } from 'aegir/chai'
import { createSandbox, jsonOf } from './fixtures/run-command.ts'
import type { Outcome, Sandbox } from './fixtures/run-command.ts'
import type { CliContext } from '../src/context.ts'

const SEED = '0123456789abcdef'.repeat(4)
const GENESIS = 'aa'.repeat(32)
// The words of no wallet that holds anything: made for this test.
const WORDS = 'hospital stove relief fringe tongue always charge angry urge sentence again match nerve inquiry senior coconut label tumble carry category beauty bean road solution'

describe('wallet keys', function () {
  // the first command loads the chain's libraries, and a passphrase is slow on purpose
  this.timeout(20_000)
  let sandbox: Sandbox
  beforeEach(async () => { sandbox = await createSandbox() })
  afterEach(async () => { await sandbox.remove() })

  const cocoon = async (argv: string[], overrides: Partial<CliContext> = {}): Promise<Outcome> =>
    sandbox.command(argv, { ...overrides, env: { COCOON_DEVNET_GENESIS: GENESIS, ...overrides.env } })
  const inputOf = (text: string): Partial<CliContext> => ({ input: (async function * () { yield text })() })
  const keyFile = (name: string): string => join(sandbox.home, 'keys', `${name}.key`)

  it('makes two keys that only the owner can read, once', async () => {
    const made = await cocoon(['wallet', 'create', '--json'])
    expect([made.code, made.err]).to.deep.equal([0, ''])
    expect(jsonOf(made)).to.deep.include({ network: 'devnet', version: 'v4r2', protected: false })
    for (const name of ['wallet', 'voucher']) {
      expect((await stat(keyFile(name))).mode & 0o777).to.equal(0o600)
      expect(made.out).to.not.include((await readFile(keyFile(name), 'utf8')).trim())
    }
    const again = await cocoon(['wallet', 'create'])
    expect([again.code, again.out]).to.deep.equal([1, ''])
    expect(again.err).to.match(/^key_exists: /)
    const address = await cocoon(['wallet', 'address', '--json'])
    expect(jsonOf(address).wallet).to.equal(jsonOf(made).wallet)
  })

  it('takes a seed from standard input and gives it back only when told to', async () => {
    const imported = await cocoon(['wallet', 'import', '--json'], inputOf(`${SEED}\n`))
    expect(imported.code).to.equal(0)
    expect(imported.out + imported.err).to.not.include(SEED)
    expect((await cocoon(['wallet', 'import'], inputOf(SEED))).err).to.match(/^key_exists: /)

    const refused = await cocoon(['wallet', 'export'])
    expect([refused.code, refused.out]).to.deep.equal([2, ''])
    expect((await cocoon(['wallet', 'export', '--yes'])).out).to.equal(`${SEED}\n`)

    const file = join(sandbox.home, 'backup')
    const written = await cocoon(['wallet', 'export', '--out', file])
    expect(written.code).to.equal(0)
    expect(written.out + written.err).to.not.include(SEED)
    expect([await readFile(file, 'utf8'), (await stat(file)).mode & 0o777]).to.deep.equal([`${SEED}\n`, 0o600])
    await writeFile(file, 'mine')
    expect((await cocoon(['wallet', 'export', '--out', file])).err).to.match(/^file_unusable: .*there already/)
    expect(await readFile(file, 'utf8')).to.equal('mine')
  })

  it('asks at a terminal, hides what is typed, and takes only yes', async () => {
    const asked: Array<[string, boolean]> = []
    const ask = (answer: string): Partial<CliContext> => ({
      ask: async (question, { isSecret }) => {
        asked.push([question, isSecret])
        return answer
      }
    })
    expect((await cocoon(['wallet', 'import'], ask(SEED))).code).to.equal(0)
    const no = await cocoon(['wallet', 'export'], ask('y'))
    expect([no.code, no.out]).to.deep.equal([1, ''])
    expect((await cocoon(['wallet', 'export'], ask('yes'))).out).to.equal(`${SEED}\n`)
    expect(asked.map(([, isSecret]) => isSecret)).to.deep.equal([true, false, false])
  })

  it('takes a mnemonic on public networks, none on a devnet, and repeats none of it', async () => {
    for (const [argv, words] of [[['wallet', 'import'], WORDS], [['wallet', 'import', '--network', 'mainnet'], 'hospital stove relief'], [['wallet', 'import', '--network', 'mainnet'], 'x'.repeat(5_000)]] as const) {
      const { code, out, err } = await cocoon([...argv], inputOf(words))
      expect([code, out]).to.deep.equal([2, ''])
      expect(err).to.match(/^(config_invalid|usage): /)
      expect(err).to.not.match(/hospital|stove|xxxx/)
    }
    await expect(stat(keyFile('wallet'))).to.eventually.be.rejected()
  })

  it('protects the key, and says when the passphrase is missing or wrong', async () => {
    await cocoon(['wallet', 'import'], inputOf(SEED))
    expect((await cocoon(['wallet', 'protect'])).err).to.match(/^usage: Set COCOON_NEW_PASSPHRASE/)
    expect((await cocoon(['wallet', 'protect', '--json'], { env: { COCOON_NEW_PASSPHRASE: 'open sesame' } })).code).to.equal(0)
    expect(await readFile(keyFile('wallet'), 'utf8')).to.not.include(SEED)
    for (const env of [{}, { COCOON_PASSPHRASE: 'open says me' }]) {
      const { code, err } = await cocoon(['wallet', 'export', '--yes'], { env })
      expect(code).to.equal(1)
      expect(err).to.match(/^key_locked: /).and.not.include('open says me')
    }
    expect((await cocoon(['wallet', 'export', '--yes'], { env: { COCOON_PASSPHRASE: 'open sesame' } })).out).to.equal(`${SEED}\n`)
    await cocoon(['wallet', 'protect'], { env: { COCOON_PASSPHRASE: 'open sesame', COCOON_NEW_PASSPHRASE: '' } })
    expect((await cocoon(['wallet', 'export', '--yes'])).out).to.equal(`${SEED}\n`)
  })

  it('protects every key of the home, also where a run was cut short, and makes none in the clear beside them', async () => {
    const [old, next] = ['open sesame', 'another one']
    await cocoon(['wallet', 'create'])
    await cocoon(['wallet', 'protect'], { env: { COCOON_NEW_PASSPHRASE: old } })
    expect(jsonOf(await cocoon(['stake', 'receipt-key', '--json'])).error.code).to.equal('key_locked')
    await expect(stat(keyFile('receipt'))).to.eventually.be.rejected()
    // the wallet's key was changed, then the machine went down
    await changePassphrase(keyFile('wallet'), { passphrase: old }, { passphrase: next })
    const env = { COCOON_PASSPHRASE: old, COCOON_NEW_PASSPHRASE: next }
    expect(jsonOf(await cocoon(['wallet', 'protect', '--json'], { env })).files).to.deep.equal([keyFile('wallet'), keyFile('voucher')])
    for (const name of ['wallet', 'voucher']) {
      await expect(loadKey(keyFile(name), {})).to.eventually.be.rejected.with.property('code', 'key_locked')
      expect((await loadKey(keyFile(name), { passphrase: next })).byteLength).to.equal(32)
    }
    await changePassphrase(keyFile('voucher'), { passphrase: next }, { passphrase: 'a third' })
    const stuck = jsonOf(await cocoon(['wallet', 'protect', '--json'], { env: { COCOON_PASSPHRASE: next, COCOON_NEW_PASSPHRASE: old } }))
    expect([stuck.error.code, (await loadKey(keyFile('wallet'), { passphrase: next })).byteLength]).to.deep.equal(['key_locked', 32])
  }).timeout(60_000)

  it('has an address of its own on each network', async () => {
    await cocoon(['wallet', 'import'], inputOf(SEED))
    const addresses = await Promise.all([['--network', 'devnet'], ['--network', 'testnet'], ['--network', 'mainnet']].map(async argv => jsonOf(await cocoon(['wallet', 'address', '--json', ...argv]))))
    // The public networks share the wallet id; the devnet's is its own, so that nothing replays.
    expect(addresses[0].wallet).to.not.equal(addresses[1].wallet)
    expect(addresses[1].wallet).to.equal(addresses[2].wallet)
    expect(addresses.map(({ address }) => address.slice(0, 2))).to.deep.equal(['0Q', '0Q', 'UQ'])
    const { code, err } = await cocoon(['wallet', 'send', addresses[1].address, '1', '--network', 'mainnet'])
    expect([code, err.split(':')[0]]).to.deep.equal([2, 'usage'])
  })

  it('says what to do in a home without a wallet', async () => {
    for (const argv of [['wallet', 'address'], ['wallet', 'export', '--yes'], ['wallet', 'send', `0:${'ab'.repeat(32)}`, '1'], ['vault', 'deposit', '1']]) {
      const { code, err } = await cocoon([...argv], { env: { COCOON_CHAIN_URL: 'http://127.0.0.1:1/' } })
      expect(code, argv.join(' ')).to.equal(2)
      expect(err).to.match(/^file_unusable: .*cocoon wallet create/)
    }
    const { code, err } = await cocoon(['wallet', 'send', `0:${'00'.repeat(32)}`, '1'])
    expect([code, err.includes('nobody')]).to.deep.equal([2, true])
    const missing = await sandbox.command(['wallet', 'create'])
    expect(missing.err).to.match(/^config_invalid: devnetGenesis is not set/)
  })
})
