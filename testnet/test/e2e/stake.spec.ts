import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { commandsIn } from '../commands/in-process.ts'
import { killEverything, run } from './program.ts'
import { until } from './until.ts'
import type { Program } from './program.ts'
import type { Cheat } from '../../src/network/cheats.ts'

interface Ready { readonly gateway: string, readonly model: string, readonly admin: string, readonly chain: string, readonly genesis: string, readonly providers: ReadonlyArray<{ peerId: string, stakeNano: string }> }

const DEADLINE_MS = 40_000
const TON = 1_000_000_000
const STAKE_TON = 20

/** What the contract takes of a stake of 20 TON. */
const TAKEN_TON: Readonly<Record<Cheat, number>> = { overcharge: 5, 'double-receipt': 20 }

for (const cheat of ['overcharge', 'double-receipt'] as const) {
  describe(`a provider that lies: ${cheat}`, function () {
    this.timeout(150_000)
    let home: string
    let program: Program
    let ready: Ready

    before(async () => {
      home = await mkdtemp(join(tmpdir(), 'cocoon-stake-'))
      program = run('start', ['--json', '--port', '0', '--chain-port', '0', '--cheat', cheat], { home })
      ready = JSON.parse(await program.line(/^\{"ready":true/))
    })

    after(async () => {
      await killEverything(home)
      await rm(home, { recursive: true, force: true })
    })

    const folderOf = (name: string): string => join(home, 'testnet', 'network', name)

    const cocoon = async (line: string, folder: string): Promise<any> =>
      commandsIn({ COCOON_HOME: folder, COCOON_CHAIN_URL: ready.chain, COCOON_DEVNET_GENESIS: ready.genesis, COCOON_ADMIN_PORT: '1' }).json(line)

    const providers = async (): Promise<Array<{ peer_id: string, stake_nano: number, stake_fault?: string }>> => {
      const { data } = await (await fetch(`${ready.gateway}/models`)).json() as { data: any[] }
      return data[0].cocoon.providers
    }

    const buy = async (cocoonOptions: object = {}): Promise<{ status: number, code: string | undefined, provider: string | null }> => {
      const response = await fetch(`${ready.gateway}/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: ready.model, max_tokens: 60, messages: [{ role: 'user', content: 'Tell me a story about a fox.' }], cocoon: cocoonOptions }),
        signal: AbortSignal.timeout(DEADLINE_MS)
      })
      const body = await response.json() as { error?: { code: string } }
      return { status: response.status, code: body.error?.code, provider: response.headers.get('x-cocoon-provider') }
    }

    it('begins with stakes of different size on all providers, and sells to nobody who asks for more', async () => {
      const shown = await until(providers, list => list.length === 3 && list.every(({ stake_fault: fault }) => fault == null), 'stakes')
      expect(shown.map(({ stake_nano: nano }) => nano).sort((a, b) => a - b)).to.deep.equal([10, 15, 20].map(ton => ton * TON))
      // as the README shows it: the provider's home names its network
      expect(await commandsIn({ COCOON_HOME: folderOf('provider-1'), COCOON_ADMIN_PORT: '1' }).json('stake')).to.deep.include({ deployed: true, bondedNano: String(STAKE_TON * TON) })
      expect(await buy({ min_stake_nano: 20 * TON + 1 })).to.deep.include({ status: 503, code: 'stake_too_small' })
    })

    it('is caught at its first job, not used again, and loses its stake to who reports it', async () => {
      const { code } = await until(buy, answer => answer.status !== 200, 'refusal')
      expect(code).to.equal('provider_contradicts')
      const [file] = await until(async () => readdir(join(folderOf('gateway'), 'slash-evidence')), names => names.some(name => name.endsWith('.json')), 'evidence')
      const [second] = (await providers()).filter(({ stake_nano: nano }) => nano === 15 * TON)
      expect(await buy({ min_stake_nano: 15 * TON })).to.deep.equal({ status: 200, code: undefined, provider: second.peer_id })

      const reporter = join(home, 'reporter')
      const { wallet } = await cocoon('wallet create', reporter)
      await fetch(new URL('/devnet/faucet', ready.chain), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ address: wallet, amountNano: String(10 * TON) }) })
      const stake = async (): Promise<[number, boolean]> => {
        const { bondedNano, slashed } = await cocoon('stake status', folderOf('provider-1'))
        return [Number(bondedNano), slashed]
      }
      expect(await stake()).to.deep.equal([STAKE_TON * TON, false])
      await cocoon(`stake report ${join(folderOf('gateway'), 'slash-evidence', file)}`, reporter)
      expect(await stake()).to.deep.equal([(STAKE_TON - TAKEN_TON[cheat]) * TON, cheat === 'double-receipt'])
      const { walletNano } = await cocoon('wallet', reporter)
      const gained = Number(walletNano) - 10 * TON
      // A tenth of what is taken, less the fees of deploying a wallet and sending one message.
      expect(gained).to.be.within(TAKEN_TON[cheat] / 10 * TON - 30_000_000, TAKEN_TON[cheat] / 10 * TON)
    })
  })
}
