import { clientVault, clientVaultAddress, clientVaultBodies } from '@cocoon-net/contracts'
import { Blockchain, internal } from '@ton/sandbox'
import { network, signer } from './fixtures.ts'
import type { LaneOnChain } from '../src/types.ts'
import type { Address, Cell } from '@ton/core'
import type { BlockchainSnapshot, SandboxContract, TreasuryContract } from '@ton/sandbox'

export const START_SECONDS = 1_800_000_000

/** The compiled vault on the emulator, with its owner and a payee: what the pure machine is held against. */
export class VaultChain {
  readonly chain: Blockchain
  readonly owner: SandboxContract<TreasuryContract>
  readonly payeeWallet: SandboxContract<TreasuryContract>
  readonly address: Address
  readonly #start: BlockchainSnapshot

  private constructor (chain: Blockchain, owner: SandboxContract<TreasuryContract>, payee: SandboxContract<TreasuryContract>, address: Address) {
    this.chain = chain
    this.owner = owner
    this.payeeWallet = payee
    this.address = address
    this.#start = chain.snapshot()
  }

  static async create (): Promise<VaultChain> {
    const chain = await Blockchain.create()
    chain.now = START_SECONDS
    const [owner, payee] = await Promise.all(['owner', 'payee'].map(async name => chain.treasury(name)))
    const parameters = { networkId: network.networkId, ...network.vault }
    const account = Uint8Array.from(owner.address.hash)
    const vault = clientVault(parameters)
    const address = clientVaultAddress(account, parameters)
    const body = vault.deployBody({ signerKey: signer.publicKey, operator: account })
    await chain.sendMessage(internal({ from: owner.address, to: address, value: 3_000_000_000n, body, stateInit: vault.stateInit(account), bounce: true }))
    return new VaultChain(chain, owner, payee, address)
  }

  /** Back to the vault as it was deployed. */
  async reset (): Promise<void> {
    await this.chain.loadFrom(this.#start)
  }

  get vault (): Uint8Array {
    return Uint8Array.from(this.address.hash)
  }

  get payee (): Uint8Array {
    return Uint8Array.from(this.payeeWallet.address.hash)
  }

  get nowSeconds (): number {
    return this.chain.now ?? START_SECONDS
  }

  pass (seconds: number): void {
    this.chain.now = this.nowSeconds + seconds
  }

  /** Sends to the vault; true when the vault executed it. */
  async #send (from: SandboxContract<TreasuryContract>, body: Cell): Promise<boolean> {
    const { transactions } = await this.chain.sendMessage(internal({ from: from.address, to: this.address, value: 200_000_000n, body, bounce: true }))
    const own = transactions.find(tx => tx.inMessage?.info.dest?.toString() === this.address.toString())
    return own?.description.type === 'generic' && own.description.computePhase.type === 'vm' && own.description.computePhase.success
  }

  async open (epoch: bigint, capNano: bigint): Promise<boolean> {
    return this.#send(this.owner, clientVaultBodies.openLanes({ epoch, keyIdx: 0, lanes: [{ payee: this.payee, capNano }] }))
  }

  async redeem (cumulativeNano: bigint, signature: Uint8Array): Promise<boolean> {
    return this.#send(this.payeeWallet, clientVaultBodies.redeem({ payee: this.payee, cumulativeNano, signature }))
  }

  async startUnlock (): Promise<boolean> {
    return this.#send(this.owner, clientVaultBodies.startUnlock(this.payee))
  }

  async finishUnlock (): Promise<boolean> {
    return this.#send(this.owner, clientVaultBodies.finishUnlock(this.payee))
  }

  async release (): Promise<boolean> {
    return this.#send(this.payeeWallet, clientVaultBodies.releaseLane())
  }

  async lane (): Promise<LaneOnChain | null> {
    const { stackReader: stack } = await this.chain.runGetMethod(this.address, 'lane', [{ type: 'int', value: BigInt(`0x${this.payeeWallet.address.hash.toString('hex')}`) }])
    if (!stack.readBoolean()) {
      return null
    }
    return {
      capNano: stack.readBigNumber(),
      paidNano: stack.readBigNumber(),
      epoch: stack.readBigNumber(),
      keyIdx: stack.readNumber(),
      unlockAt: stack.readNumber(),
      gasLeftNano: stack.readBigNumber()
    }
  }
}
