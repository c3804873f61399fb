import { expect } from 'aegir/chai'
import { MemoryLevel } from 'memory-level'
import { CloseBook } from '../src/close-book.ts'
import { Store } from '../src/store.ts'
import { nonce } from './fixtures.ts'
import type { AgreedClose } from '../src/lane-close.ts'

const close: AgreedClose = {
  sumNano: 5n,
  signerSignature: new Uint8Array(64).fill(1),
  payeeSignature: new Uint8Array(64).fill(2),
  wallet: { version: 'v4r2', walletId: 7, publicKey: nonce(3) },
  isPayeeSending: true
}

describe('signed closes on disk', () => {
  const open = async (kv: MemoryLevel<string, string>): Promise<{ store: Store, book: CloseBook }> => {
    const store = new Store(kv)
    await store.open()
    const book = new CloseBook(store)
    await book.load()
    return { store, book }
  }

  it('come back as they were', async () => {
    const kv = new MemoryLevel<string, string>()
    await (await open(kv)).book.add('a', close)
    const { book } = await open(kv)
    expect([book.has('a'), book.get('a'), book.has('b'), book.get('b')]).to.deep.equal([true, close, false, undefined])
  })

  it('make room when they are full only by lanes that have ended, and refuse otherwise', async () => {
    const kv = new MemoryLevel<string, string>()
    const { book } = await open(kv)
    const never = async (): Promise<boolean> => { throw new Error('there is room') }
    for (const key of ['a', 'b', 'c']) {
      await book.makeRoom(3, never)
      await book.add(key, close)
    }
    await expect(book.makeRoom(3, async () => false)).to.eventually.be.rejected.with.property('code', 'no_room')
    await book.makeRoom(3, async key => key !== 'b')
    for (const { has } of [book, (await open(kv)).book].map(seen => ({ has: (key: string) => seen.has(key) }))) {
      expect(['a', 'b', 'c'].map(has)).to.deep.equal([false, true, false])
    }
  })
})
