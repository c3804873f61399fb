import { readFile } from 'node:fs/promises'
import { expect } from 'aegir/chai'
import { CONTRACTS, compileContract, renderCompiled } from './compile.ts'

describe('compiled contracts', () => {
  it('are what the sources compile to', async function () {
    this.timeout(30_000)
    for (const name of CONTRACTS) {
      const committed = await readFile(new URL(`../src/compiled/${name}.ts`, import.meta.url), 'utf8')
      expect(committed, name).to.equal(renderCompiled(await compileContract(name)))
    }
  })
})
