import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DEFAULT_MAX_COST_NANO, DEFAULT_WINDOW_NANO, completePrices, defaultMinTier } from '@cocoon-net/cocoon'
import { DEFAULT_ADMIN_PORT, DEFAULT_GATEWAY_PORT } from '@cocoon-net/gateway'
import { CocoonError, MAINNET } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { CONFIG_NAMES, configKey, flagName, tierKeyOf, variableName } from '../src/config-keys.ts'
import { readConfigFile, resolveConfig, writeConfigFile } from '../src/config.ts'
import { createSandbox } from './fixtures/run-command.ts'
import type { Sandbox } from './fixtures/run-command.ts'

describe('config', () => {
  let sandbox: Sandbox
  beforeEach(async () => { sandbox = await createSandbox() })
  afterEach(async () => { await sandbox.remove() })

  async function write (text: string): Promise<void> {
    await mkdir(sandbox.home, { recursive: true })
    await writeFile(join(sandbox.home, 'config.json'), text)
  }

  async function codeOf (promise: Promise<unknown>): Promise<[string, string]> {
    try {
      await promise
    } catch (error) {
      if (error instanceof CocoonError) {
        return [error.code, error.message]
      }
      throw error
    }
    throw new Error('expected a rejection')
  }

  it('takes flags before variables before the file', async () => {
    await write('{"gatewayPort": 1, "adminPort": 2, "prefer": "price", "maxCostNano": 5}')
    const config = await resolveConfig({ home: sandbox.home, env: { COCOON_ADMIN_PORT: '22', COCOON_PREFER: 'latency', COCOON_BOOTSTRAP: '/a, /b' }, flags: { prefer: 'balanced' } })
    expect(config).to.deep.equal({ gatewayPort: 1, adminPort: 22, prefer: 'balanced', maxCostNano: '5', bootstrap: ['/a', '/b'] })
  })

  it('says in its help what stands where nothing is set', () => {
    const { prompt, completion } = completePrices()
    const defaults = {
      gatewayPort: DEFAULT_GATEWAY_PORT, adminPort: DEFAULT_ADMIN_PORT, windowNano: DEFAULT_WINDOW_NANO, maxCostNano: DEFAULT_MAX_COST_NANO, pricePromptNano: prompt, priceCompletionNano: completion
    }
    for (const [name, value] of Object.entries(defaults)) {
      expect(configKey(name as keyof typeof defaults).help, name).to.match(new RegExp(`; default ${value}$`))
    }
    expect(configKey('minTier').help).to.include(`default ${defaultMinTier(MAINNET)}, on a devnet ${defaultMinTier({ kind: 'devnet' })}`)
  })

  it('is empty without a file', async () => {
    expect(await readConfigFile(join(sandbox.home, 'config.json'))).to.deep.equal({})
  })

  it('refuses unknown keys and names the nearest', async () => {
    await write('{"gatewayPrt": 1}')
    expect(await codeOf(resolveConfig({ home: sandbox.home, env: {}, flags: {} }))).to.satisfy(([code, message]: [string, string]) => code === 'config_unknown_key' && message.includes('"gatewayPort"'))
    await write('{"__proto__": {"gatewayPort": 1}}')
    expect((await codeOf(resolveConfig({ home: sandbox.home, env: {}, flags: {} })))[0]).to.equal('config_unknown_key')
  })

  it('refuses values of a wrong type or range, wherever they come from', async () => {
    for (const text of ['{"gatewayPort": 70000}', '{"maxCostNano": 1.5}', '{"maxCostNano": -1}', '{"chainUrl": "file:///x"}', '{"bootstrap": "/a"}', '[]', 'null', '{', '"x"']) {
      await write(text)
      expect((await codeOf(resolveConfig({ home: sandbox.home, env: {}, flags: {} })))[0], text).to.equal('config_invalid')
    }
    await write('{}')
    expect((await codeOf(resolveConfig({ home: sandbox.home, env: { COCOON_MIN_TIER: 'iron' }, flags: {} })))[1]).to.include('COCOON_MIN_TIER')
    expect((await codeOf(resolveConfig({ home: sandbox.home, env: {}, flags: { devnetGenesis: 'zz' } })))[1]).to.include('the command line')
  })

  it('takes keys with a least tier, and parts them at the first colon', async () => {
    await write('{"tierKey": ["silver:sk-12:34567"]}')
    const { tierKey } = await resolveConfig({ home: sandbox.home, env: {}, flags: {} })
    expect(tierKey?.map(tierKeyOf)).to.deep.equal([{ minTier: 'silver', key: 'sk-12:34567' }])
    for (const text of ['iron:sk-1234567', 'silver:short', 'sk-1234567', 'silver:with a space']) {
      expect((await codeOf(resolveConfig({ home: sandbox.home, env: {}, flags: { tierKey: [text] } })))[0], text).to.equal('config_invalid')
    }
  })

  it('writes a file that only its owner can read, and reads it back', async () => {
    const path = join(sandbox.home, 'config.json')
    await writeConfigFile(path, { gatewayPort: 5, bootstrap: ['/x'] })
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
    expect(await readConfigFile(path)).to.deep.equal({ gatewayPort: 5, bootstrap: ['/x'] })
  })

  it('gives every key a flag, a variable and a line of help', () => {
    for (const name of CONFIG_NAMES) {
      expect(flagName(name)).to.match(/^[a-z]+(-[a-z]+)*$/)
      expect(variableName(name)).to.match(/^COCOON_[A-Z]+(_[A-Z]+)*$/)
      expect(configKey(name).help).to.not.equal('')
    }
  })
})
