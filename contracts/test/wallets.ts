import { sign } from 'node:crypto'
import { SendMode, external, internal } from '@ton/core'
import { WalletContractV4, WalletContractV5R1 } from '@ton/ton'
import { privateKeyOf, publicKeyOf } from './vault-world.ts'
import type { Address, Cell, StateInit } from '@ton/core'
import type { Blockchain, SendMessageResult } from '@ton/sandbox'

export type WalletVersion = 'v4r2' | 'v5r1'

/** A real wallet on the emulator, so that what a user pays in all can be measured. */
export class RealWallet {
  readonly chain: Blockchain
  readonly version: WalletVersion
  readonly seed: number
  readonly contract: WalletContractV4 | WalletContractV5R1

  constructor (chain: Blockchain, version: WalletVersion, seed: number) {
    this.chain = chain
    this.version = version
    this.seed = seed
    const init = { workchain: 0, publicKey: Buffer.from(publicKeyOf(seed)) }
    this.contract = version === 'v4r2' ? WalletContractV4.create(init) : WalletContractV5R1.create(init)
  }

  get address (): Address {
    return this.contract.address
  }

  get account (): Uint8Array {
    return Uint8Array.from(this.address.hash)
  }

  /** What the wallet's address commits to beside the key. */
  get walletId (): number {
    const data = this.contract.init.data.beginParse()
    return data.skip(this.version === 'v4r2' ? 32 : 33).loadUint(32)
  }

  sign (hash: Uint8Array): Uint8Array {
    return Uint8Array.from(sign(null, hash, privateKeyOf(this.seed)))
  }

  async balance (): Promise<bigint> {
    return (await this.chain.getContract(this.address)).balance
  }

  async send (message: { to: Address, value: bigint, body?: Cell, init?: StateInit, bounce?: boolean }): Promise<SendMessageResult> {
    const provider = this.chain.provider(this.address)
    const { state } = await provider.getState()
    const seqno = state.type === 'active' ? await this.contract.getSeqno(provider) : 0
    const signer = async (cell: Cell): Promise<Buffer> => Buffer.from(this.sign(cell.hash()))
    const messages = [internal({ to: message.to, value: message.value, body: message.body, init: message.init, bounce: message.bounce ?? true })]
    const args = { seqno, signer, messages, sendMode: SendMode.PAY_GAS_SEPARATELY, timeout: (this.chain.now ?? 0) + 60 }
    const body = this.contract instanceof WalletContractV4 ? await this.contract.createTransfer(args) : await this.contract.createTransfer(args)
    return this.chain.sendMessage(external({ to: this.address, init: seqno === 0 ? this.contract.init : undefined, body }))
  }

  /** Coins from nowhere, and the first transaction, after which the wallet's code is there. */
  async fund (amountNano: bigint): Promise<void> {
    const faucet = await this.chain.treasury('faucet')
    await faucet.send({ to: this.address, value: amountNano, bounce: false })
    await this.send({ to: faucet.address, value: 1_000_000n, bounce: false })
  }
}
