import { CLIENT_VAULT_CODE_HASH, PROVIDER_STAKE_CODE_HASH } from '@cocoon-net/contracts'
import { accountFromText, devnetText } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { TON, createWorld } from '../devnet/world.ts'
import { booksOf } from './history.ts'
import { createCommandHome } from './home.ts'
import type { CommandHome } from './home.ts'
import type { World } from '../devnet/world.ts'

const DELAY_SECONDS = 60
const ONE = '11'.repeat(32)
const TWO = '22'.repeat(32)

describe('registry commands on a devnet', function () {
  this.timeout(60_000)
  let world: World
  let governor: CommandHome
  let stranger: CommandHome
  let aheadMs = 0
  const nowMs = (): number => Date.now() + aheadMs
  let governorWallet = ''
  let strangerWallet = ''
  let registry = ''
  let name = ''

  before(async () => {
    world = await createWorld({ now: nowMs })
    governor = await createCommandHome(world.devnet, nowMs)
    stranger = await createCommandHome(world.devnet, nowMs)
    governorWallet = (await governor.json('wallet create')).wallet
    strangerWallet = (await stranger.json('wallet create')).wallet
    await Promise.all([governorWallet, strangerWallet].map(async wallet => world.devnet.faucet(wallet, 10n * TON)))
  })

  after(async () => {
    await Promise.all([governor, stranger].map(async home => home.remove()))
    await world.close()
  })

  /** Of the network that is named after the registry. */
  const named = (line: string): string => `${line} --devnet-genesis ${name}`
  const show = async (): Promise<any> => governor.json(named('registry show'))
  const refusal = async (home: CommandHome, line: string, code = 1): Promise<string> => {
    const { out, err, ...outcome } = await home.command(named(line))
    expect([outcome.code, out], line).to.deep.equal([code, ''])
    return err
  }

  /** Shows it, sends it, and holds the two against each other and against the chain's own history. */
  const dryThenSent = async (home: CommandHome, line: string): Promise<any> => {
    const { wallet } = await home.json('wallet address')
    const before = world.devnet.snapshot()
    const dry = await home.json(named(line))
    expect([dry.sent, world.devnet.snapshot()], `${line} sends nothing by itself`).to.deep.equal([false, before])
    const held = await booksOf(world.client, wallet)
    const real = await home.json(named(`${line} --send`))
    const books = await booksOf(world.client, wallet)
    expect(real.sent).to.equal(true)
    expect(books.sent.slice(held.sent.length).map(({ to, valueNano, body }) => ({ to, valueNano, body })), line)
      .to.deep.equal(dry.messages.map(({ to, valueNano, body }: any) => ({ to, valueNano, body })))
    const spentNano = held.nano - books.nano
    const saidNano = dry.messages.reduce((sum: bigint, { movesNano, costAtMostNano }: any) => sum + BigInt(movesNano) + BigInt(costAtMostNano), 0n)
    expect(spentNano > 0n && spentNano <= saidNano, `${line} costs ${spentNano} of at most ${saidNano}`).to.equal(true)
    return dry
  }

  it('says what there is on a network without a registry', async () => {
    expect(await governor.json('registry')).to.deep.equal({ network: 'devnet', registry: null, deployed: false })
    expect((await governor.command('registry')).out).to.include('made without a registry: each client decides by its own policy')
    expect((await governor.command('registry show --network mainnet --chain-url http://127.0.0.1:9/')).out).to.include('No registry is deployed on mainnet yet')
    expect((await governor.command('registry show --network testnet --chain-url http://127.0.0.1:9/')).out).to.include('No registry is deployed on testnet yet')
    expect((await governor.command(`registry remove model ${ONE}`)).err).to.match(/^registry_missing: /)
  })

  it('deploys one with all that it begins with', async () => {
    const line = `registry deploy --delay ${DELAY_SECONDS} --entry measurement:${ONE} --bound most-fee-bps:100 --bound least-stake-nano:1.5`
    name = devnetText(world.devnet.genesis, null)
    const { messages: [message] } = await dryThenSent(governor, line)
    registry = message.to
    name = devnetText(world.devnet.genesis, accountFromText(registry))
    expect(await show()).to.deep.equal({
      network: 'devnet',
      registry,
      deployed: true,
      version: 0,
      governor: governorWallet,
      delaySeconds: DELAY_SECONDS,
      allowed: { vaultCode: [CLIENT_VAULT_CODE_HASH], stakeCode: [PROVIDER_STAKE_CODE_HASH], measurement: [ONE], model: [] },
      numbers: { leastStakeNano: '1500000000', mostFeeBps: '100' },
      coming: [],
      vaultFaults: [],
      stakeFaults: []
    })
    expect(await governor.json(`registry show --registry ${registry}`), 'before any network is named after it').to.deep.include({ registry, governor: governorWallet })
    expect((await governor.command(named('registry'))).out).to.match(/most-fee-bps +100\b/).and.include('1.5 TON').and.include('the code of this software').and.include('Nothing is coming')
  })

  it('waits 21 days elsewhere than on a devnet', async () => {
    const { code, err } = await governor.command(`registry deploy --delay 60 --network testnet --chain-url ${world.devnet.endpoint}`)
    expect([code, err]).to.deep.equal([2, err]).and.satisfy(([, text]: [number, string]) => text.includes('1814400 s, longer than stakes unbond'))
  })

  it('shows what is coming, and lets it act at its time and not before, for anyone', async () => {
    await dryThenSent(governor, `registry propose measurement ${TWO}`)
    const { coming: [change], allowed } = await show()
    expect(change).to.deep.include({ what: 'measurement', value: TWO, isReady: false })
    expect(Math.abs(Date.parse(change.readyAt) - nowMs() - DELAY_SECONDS * 1_000)).to.be.lessThan(15_000)
    expect(allowed.measurement).to.deep.equal([ONE])
    expect((await governor.command(named('registry'))).out).to.include('does not act before')
    expect(await refusal(stranger, `registry list measurement ${TWO} --send`)).to.match(/^registry_not_ready: .* not before/)
    aheadMs += DELAY_SECONDS * 1_000 + 2_000
    expect((await show()).coming[0].isReady).to.equal(true)
    await dryThenSent(stranger, `registry list measurement ${TWO}`)
    expect(await show()).to.deep.include({ coming: [], version: 2 }).and.have.nested.property('allowed.measurement').that.deep.equals([ONE, TWO])
  })

  it('removes at once, what is listed and what is coming', async () => {
    await dryThenSent(governor, `registry remove measurement ${ONE}`)
    await dryThenSent(governor, `registry propose model llama@${ONE}`)
    await dryThenSent(governor, `registry remove model ${ONE}`)
    expect(await show()).to.deep.include({ coming: [] }).and.have.nested.property('allowed.measurement').that.deep.equals([TWO])
  })

  it('tightens a bound at once, and loosens it after the delay', async () => {
    await dryThenSent(governor, 'registry tighten most-fee-bps 90')
    expect((await show()).vaultFaults).to.deep.equal(['the fee of 100 basis points is above 90'])
    expect((await governor.command(named('registry'))).out).to.include('NOT ALLOWED: the fee of 100 basis points is above 90')
    await dryThenSent(governor, 'registry loosen most-fee-bps 100')
    await dryThenSent(governor, 'registry cancel most-fee-bps')
    await dryThenSent(governor, 'registry loosen most-fee-bps none')
    expect((await show()).coming[0]).to.deep.include({ what: 'mostFeeBps', value: null })
    expect(await refusal(stranger, 'registry loosen most-fee-bps --send')).to.match(/^registry_not_ready/)
    aheadMs += DELAY_SECONDS * 1_000 + 2_000
    await dryThenSent(stranger, 'registry loosen most-fee-bps')
    expect(await show()).to.deep.include({ numbers: { leastStakeNano: '1500000000' }, vaultFaults: [], coming: [] })
  })

  it('changes its governor after the delay, who must accept', async () => {
    await dryThenSent(governor, `registry governor ${strangerWallet}`)
    await dryThenSent(governor, 'registry governor none')
    await dryThenSent(governor, `registry governor ${strangerWallet}`)
    expect(await refusal(stranger, 'registry governor accept --send')).to.match(/^registry_not_ready/)
    aheadMs += DELAY_SECONDS * 1_000 + 2_000
    expect(await refusal(governor, 'registry governor accept --send')).to.match(/^registry_not_governor/)
    await dryThenSent(stranger, 'registry governor accept')
    expect((await show()).governor).to.equal(strangerWallet)
  })

  it('refuses, before anything is signed, what the contract would refuse', async () => {
    const seqno = world.devnet.snapshot().seqno
    expect(await refusal(governor, `registry remove measurement ${TWO} --send`)).to.match(/^registry_not_governor: The governor is/)
    const lines: Array<[string, number, RegExp]> = [
      [`registry propose measurement ${TWO}`, 2, /is listed already/],
      [`registry remove measurement ${ONE}`, 2, /neither listed nor proposed/],
      [`registry list measurement ${TWO}`, 2, /is listed already/],
      [`registry list measurement ${ONE}`, 1, /^registry_not_ready/],
      ['registry tighten least-stake-nano 1.5', 2, /is not stricter/],
      ['registry loosen least-stake-nano 1.5', 2, /is not looser/],
      ['registry loosen most-fee-bps 5', 2, /is not looser/],
      ['registry loosen least-stake-nano', 1, /^registry_not_ready/],
      ['registry cancel least-stake-nano', 2, /Nothing is proposed/],
      ['registry governor none', 2, /No next governor/],
      ['registry governor accept', 1, /^registry_not_ready/],
      ['registry propose vault 00', 2, /Name a kind: vault-code, stake-code, measurement, model/],
      ['registry propose model 00', 2, /no hash/],
      ['registry tighten fee 1', 2, /Name a number: intel-collateral-floor/],
      ['registry tighten most-fee-bps 1.5', 2, /no whole number/],
      ['registry tighten most-fee-bps 18446744073709551616', 2, /too large/],
      ['registry tighten most-fee-bps', 2, /missing required argument/],
      ['registry tighten most-fee-bps 1 --send --dry-run', 2, /exclude each other/],
      ['registry deploy --entry 00', 2, /written NAME:VALUE/],
      ['registry deploy --delay 0', 2, /whole number of seconds/]
    ]
    for (const [line, code, text] of lines) {
      expect(await refusal(stranger, line, code), line).to.match(text)
    }
    expect(world.devnet.snapshot().seqno).to.equal(seqno)
  })

  it('refuses a contract that is no registry, and an account that holds none', async () => {
    expect(await refusal(stranger, `registry show --registry ${strangerWallet}`)).to.match(/^registry_invalid: .*no registry of this version/)
    expect(await refusal(stranger, `registry show --registry 0:${'77'.repeat(32)}`)).to.match(/^registry_missing/)
  })

  it('is a line of the doctor', async () => {
    const line = async (): Promise<any> => JSON.parse((await stranger.command(named('doctor --json'))).out).checks.find((check: { name: string }) => check.name === 'registry')
    expect(await line()).to.deep.include({ ok: true }).and.have.property('message').that.matches(/1 measurements and 0 models listed, nothing coming/)
    await dryThenSent(stranger, `registry remove vault-code ${CLIENT_VAULT_CODE_HASH}`)
    expect(await line()).to.deep.include({ ok: false, message: `the vault code ${CLIENT_VAULT_CODE_HASH} is not listed` })
  })
})
