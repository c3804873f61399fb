import { clientVault, clientVaultAddress, clientVaultBodies } from '@cocoon-net/contracts'
import { closeHash } from '@cocoon-net/protocol'
import { Address } from '@ton/core'
import { Blockchain, internal } from '@ton/sandbox'
import { ed25519Signer } from '../src/signer.ts'
import { walletAccount } from '../src/wallet.ts'
import { network, nonce } from './fixtures.ts'
import type { Signer } from '../src/signer.ts'
import type { LaneOnChain } from '../src/types.ts'
import type { Cell } from '@ton/core'
import type { BlockchainSnapshot } from '@ton/sandbox'

export const START_SECONDS = 1_800_000_000

/** The global id and wallet id of a v4r2 wallet, as on the main network. */
const GLOBAL_ID = -239
const WALLET_ID = 698_983_191
const PAYEE = ed25519Signer(nonce(40))

/** The voucher signer that the vault's owner writes at an index. */
export function signerAt (keyIdx: number): Signer {
  return ed25519Signer(nonce(50 + keyIdx))
}

/** The compiled vault on the emulator, with its owner and a payee: what the pure machine is held against. */
export class VaultChain {
  readonly chain: Blockchain
  readonly owner: Address
  readonly payeeWallet: Address
  readonly address: Address
  /** the index of the newest signer, which opens lanes; earlier ones are retired */
  keyIdx = 0
  readonly #start: BlockchainSnapshot

  private constructor (chain: Blockchain, owner: Address, payee: Address, address: Address) {
    this.chain = chain
    this.owner = owner
    this.payeeWallet = payee
    this.address = address
    this.#start = chain.snapshot()
  }

  static async create (): Promise<VaultChain> {
    const chain = await Blockchain.create()
    chain.now = START_SECONDS
    const owner = await chain.treasury('owner')
    const parameters = { networkId: network.networkId, ...network.vault }
    const account = Uint8Array.from(owner.address.hash)
    const vault = clientVault(parameters)
    const address = clientVaultAddress(account, parameters)
    const body = vault.deployBody({ signerKey: signerAt(0).publicKey, operator: account })
    await chain.sendMessage(internal({ from: owner.address, to: address, value: 3_000_000_000n, body, stateInit: vault.stateInit(account), bounce: true }))
    const payee = new Address(0, Buffer.from(walletAccount(PAYEE.publicKey, GLOBAL_ID)))
    return new VaultChain(chain, owner.address, payee, address)
  }

  /** Back to the vault as it was deployed. */
  async reset (): Promise<void> {
    await this.chain.loadFrom(this.#start)
    this.keyIdx = 0
  }

  get vault (): Uint8Array {
    return Uint8Array.from(this.address.hash)
  }

  get payee (): Uint8Array {
    return Uint8Array.from(this.payeeWallet.hash)
  }

  get nowSeconds (): number {
    return this.chain.now ?? START_SECONDS
  }

  pass (seconds: number): void {
    this.chain.now = this.nowSeconds + seconds
  }

  /** Sends to the vault; true when the vault executed it. */
  async #send (from: Address, body: Cell): Promise<boolean> {
    const { transactions } = await this.chain.sendMessage(internal({ from, to: this.address, value: 200_000_000n, body, bounce: true }))
    const own = transactions.find(tx => tx.inMessage?.info.dest?.toString() === this.address.toString())
    return own?.description.type === 'generic' && own.description.computePhase.type === 'vm' && own.description.computePhase.success
  }

  /** The owner retires the newest signer and writes the next. */
  async rotate (): Promise<boolean> {
    const isRetired = await this.#send(this.owner, clientVaultBodies.retireSigner(this.keyIdx))
    this.keyIdx++
    return isRetired && this.#send(this.owner, clientVaultBodies.addSigner({ idx: this.keyIdx, key: signerAt(this.keyIdx).publicKey }))
  }

  async open (epoch: bigint, capNano: bigint, keyIdx: number): Promise<boolean> {
    return this.#send(this.owner, clientVaultBodies.openLanes({ epoch, keyIdx, lanes: [{ payee: this.payee, capNano }] }))
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

  /** Ends the lane at this sum, with the signatures of its signer and its payee. */
  async close (epoch: bigint, cumulative: bigint, keyIdx: number): Promise<boolean> {
    const hash = closeHash({ networkId: network.networkId, vault: this.vault, payee: this.payee, epoch, cumulative })
    return this.#send(this.owner, clientVaultBodies.closeLane({
      payee: this.payee,
      cumulativeNano: cumulative,
      wallet: { version: 'v4r2', walletId: WALLET_ID, publicKey: PAYEE.publicKey },
      signerSignature: signerAt(keyIdx).sign(hash),
      payeeSignature: PAYEE.sign(hash)
    }))
  }

  /** What the payee's account holds, nanoTON. */
  async payeeNano (): Promise<bigint> {
    return (await this.chain.getContract(this.payeeWallet)).balance
  }

  async signer (keyIdx: number): Promise<Uint8Array | null> {
    const { stackReader: stack } = await this.chain.runGetMethod(this.address, 'signer', [{ type: 'int', value: BigInt(keyIdx) }])
    const key = stack.readBigNumber()
    return key === 0n ? null : Uint8Array.from(Buffer.from(key.toString(16).padStart(64, '0'), 'hex'))
  }

  async lane (): Promise<LaneOnChain | null> {
    const { stackReader: stack } = await this.chain.runGetMethod(this.address, 'lane', [{ type: 'int', value: BigInt(`0x${this.payeeWallet.hash.toString('hex')}`) }])
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
