import { execFileSync } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSnpTestPlatform, createTdxTestPlatform } from '@cocoon-net/attestation-simulated'
import { toHex, utf8 } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { readBounded, readMaterialFiles } from '../src/commands/verify-files.ts'
import { createSandbox, jsonOf } from './fixtures/run-command.ts'
import type { Outcome, Sandbox } from './fixtures/run-command.ts'

const atMs = Date.UTC(2026, 5, 1)
const AT = ['--at', '2026-06-01T00:00:00Z']
const platform = createTdxTestPlatform({ seed: new Uint8Array(32).fill(1), atMs })
const quote = platform.quote(new Uint8Array(64).fill(7))

describe('verify evidence', () => {
  let sandbox: Sandbox
  beforeEach(async () => {
    sandbox = await createSandbox()
    await mkdir(sandbox.home, { recursive: true })
  })
  afterEach(async () => { await sandbox.remove() })

  async function file (name: string, content: Uint8Array | string): Promise<string> {
    const path = join(sandbox.home, name)
    await writeFile(path, content)
    return path
  }

  async function verify (evidence: Uint8Array | string, ...flags: string[]): Promise<Outcome> {
    return sandbox.command(['verify', await file('evidence', evidence), '--json', ...flags])
  }

  it('refuses evidence under another root with 1, its kind and each check in one JSON line', async () => {
    const outcome = await verify(quote, ...AT, '--collateral', await file('c.json', platform.collateral()))
    expect(outcome.code).to.equal(1)
    const report = jsonOf(outcome)
    expect(report).to.include({ verdict: 'refused', kind: 'tdx', tcbStatus: null, claims: null })
    expect(report.note).to.equal('No measurement allow-list was given: which code ran was not judged. Evidence alone was judged: no binding, no challenge, no beacon.')
    const found = report.checks.map((check: { name: string, result: string }) => `${check.name}:${check.result}`)
    expect(found).to.deep.equal(['signature:pass', 'chain:fail', 'revocation:absent', 'tcb:absent', 'policy:absent', 'measurement:absent'])
    expect(report.reasons).to.deep.equal([{ check: 'chain', code: 'evidence_refused', message: 'the chain does not end at a pinned root' }])
    expect(Object.keys(report.checks[1])).to.deep.equal(['name', 'result', 'code', 'message'])
    const text = await sandbox.command(['verify', join(sandbox.home, 'evidence'), ...AT])
    expect(text.out).to.match(/^NO {2}chain {8}the chain does not end at a pinned root \(evidence_refused\)$/m)
  })

  it('knows evidence as hex and base64, through a link, and with bytes after it', async () => {
    const base64 = Buffer.from(quote).toString('base64')
    const forms = [
      toHex(quote), `0x${toHex(quote).toUpperCase()}\n`, toHex(quote).replace(/.{64}/g, '$&\r\n'), base64, base64.replace(/.{76}/g, '$&\n'),
      Buffer.from(quote).toString('base64url'), `-----BEGIN TDX QUOTE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END TDX QUOTE-----\n`, new Uint8Array([...quote, ...new Uint8Array(2_000)])
    ]
    for (const form of forms) {
      expect(jsonOf(await verify(form, ...AT)).kind).to.equal('tdx')
    }
    await symlink(await file('target', quote), join(sandbox.home, 'link'))
    expect((await sandbox.command(['verify', join(sandbox.home, 'link')])).code).to.equal(1)
  })

  it('exits 2 for what is no evidence of a known kind', async () => {
    for (const bytes of ['', 'hello', '[]', toHex(quote).slice(1), quote.slice(0, 700), new Uint8Array(2 * 1_024 * 1_024), new Uint8Array(1_184), platform.collateral()]) {
      const outcome = await verify(bytes, ...AT)
      expect([outcome.code, jsonOf(outcome).error.code]).to.deep.equal([2, 'file_unusable'])
    }
    for (const [path, message] of [[sandbox.home, 'is a folder'], ['/dev/zero', 'is larger than'], ['/nowhere', 'cannot be read']]) {
      const outcome = await sandbox.command(['verify', path, '--json'])
      expect([outcome.code, jsonOf(outcome).error.message.includes(message)], path).to.deep.equal([2, true])
    }
  })

  it('takes binary for evidence and no receipt, whatever letters are in it', async () => {
    const report = createSnpTestPlatform({ seed: new Uint8Array(32).fill(1), atMs }).report(new Uint8Array(64))
    // The family id is the guest owner's to choose.
    report.fill(0x7b, 0x10, 0x20)
    const outcome = await verify(report, ...AT)
    expect([outcome.code, jsonOf(outcome).kind]).to.deep.equal([1, 'snp'])
    expect(jsonOf(await verify(' \n{"receipt":5}', ...AT)).error.message).to.include('receipt')
  })

  it('exits 2 for bad flags, times that are none among them', async () => {
    const policy = await file('policy.json', '{"name":"x"}')
    const flags = [['--nope'], ['--policy', policy], ['--policy', '/nowhere'], ['--collateral'], ['--collateral', '/a', '--collateral'], ['--chain']]
    for (const bad of [...flags, ...['yesterday', '2026', '2026-02-30T00:00:00Z', '2026-06-01T25:00:00Z', '1780272000', ''].map(at => ['--at', at])]) {
      expect((await verify(quote, ...bad)).code, bad.join(' ')).to.equal(2)
    }
    const times = ['2026-06-01', '2026-06-01T00:00', '2026-06-01T00:00:00.000Z', '2026-06-01t02:00:00+02:00']
    for (const at of times) {
      expect(jsonOf(await verify(quote, '--at', at)).at).to.equal('2026-06-01T00:00:00.000Z')
    }
  })

  it('exits 1 for any fault of collateral or chain', async () => {
    const folder = join(sandbox.home, 'folder')
    await mkdir(folder)
    await writeFile(join(folder, 'notes.txt'), 'no collateral')
    const paths = [folder, ...await Promise.all(['', '{', '{"tcb_info":5}', 'x'.repeat(300_000)].map(async (content, i) => file(`bad${i}`, content)))]
    for (const path of paths) {
      for (const flag of ['--collateral', '--chain']) {
        const outcome = await verify(quote, ...AT, flag, path)
        expect([outcome.code, jsonOf(outcome).verdict], `${flag} ${path}`).to.deep.equal([1, 'refused'])
      }
    }
  })

  it('takes all collateral that is named, and a fault of any', async () => {
    const good = await file('c.json', platform.collateral())
    for (const flags of [['--collateral', '/nowhere', '--collateral', good], ['--collateral', good, '--collateral', '/nowhere']]) {
      const outcome = await verify(quote, ...AT, ...flags)
      expect([outcome.code, jsonOf(outcome).note.startsWith('/nowhere cannot be read. ')]).to.deep.equal([1, true])
    }
  })

  it('says what is wrong with a policy: that it cannot be read, is no JSON, or which key of it', async () => {
    const cases = [
      ['/nowhere', 'file_unusable', '/nowhere cannot be read'], [sandbox.home, 'file_unusable', `${sandbox.home} is a folder`],
      [await file('big', ' '.repeat(1_048_577)), 'file_unusable', 'larger than'], [await file('text', 'x'), 'policy_invalid', 'text is not JSON'],
      [await file('list', '[]'), 'policy_invalid', 'policy: '], [await file('key', '{"name":"x","allowedKinds":["tpm"]}'), 'policy_invalid', 'policy.allowedKinds.0: ']
    ]
    for (const [path, code, message] of cases) {
      const outcome = await verify(quote, ...AT, '--policy', path)
      const { error } = jsonOf(outcome)
      expect([outcome.code, error.code, error.message.includes(message)], path).to.deep.equal([2, code, true])
    }
  })

  it('exits 1, with a report, for collateral or chain that is missing or cannot be read', async () => {
    const crowd = join(sandbox.home, 'crowd')
    await mkdir(crowd)
    await Promise.all(Array.from({ length: 257 }, async (_, i) => writeFile(join(crowd, String(i)), 'x')))
    await symlink(join(sandbox.home, 'gone'), join(sandbox.home, 'dangling'))
    await symlink(join(sandbox.home, 'circle'), join(sandbox.home, 'circle'))
    for (const path of ['/nowhere', join(sandbox.home, 'dangling'), join(sandbox.home, 'circle'), crowd]) {
      for (const flag of ['--collateral', '--chain']) {
        const outcome = await verify(quote, ...AT, flag, path)
        expect([outcome.code, jsonOf(outcome).verdict], `${flag} ${path}`).to.deep.equal([1, 'refused'])
        expect(jsonOf(outcome).note, `${flag} ${path}`).to.match(new RegExp(`^${path} .+\\. No measurement allow-list`))
        expect(jsonOf(outcome).checks.some((check: { message: string }) => check.message.startsWith(`${path} `)), `${flag} ${path}`).to.equal(flag === '--chain')
      }
    }
  })

  it('reads a folder without hanging on pipes, devices, circles and folders in it', async () => {
    const folder = join(sandbox.home, 'folder')
    await mkdir(join(folder, 'deeper'), { recursive: true })
    await writeFile(join(folder, 'deeper', 'collateral.json'), platform.collateral())
    await writeFile(join(folder, 'big'), new Uint8Array(1_048_576).fill(0x30))
    execFileSync('mkfifo', [join(folder, 'pipe')])
    await symlink('/dev/zero', join(folder, 'device'))
    await symlink(join(folder, 'self'), join(folder, 'self'))
    await symlink(folder, join(folder, 'up'))
    expect(await readMaterialFiles(folder, () => true)).to.deep.equal({ files: [new Uint8Array(262_145).fill(0x30)], faults: [] })
    expect((await verify(quote, ...AT, '--collateral', folder)).code).to.equal(1)
  })

  it('bounds what it reads of a folder', async () => {
    const folder = join(sandbox.home, 'folder')
    await mkdir(folder)
    const fill = async (count: number, content: Uint8Array): Promise<void> => { await Promise.all(Array.from({ length: count }, async (_, i) => writeFile(join(folder, String(i)), content))) }
    await fill(64, Uint8Array.of(1))
    expect((await readMaterialFiles(folder, () => true)).files).to.have.lengthOf(64)
    await fill(65, Uint8Array.of(1))
    expect((await readMaterialFiles(folder, () => true)).faults[0]).to.include('more than 64 files')
    expect(await readMaterialFiles(folder, () => false)).to.deep.equal({ files: [], faults: [] })
    await fill(32, new Uint8Array(262_144))
    expect((await readMaterialFiles(folder, () => false)).faults[0]).to.include('more than 8388608 bytes')
  })

  it('reads a pipe to its end, and gives up on one that says nothing', async () => {
    const pipe = join(sandbox.home, 'pipe')
    execFileSync('mkfifo', [pipe])
    const [read] = await Promise.all([readBounded(pipe), writeFile(pipe, 'evidence')])
    expect(new TextDecoder().decode(read)).to.equal('evidence')
    expect((await readMaterialFiles(pipe, () => true, { pipeTimeoutMs: 0 })).faults).to.deep.equal([`${pipe} cannot be read`])
    expect(await readBounded(pipe, { pipeTimeoutMs: 0 }).then(() => null, (error: { code: string }) => error.code)).to.equal('file_unusable')
  })

  it('a policy of the user\'s says which kinds may pass', async () => {
    const policy = await file('policy.json', JSON.stringify({ name: 'mine', allowedKinds: ['snp'] }))
    expect(jsonOf(await verify(quote, ...AT, '--policy', policy)).checks[0]).to.include({ name: 'kind', result: 'fail', code: 'evidence_kind_refused' })
  })

  it('keeps to what it remembers, and neither reads nor writes it with --at', async () => {
    const memory = join(sandbox.home, 'collateral-versions.json')
    await writeFile(memory, 'damaged')
    expect((await verify(quote, ...AT)).code).to.equal(1)
    const unsure = await verify(quote, '--collateral', await file('c.json', platform.collateral()))
    expect([unsure.code, jsonOf(unsure).verdict]).to.deep.equal([1, 'refused'])
    expect(jsonOf(unsure).note).to.include('is damaged')
    expect(jsonOf(await verify(quote, ...AT)).note).to.not.include('is damaged')
    expect(await readFile(memory, 'utf8')).to.equal('damaged')
    await writeFile(memory, utf8('{"tcb/TDX/00906ED50000":18}'))
    expect((await verify(quote)).code).to.equal(1)
    expect(await readFile(memory, 'utf8')).to.include('18')
  })

  it('is not stopped by a broken configuration', async () => {
    await file('config.json', '{')
    expect((await verify(quote, ...AT)).code).to.equal(1)
  })
})
