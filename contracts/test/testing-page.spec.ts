import { readFile } from 'node:fs/promises'
import { expect } from 'aegir/chai'

const ROOT = new URL('../', import.meta.url)

describe('TESTING.md', () => {
  it('names only tests that there are', async () => {
    const page = await readFile(new URL('TESTING.md', ROOT), 'utf8')
    const named = [...page.matchAll(/\[([^\]]+)\]\((test\/[^)]+\.spec\.ts)\)/g)]
    expect(named.length > 100).to.equal(true)
    for (const [, name, file] of named) {
      const source = await readFile(new URL(file, ROOT), 'utf8')
      expect(source.includes(`it('${name.replaceAll("'", "\\'")}'`), `${file}: ${name}`).to.equal(true)
    }
  })

  it('has a row for each guarantee of the README', async () => {
    const readme = await readFile(new URL('README.md', ROOT), 'utf8')
    const page = await readFile(new URL('TESTING.md', ROOT), 'utf8')
    for (const [, number] of readme.matchAll(/^(\d+)\. /gm)) {
      expect(page.includes(`\n| ${number} | [`), number).to.equal(true)
    }
  })
})
