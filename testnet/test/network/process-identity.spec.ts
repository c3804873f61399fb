import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'aegir/chai'
import { identify, isAlive, signalProcess, startTimeOf, waitUntilGone } from '../../src/network/process-identity.ts'
import type { ChildProcess } from 'node:child_process'

describe('process identity', () => {
  let child: ChildProcess

  beforeEach(async () => {
    child = spawn(process.execPath, ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1000)'], { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, NODE_OPTIONS: '' } })
    await once(child.stdout ?? child, 'data')
  })

  afterEach(() => { child.kill('SIGKILL') })

  it('tells a process that runs from one that does not', async () => {
    const identity = await identify(child.pid ?? 0)
    if (identity == null) {
      throw new Error('the child runs')
    }
    expect(await isAlive(identity)).to.equal(true)
    expect(await waitUntilGone(identity, 0)).to.equal(false)
    expect(await signalProcess(identity, 'SIGKILL')).to.equal(true)
    expect(await waitUntilGone(identity, 10_000)).to.equal(true)
    expect(await signalProcess(identity, 'SIGKILL')).to.equal(false)
    expect(await identify(identity.pid)).to.equal(null)
  })

  it('leaves a process alone that took over the number', async () => {
    const identity = await identify(child.pid ?? 0)
    const earlier = { pid: child.pid ?? 0, startTime: `${identity?.startTime}1` }
    expect(await isAlive(earlier)).to.equal(false)
    expect(await signalProcess(earlier, 'SIGKILL')).to.equal(false)
    expect(await identify(earlier.pid)).to.deep.equal(identity)
  })

  it('knows no process by an impossible number', async () => {
    for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 40]) {
      expect(await startTimeOf(pid), String(pid)).to.equal(null)
    }
  })
})
