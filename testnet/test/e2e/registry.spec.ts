import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { commandsIn } from '../commands/in-process.ts'
import { killEverything, run } from './program.ts'
import { until } from './until.ts'
import type { Program } from './program.ts'
import type { Commands } from '../commands/in-process.ts'

interface Ready { readonly gateway: string, readonly model: string, readonly admin: string, readonly chain: string, readonly genesis: string }
interface Answer { readonly status: number, readonly code: string | undefined, readonly message: string, readonly provider: string }
interface Considered { readonly outcome: string, readonly why: string }

/** What is proposed on this network can act so soon. */
const DELAY_SECONDS = 3
const DEADLINE_MS = 40_000
const NEW_MEASUREMENT = 'ab'.repeat(32)

/** The governor of a running network changes its rules, and what runs follows by itself. */
describe('the registry of a local network', function () {
  this.timeout(150_000)
  let home: string
  let program: Program
  let ready: Ready

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'cocoon-rules-'))
    program = run('start', ['--json', '--port', '0', '--chain-port', '0', '--registry-delay', String(DELAY_SECONDS)], { home })
    ready = JSON.parse(await program.line(/^\{"ready":true/))
  })

  after(async () => {
    await killEverything(home)
    await rm(home, { recursive: true, force: true })
  })

  const governor = (): Commands => commandsIn({ COCOON_HOME: join(home, 'testnet', 'network', 'governor') })
  const done = async (line: string): Promise<any> => governor().json(line)

  const buy = async (): Promise<Answer> => {
    const response = await fetch(`${ready.gateway}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: ready.model, max_tokens: 4, messages: [{ role: 'user', content: 'Tell me a story about a fox.' }] }),
      signal: AbortSignal.timeout(DEADLINE_MS)
    })
    const { error } = await response.json() as { error?: { code: string, message: string } }
    return { status: response.status, code: error?.code, message: error?.message ?? '', provider: response.headers.get('x-cocoon-provider') ?? '' }
  }

  const explained = async (): Promise<Considered[]> => {
    const { requests } = await done(`explain --admin-port ${new URL(ready.admin).port}`)
    return requests.at(-1).considered
  }

  it('is deployed with the network, which is named after it, and lists what runs', async () => {
    const shown = await done('registry show')
    expect(ready.genesis.slice(64)).to.equal(shown.registry.slice(2))
    expect(shown).to.deep.include({ deployed: true, version: 0, delaySeconds: DELAY_SECONDS, coming: [], vaultFaults: [], stakeFaults: [] })
    expect(shown.allowed.model).to.deep.equal([ready.model.split('@')[1]])
    expect((await buy()).status).to.equal(200)
    const { data: [model] } = await (await fetch(`${ready.gateway}/models`)).json() as { data: any[] }
    expect(model.cocoon.listed).to.equal(true)
  })

  it('shows a proposal as coming, and lets it act at its time only', async () => {
    await done(`registry propose measurement ${NEW_MEASUREMENT} --send`)
    const { coming, allowed } = await done('registry show')
    expect(coming[0]).to.deep.include({ what: 'measurement', value: NEW_MEASUREMENT })
    expect(allowed.measurement).to.not.include(NEW_MEASUREMENT)
    const listing = await until(async () => governor().command(`registry list measurement ${NEW_MEASUREMENT} --send --json`), ({ code, err }) => {
      expect([0, 1]).to.include(code)
      return code === 0 || !err.includes('registry_not_ready')
    }, 'listing')
    expect(listing.code).to.equal(0)
    expect((await done('registry show')).allowed.measurement).to.include(NEW_MEASUREMENT)
  })

  it('raises the floor of collateral at once: what is below is refused, and why says whose floor it is', async () => {
    await done('registry tighten intel-collateral-floor 19 --send')
    await until(async () => {
      await buy()
      return explained()
    }, considered => considered.some(({ outcome, why }) => outcome === 'evidence_refused' && /is below 19, the floor of the devnet \(registry 0:[0-9a-f]{64}, version \d+\) policy/.test(why)), 'the floor')
  })

  it('takes the guests\' measurements off the list: every provider is refused, and why names the registry', async () => {
    const { allowed, registry } = await done('registry show')
    for (const digest of allowed.measurement) {
      await done(`registry remove measurement ${digest} --send`)
    }
    const refused = await until(buy, ({ status }) => status !== 200, 'refusal')
    expect(refused.status).to.equal(503)
    const considered = await explained()
    expect(considered).to.not.be.empty()
    expect(considered.every(({ outcome }) => outcome === 'evidence_refused'), JSON.stringify(considered)).to.equal(true)
    expect(considered.some(({ why }) => why.includes(`the measurement is not on the allow-list of the devnet (registry ${registry}, version`)), JSON.stringify(considered)).to.equal(true)
  })

  it('takes the vaults\' code off the list: nothing is bought or sold under it', async () => {
    const { allowed: { vaultCode: [code] } } = await done('registry show')
    await done(`registry remove vault-code ${code} --send`)
    const refused = await until(buy, ({ code: why }) => why === 'registry_refused', 'refusal')
    expect(refused.message).to.include(`the vault code ${code} is not listed`)
    expect((await explained()).every(({ outcome }) => outcome === 'registry_refused')).to.equal(true)
    const provider = JSON.parse(await readFile(join(home, 'testnet', 'network', 'provider-1', 'registry.json'), 'utf8'))
    expect(provider.registry).to.equal((await done('registry show')).registry)
  })
})
