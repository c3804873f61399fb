import { readFile } from 'node:fs/promises'
import { expect } from 'aegir/chai'
import { CLIENT_VAULT_ERRORS, CLIENT_VAULT_OPS, PROVIDER_STAKE_ERRORS, PROVIDER_STAKE_OPS, REGISTRY_ERRORS, REGISTRY_OPS } from '../src/index.ts'

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

describe('SPEC.md', () => {
  it('lists every message with its opcode, and no other', async () => {
    const page = await readFile(new URL('SPEC.md', ROOT), 'utf8')
    const listed = [...page.matchAll(/^\| (\w+)(?: \(out\))? \| `([0-9a-f]{8})` \|/gm)].map(([, name, code]) => `${name} ${code}`)
    const known = [CLIENT_VAULT_OPS, PROVIDER_STAKE_OPS, REGISTRY_OPS].flatMap(ops => Object.entries(ops)).map(([name, code]) => `${name[0].toUpperCase()}${name.slice(1)} ${code.toString(16)}`)
    expect(listed).to.have.members(known)
  })

  it('explains every exit code', async () => {
    const page = await readFile(new URL('SPEC.md', ROOT), 'utf8')
    for (const code of [CLIENT_VAULT_ERRORS, PROVIDER_STAKE_ERRORS, REGISTRY_ERRORS].flatMap(errors => Object.values(errors))) {
      expect(new RegExp(`\\b${code}\\b`).test(page), `${code}`).to.equal(true)
    }
  })
})

describe('the wrappers', () => {
  it('know the exit codes of the sources', async () => {
    for (const [name, errors] of [['client-vault', CLIENT_VAULT_ERRORS], ['provider-stake', PROVIDER_STAKE_ERRORS], ['registry', REGISTRY_ERRORS]] as const) {
      const source = await readFile(new URL(`tolk/${name}/errors.tolk`, ROOT), 'utf8')
      const written = [...source.matchAll(/^const ERR_(\w+) = (\w+)$/gm)].map(([, constant, code]) => `${constant.replaceAll('_', '').toLowerCase()} ${Number(code)}`)
      expect(Object.entries(errors).map(([key, code]) => `${key.toLowerCase()} ${code}`)).to.have.members(written)
    }
  })
})
