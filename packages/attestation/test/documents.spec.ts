import { readFile } from 'node:fs/promises'
import { expect } from 'aegir/chai'

const ROOT = new URL('../', import.meta.url)
const TABLE = '## Attacks, and the tests that play them'

describe('README.md', () => {
  it('names only tests that there are, and at least one for each attack', async () => {
    const page = await readFile(new URL('README.md', ROOT), 'utf8')
    const rows = page.slice(page.indexOf(TABLE)).split('\n').filter(line => /^\| (?!attack|---)/.test(line))
    expect(rows.length > 15).to.equal(true)
    for (const row of rows) {
      const named = [...row.matchAll(/\[([^\]]+)\]\((test[^)]+\.spec\.ts)\)/g)]
      expect(named.length > 0, row).to.equal(true)
      for (const [, name, file] of named) {
        const source = await readFile(new URL(file, ROOT), 'utf8')
        const quoted = name.replaceAll("'", "\\'")
        // Tests that play one attack each are named by the rows of a list.
        expect(source.includes(`it('${quoted}'`) || source.includes(`['${quoted.replace(/^(refuses|policy refuses) /, '')}',`), `${file}: ${name}`).to.equal(true)
      }
    }
  })
})
