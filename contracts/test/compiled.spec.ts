import { readFile } from 'node:fs/promises'
import { expect } from 'aegir/chai'
import { compileContract, renderCompiled } from './compile.ts'

describe('compiled contracts', () => {
  it('are what the sources compile to', async () => {
    const committed = await readFile(new URL('../src/compiled/client-vault.ts', import.meta.url), 'utf8')
    expect(committed).to.equal(renderCompiled(await compileContract('client-vault')))
  })
})
