import { readFile, writeFile } from 'node:fs/promises'
import { expect } from 'aegir/chai'
import { clientVaultBodies as bodies } from '../src/index.ts'
import { EPOCH, START, TON, VaultWorld, accountOf } from './vault-world.ts'

const SNAPSHOT = new URL('../gas-snapshot.json', import.meta.url)
const CAP = TON / 10n

function payees (count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const account = new Uint8Array(32)
    new DataView(account.buffer).setUint32(0, Math.imul(i + 1, 0x9e3779b1) >>> 0)
    return account
  })
}

/** Gas of each named step, in units; 400 nanoTON each under the emulator's configuration. */
async function measure (): Promise<Record<string, number>> {
  const gas: Record<string, number> = {}
  const world = await VaultWorld.create()
  const payee = accountOf(world.payee.address)
  const take = async (name: string, action: Promise<Awaited<ReturnType<VaultWorld['send']>>>): Promise<void> => {
    const result = await action
    expect(world.exitCode(result), name).to.equal(0)
    gas[name] = Number(world.gasUsed(result))
  }
  await take('set up', world.send(world.owner, bodies.setUp({ signerKey: world.signer.publicKey, operator: accountOf(world.operator.address) }), 50n * TON, true))
  await take('open 1 lane', world.open(CAP))
  await take('redeem at 1 lane', world.send(world.payee, world.redeemBody(1_000n)))
  for (let i = 0; i < 12; i++) {
    world.chain.now = START + i + 1
    const open = world.open(CAP, { epoch: EPOCH + BigInt(i + 1) * 1_000n, payees: payees(99).slice(i * 8, i * 8 + 8) })
    if (i === 0) {
      await take('open 8 lanes', open)
    } else {
      await open
    }
  }
  await take('redeem at 97 lanes', world.send(world.payee, world.redeemBody(2_000n)))
  await take('top up a lane at 97 lanes', world.open(CAP))
  await take('flush the fee', world.send(world.stranger, bodies.flushFee()))
  await take('withdraw', world.send(world.owner, bodies.withdraw(TON)))
  await take('start an unlock', world.send(world.operator, bodies.startUnlock(payee)))
  await take('redeem while unlocking', world.send(world.payee, world.redeemBody(3_000n)))
  world.chain.now = START + 1_000
  await take('finish an unlock', world.send(world.stranger, bodies.finishUnlock(payee)))
  return gas
}

describe('gas', () => {
  it('is what the committed snapshot says, step by step', async () => {
    const gas = await measure()
    if (process.env.UPDATE_GAS === '1') {
      await writeFile(SNAPSHOT, `${JSON.stringify(gas, null, 2)}\n`)
    }
    expect(gas).to.deep.equal(JSON.parse(await readFile(SNAPSHOT, 'utf8')))
  })
})
