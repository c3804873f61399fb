import { execFile } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect } from 'aegir/chai'

interface Ended { readonly code: number, readonly err: string }

async function run (script: string, ...args: string[]): Promise<Ended> {
  const path = fileURLToPath(new URL(`../../bench/${script}.ts`, import.meta.url))
  const { COCOON_SHARED, ...env } = process.env
  return new Promise(resolve => {
    execFile(process.execPath, ['--conditions=source', path, ...args], { env, timeout: 50_000 }, (error, _out, err) => {
      resolve({ code: error == null ? 0 : Number(error.code), err })
    })
  })
}

describe('the scripts of bench', function () {
  this.timeout(60_000)

  it('end with 2, say why and show their usage, instead of doing nothing and calling it passed', async () => {
    const ended = await Promise.all([run('fuzz', '--target', 'nothing'), run('flips'), run('flips', '--stride', '0')])
    expect(ended.map(({ code, err }) => [code, ...err.split('\n').slice(0, 2).map(line => line.slice(0, 38))])).to.deep.equal([
      [2, 'there is no target nothing', 'usage: npm run fuzz -w packages/attest'],
      [2, 'which vectors?', 'usage: npm run flips -w packages/attes'],
      [2, '--stride takes a number above zero', 'usage: npm run flips -w packages/attes']
    ])
  })
})
