import { EventEmitter } from 'node:events'
import { expect } from 'aegir/chai'
import { createSandbox } from './fixtures/run-command.ts'
import type { Sandbox } from './fixtures/run-command.ts'
import type { ChildProcess, SpawnOptions } from 'node:child_process'

describe('testnet', () => {
  let sandbox: Sandbox
  beforeEach(async () => { sandbox = await createSandbox() })
  afterEach(async () => { await sandbox.remove() })

  /** Runs a command whose program ends with `code`; what that program was given. */
  const given = async (argv: string[], code: number): Promise<{ code: number, args: readonly string[], options: SpawnOptions }> => {
    let args: readonly string[] = []
    let options: SpawnOptions = {}
    const outcome = await sandbox.command(argv, {
      spawn: (_command, childArgs, childOptions) => {
        args = childArgs
        options = childOptions
        const child = new EventEmitter() as ChildProcess
        setImmediate(() => { child.emit('exit', code) })
        return child
      }
    })
    return { code: outcome.code, args: args.slice(args.findIndex(arg => /start\.[jt]s$/.test(arg)) + 1), options }
  }

  it('hands its flags to the repository\'s program, with the home, and takes its exit code', async () => {
    const up = await given(['testnet', 'up', '--providers', '4', '--clients', '2', '--seed', '-1', '--gateway-port', '0', '--chain-port', '5', '--json'], 2)
    expect(up.code).to.equal(2)
    expect(up.args).to.deep.equal(['--providers=4', '--clients=2', '--seed=-1', '--port=0', '--chain-port=5', '--json'])
    expect(up.options.env?.COCOON_HOME).to.equal(sandbox.home)
    expect(up.options.stdio).to.equal('inherit')
    expect((await given(['testnet', 'up'], 0)).args).to.deep.equal([])
  })

  it('asks for the status, and kills by name', async () => {
    expect(await given(['testnet', 'status'], 1)).to.deep.include({ code: 1, args: ['status'] })
    expect(await given(['testnet', 'kill', 'provider-1', '--json'], 0)).to.deep.include({ code: 0, args: ['kill', 'provider-1', '--json'] })
    expect((await sandbox.command(['testnet', 'kill'])).code).to.equal(2)
  })

  it('passes an interrupt on once', async () => {
    const controller = new AbortController()
    const signals: unknown[] = []
    const { code } = await sandbox.command(['testnet', 'up'], {
      signal: controller.signal,
      spawn: () => {
        const child = new EventEmitter() as ChildProcess
        child.kill = (signal) => {
          signals.push(signal)
          setImmediate(() => { child.emit('exit', 0) })
          return true
        }
        setImmediate(() => { controller.abort('SIGINT') })
        return child
      }
    })
    expect([code, signals]).to.deep.equal([0, ['SIGTERM']])
  })
})
