import { expect } from 'aegir/chai'
import { booksOf } from './history.ts'
import type { CommandHome } from './home.ts'
import type { World } from '../devnet/world.ts'

export interface Rehearsal {
  readonly world: World
  readonly home: CommandHome
  readonly line: string
  /** The contract that the command speaks to; its balance is what `read` gives. */
  readonly receiver: { readonly account: string, read (): Promise<{ balanceNano: string }> }
  /** False where the body holds the time. */
  readonly sameBody?: boolean
  /** What leaves to a third party. */
  readonly givenAwayNano?: bigint
}

/** Runs a command dry, then for good: what was shown is what is sent, to the byte, and costs no more than was said. */
export async function rehearse (init: Rehearsal): Promise<any> {
  const { world, home, line, receiver, sameBody = true, givenAwayNano = 0n } = init
  const { wallet } = await home.json('wallet address')
  const before = world.devnet.snapshot()
  const dry = await home.json(`${line} --dry-run`)
  expect(dry.sent, line).to.equal(false)
  expect(world.devnet.snapshot(), `${line} --dry-run sends nothing`).to.deep.equal(before)

  const sentBefore = (await booksOf(world.client, wallet)).sent.length
  const heldBefore = BigInt((await receiver.read()).balanceNano)
  const real = await home.json(line)
  const books = await booksOf(world.client, wallet)
  const shown = dry.messages.map(({ to, valueNano, body }: any) => sameBody ? { to, valueNano, body } : { to, valueNano })
  expect(books.sent.slice(sentBefore).map(({ to, valueNano, body }) => sameBody ? { to, valueNano, body } : { to, valueNano }), line).to.deep.equal(shown)

  const { walletNano } = await home.json('wallet balance')
  expect(BigInt(walletNano), `${line}: the balance is what history adds up to`).to.equal(books.nano)
  expect(real.balanceAfterNano).to.equal(walletNano)
  const gainNano = BigInt((await receiver.read()).balanceNano) - heldBefore
  const sum = (field: string, messages: any[]): bigint => messages.reduce((total: bigint, message: any) => total + BigInt(message[field]), 0n)
  const elsewhereNano = sum('movesNano', dry.messages.filter((message: any) => message.to !== receiver.account))
  const burntNano = BigInt(real.balanceNano) - BigInt(walletNano) - gainNano - elsewhereNano - givenAwayNano
  const costAtMostNano = sum('costAtMostNano', dry.messages)
  expect(burntNano > 0n && burntNano <= costAtMostNano, `${line} costs ${burntNano} of at most ${costAtMostNano}`).to.equal(true)
  return real
}
