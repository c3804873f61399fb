import { CocoonError } from '@cocoon-net/protocol'
import { Address, Cell, loadMessage } from '@ton/core'
import { MAX_MESSAGE_BYTES } from './constants.ts'
import type { Message, StateInit } from '@ton/core'

const NOWHERE = new Address(0, Buffer.alloc(32))

/**
 * Reads an external message from base64.
 *
 * @throws {CocoonError} chain_rejected
 */
export function parseExternal (boc: string): Message & { info: { dest: Address } } {
  let message: Message
  try {
    if (boc.length > MAX_MESSAGE_BYTES * 4 / 3 + 4) {
      throw new RangeError('too large')
    }
    message = loadMessage(Cell.fromBase64(boc).beginParse())
  } catch (error) {
    throw new CocoonError('chain_rejected', 'the message cannot be parsed', { cause: error })
  }
  // Only contracts send internal messages: one from outside would be money from nowhere.
  if (message.info.type !== 'external-in') {
    throw new CocoonError('chain_rejected', 'only inbound external messages are accepted')
  }
  return message as Message & { info: { dest: Address } }
}

/** New coins for an account, from nowhere: what a faucet is on a devnet. With `init` they deploy what the address commits to. */
export function mint (address: string, amountNano: bigint, init?: StateInit): Message {
  return {
    init,
    info: {
      type: 'internal',
      ihrDisabled: true,
      bounce: false,
      bounced: false,
      src: NOWHERE,
      dest: Address.parse(address),
      value: { coins: amountNano },
      ihrFee: 0n,
      forwardFee: 0n,
      createdLt: 0n,
      createdAt: 0
    },
    body: Cell.EMPTY
  }
}
