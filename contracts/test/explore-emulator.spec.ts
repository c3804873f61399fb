import { Cell } from '@ton/core'
import { Executor } from '@ton/sandbox'
import { expect } from 'aegir/chai'
import { cellHash, parseBoc } from '../explore/cells.ts'
import { Machine, emulate } from '../explore/executor.ts'
import { trampolined } from '../explore/trampolines.ts'
import { twoLanes } from '../explore/vault/scenario.ts'
import type { Envelope } from '../explore/executor.ts'

const SLOW_MS = 120_000

async function answers (executor: Executor, boc: string, messages: readonly Envelope[], now: number): Promise<string[]> {
  const out: string[] = []
  for (const message of messages) {
    const result = await emulate(executor, boc, message, now)
    out.push(result.success ? result.transaction + result.shardAccount : result.error)
  }
  return out
}

describe('the emulator as the exploration runs it', () => {
  it('answers as it does without trampolines, where contracts obey and where they throw', async function () {
    this.timeout(SLOW_MS)
    const machine = await Machine.create()
    const { moves, probes, start, clock } = await twoLanes(machine, { followed: 'all' })
    const messages = [...moves, ...probes].map(({ envelope }) => envelope)
    const plain = await answers(await Executor.create(), start.boc, messages, clock[0])
    const quick = await answers(await trampolined(async () => Executor.create()), start.boc, messages, clock[0])
    expect(quick).to.deep.equal(plain)
    expect(new Set(plain).size).to.be.greaterThan(20)
  })

  it('reads cells as the library does', async function () {
    this.timeout(SLOW_MS)
    const { start } = await twoLanes(await Machine.create(), { followed: 'all' })
    expect(cellHash(parseBoc(Buffer.from(start.boc, 'base64')))).to.equal(Cell.fromBase64(start.boc).hash().toString('hex'))
    expect(start.dataHash).to.equal(cellHash(start.data))
  })

  it('refuses what is no bag of cells', () => {
    expect(() => parseBoc(Buffer.alloc(16))).to.throw('not a bag of cells')
  })
})
