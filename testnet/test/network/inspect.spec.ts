import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { claimControl, readControl } from '../../src/network/control-file.ts'
import { forgetKills, killAll, killNode, networkStatus, wasKilled } from '../../src/network/inspect.ts'
import { identify, isAlive } from '../../src/network/process-identity.ts'
import type { Control, ControlNode } from '../../src/network/control-file.ts'
import type { ProcessIdentity } from '../../src/network/process-identity.ts'
import type { ChildProcess } from 'node:child_process'

const GONE: ProcessIdentity = { pid: 2 ** 22 + 1, startTime: 'long ago' }

describe('control file, status and kill', () => {
  let root: string
  const children: ChildProcess[] = []

  const someProcess = async (): Promise<ProcessIdentity> => {
    const child = spawn(process.execPath, ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1000)'], { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, NODE_OPTIONS: '' } })
    children.push(child)
    await once(child.stdout ?? child, 'data')
    return await identify(child.pid ?? 0) ?? GONE
  }

  const node = (name: string, process: ProcessIdentity | null): ControlNode => ({ name, role: 'provider', state: 'up', process, restarts: 0 })

  /** As a supervisor writes it that is another process. */
  const write = async (change: Partial<Control>): Promise<void> => {
    const control: Control = { v: 1, supervisor: GONE, state: 'ready', startedAtMs: 1, folder: root, gateways: [], nodes: [], ...change }
    await writeFile(join(root, 'control.json'), JSON.stringify(control))
  }

  const refusal = async (promise: Promise<unknown>): Promise<string> => promise.then(() => 'done', (error: { code: string }) => error.code)

  beforeEach(async () => { root = await mkdtemp(join(tmpdir(), 'cocoon-control-')) })
  afterEach(async () => {
    children.splice(0).forEach(child => { child.kill('SIGKILL') })
    await rm(root, { recursive: true, force: true })
  })

  it('is held by one supervisor, readable by its owner alone, and gone when released', async () => {
    const control = await claimControl(root, { folder: root, startedAtMs: 5 })
    expect((await stat(join(root, 'control.json'))).mode & 0o777).to.equal(0o600)
    expect(await refusal(claimControl(root, { folder: root, startedAtMs: 6 }))).to.equal('home_locked')
    await Promise.all([control.update({ state: 'ready' }), control.update({ nodes: [node('provider-1', null)] })])
    expect(await readControl(root)).to.deep.include({ state: 'ready', startedAtMs: 5, nodes: [node('provider-1', null)] })
    await control.release()
    await control.update({ state: 'stopping' })
    expect(await readdir(root)).to.deep.equal([])
  })

  it('is taken over from a supervisor that has ended, and from a broken file', async () => {
    for (const damage of [async () => write({}), async () => writeFile(join(root, 'control.json'), '{"v":1'), async () => writeFile(join(root, 'control.json'), '{"v":2}')]) {
      await damage()
      const control = await claimControl(root, { folder: root, startedAtMs: 5 })
      expect((await readControl(root))?.supervisor.pid).to.equal(process.pid)
      await control.release()
    }
  })

  it('shows no network when there is no file, no sense in it, or no process left of it', async () => {
    expect(await networkStatus(root)).to.equal(null)
    await writeFile(join(root, 'control.json'), 'garbage')
    expect(await networkStatus(root)).to.equal(null)
    await write({ nodes: [node('provider-1', GONE)] })
    expect(await networkStatus(root)).to.equal(null)
  })

  it('shows nodes that outlived their supervisor', async () => {
    await write({ nodes: [node('provider-1', await someProcess()), node('provider-2', GONE), node('provider-3', null)] })
    const found = await networkStatus(root)
    expect(found?.running).to.equal(true)
    expect(found?.nodes.map(({ name, alive }) => [name, alive])).to.deep.equal([['provider-1', true], ['provider-2', false], ['provider-3', false]])
  })

  it('kills the node that is named, once, and remembers that it was asked to', async () => {
    const [first, second] = [await someProcess(), await someProcess()]
    await write({ nodes: [node('provider-1', first), node('provider-2', second)] })
    expect(await killNode(root, 'provider-1')).to.deep.equal([{ name: 'provider-1', pid: first.pid }])
    expect([await isAlive(first), await isAlive(second)]).to.deep.equal([false, true])
    expect(await wasKilled(root, 'provider-1', first)).to.equal(true)
    expect(await wasKilled(root, 'provider-2', second)).to.equal(false)
    expect(await refusal(killNode(root, 'provider-1'))).to.equal('not_running')
    expect(await refusal(killNode(root, '../provider-2'))).to.equal('usage')
    await forgetKills(root)
    expect(await wasKilled(root, 'provider-1', first)).to.equal(false)
  })

  it('never kills a process that took over a number', async () => {
    const stranger = await someProcess()
    await write({ supervisor: { ...stranger, startTime: 'earlier' }, nodes: [node('provider-1', { ...stranger, startTime: 'earlier' })] })
    expect(await refusal(killNode(root, 'provider-1'))).to.equal('not_running')
    expect(await refusal(killAll(root))).to.equal('not_running')
    expect(await isAlive(stranger)).to.equal(true)
  })

  it('ends the supervisor and every node that it leaves behind', async () => {
    const [supervisor, first] = [await someProcess(), await someProcess()]
    await write({ supervisor, nodes: [node('provider-1', first), node('provider-2', GONE)] })
    expect(await killAll(root)).to.deep.equal([{ name: 'supervisor', pid: supervisor.pid }, { name: 'provider-1', pid: first.pid }])
    expect([await isAlive(supervisor), await isAlive(first)]).to.deep.equal([false, false])
    expect(await refusal(readFile(join(root, 'control.json')))).to.equal('ENOENT')
    expect(await refusal(killAll(root))).to.equal('not_running')
  })
})
