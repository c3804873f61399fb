import { createPrivateKey, sign } from 'node:crypto'
import { voucherHash } from '@cocoon-net/protocol'
import { internal } from '@ton/sandbox'
import { expect } from 'aegir/chai'
import { clientVaultAddress, clientVaultBodies, clientVaultStateInit, parseClientVaultState } from '../src/index.ts'
import { START, freshChain } from './fresh-chain.ts'
import type { ClientVaultParameters, ClientVaultState } from '../src/index.ts'
import type { Address, Cell, StateInit } from '@ton/core'
import type { Blockchain, SandboxContract, SendMessageResult, TreasuryContract } from '@ton/sandbox'
import type { KeyObject } from 'node:crypto'

export { START }
export const TON = 1_000_000_000n
export const EPOCH = BigInt(START) * 1_000n

export interface Lane { exists: boolean, cap: bigint, paid: bigint, epoch: bigint, keyIdx: number, unlockAt: number, gasLeft: bigint }
export interface VaultInfo { lastEpoch: bigint, locked: bigint, feeAccrued: bigint, lanes: number, free: bigint }

type Wallet = SandboxContract<TreasuryContract>

/** An Ed25519 key from a seed byte, through PKCS #8 (RFC 8410). */
export function privateKeyOf (byte: number): KeyObject {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, byte)])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

export function publicKeyOf (byte: number): Uint8Array {
  const { x } = privateKeyOf(byte).export({ format: 'jwk' }) as { x: string }
  return Uint8Array.from(Buffer.from(x, 'base64url'))
}

export function keyOf (byte: number): { publicKey: Uint8Array, sign(message: Uint8Array): Uint8Array } {
  const key = privateKeyOf(byte)
  return { publicKey: publicKeyOf(byte), sign: (message) => Uint8Array.from(sign(null, message, key)) }
}

/** What a voucher's signer signs. */
export function promiseHash (networkId: Uint8Array, vault: Uint8Array, payee: Uint8Array, epoch: bigint, cumulative: bigint): Uint8Array {
  return voucherHash({ networkId, vault, payee, epoch, cumulative })
}

/** Payees spread over the key space. */
export function somePayees (count: number, from: number = 0): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const account = new Uint8Array(32)
    new DataView(account.buffer).setUint32(0, Math.imul(from + i + 1, 0x9e3779b1) >>> 0)
    return account
  })
}

export function accountOf (address: Address): Uint8Array {
  return Uint8Array.from(address.hash)
}

/** One vault on the emulator, with everybody who has to do with it. */
export class VaultWorld {
  readonly chain: Blockchain
  readonly owner: Wallet
  readonly operator: Wallet
  readonly payee: Wallet
  readonly stranger: Wallet
  readonly treasury: Wallet
  readonly parameters: ClientVaultParameters
  readonly address: Address
  readonly signer = keyOf(1)

  private constructor (chain: Blockchain, wallets: readonly Wallet[], overrides: Partial<ClientVaultParameters>) {
    this.chain = chain;
    [this.owner, this.operator, this.payee, this.stranger, this.treasury] = wallets
    this.parameters = { networkId: new Uint8Array(32).fill(5), feeBps: 100, treasury: accountOf(this.treasury.address), unlockSeconds: 600, ...overrides }
    this.address = clientVaultAddress(accountOf(this.owner.address), this.parameters)
  }

  static async create (overrides: Partial<ClientVaultParameters> = {}): Promise<VaultWorld> {
    const chain = await freshChain()
    const wallets = await Promise.all(['owner', 'operator', 'payee', 'stranger', 'treasury'].map(async name => chain.treasury(name)))
    return new VaultWorld(chain, wallets, overrides)
  }

  /** Deployed with `depositNano`, signer 0 and the operator set. */
  static async ready (overrides: Partial<ClientVaultParameters> = {}, depositNano: bigint = 5n * TON): Promise<VaultWorld> {
    const world = await VaultWorld.create(overrides)
    await world.send(world.owner, clientVaultBodies.setUp({ signerKey: world.signer.publicKey, operator: accountOf(world.operator.address), dailyBudgetNano: 1_000n * TON }), depositNano, true)
    return world
  }

  /** The vault that another owner has under the same parameters. */
  vaultOf (owner: Uint8Array): { address: Address, init: StateInit } {
    return { address: clientVaultAddress(owner, this.parameters), init: clientVaultStateInit(owner, this.parameters) }
  }

  async send (from: Wallet, body: Cell, value: bigint = TON / 20n, deploy: boolean = false): Promise<SendMessageResult> {
    const init = deploy ? clientVaultStateInit(accountOf(this.owner.address), this.parameters) : undefined
    return this.chain.sendMessage(internal({ from: from.address, to: this.address, value, body, stateInit: init, bounce: true }))
  }

  async open (capNano: bigint, init: { from?: Wallet, epoch?: bigint, keyIdx?: number, payees?: readonly Uint8Array[] } = {}): Promise<SendMessageResult> {
    const payees = init.payees ?? [accountOf(this.payee.address)]
    return this.send(init.from ?? this.operator, clientVaultBodies.openLanes({
      epoch: init.epoch ?? EPOCH,
      keyIdx: init.keyIdx ?? 0,
      lanes: payees.map(payee => ({ payee, capNano }))
    }))
  }

  /** What a voucher's signer signs for a lane of this vault, in the first epoch unless told otherwise. */
  promise (payee: Uint8Array, cumulative: bigint, epoch: bigint = EPOCH): Uint8Array {
    return promiseHash(this.parameters.networkId, accountOf(this.address), payee, epoch, cumulative)
  }

  /** Opens this many lanes, the first for the payee, in epochs from `EPOCH` on; asserts that each opening lands. */
  async fill (lanes: number): Promise<void> {
    const payees = [accountOf(this.payee.address), ...somePayees(lanes - 1)]
    for (let at = 0; at < lanes; at += 15) {
      const result = await this.open(TON / 10n, { epoch: EPOCH + BigInt(at), payees: payees.slice(at, at + 15) })
      if (this.exitCode(result) !== 0) {
        throw new Error('a lane did not open')
      }
    }
  }

  /** Signs as the lane's signer unless told to sign something else. */
  redeemBody (cumulativeNano: bigint, changes: Partial<{ networkId: Uint8Array, vault: Uint8Array, payee: Uint8Array, epoch: bigint, claim: bigint, key: ReturnType<typeof keyOf> }> = {}): Cell {
    const payee = accountOf(this.payee.address)
    const hash = voucherHash({
      networkId: changes.networkId ?? this.parameters.networkId,
      vault: changes.vault ?? accountOf(this.address),
      payee: changes.payee ?? payee,
      epoch: changes.epoch ?? EPOCH,
      cumulative: cumulativeNano
    })
    return clientVaultBodies.redeem({ payee, cumulativeNano: changes.claim ?? cumulativeNano, signature: (changes.key ?? this.signer).sign(hash) })
  }

  async lane (payee: Uint8Array = accountOf(this.payee.address)): Promise<Lane> {
    const { stackReader: s } = await this.chain.runGetMethod(this.address, 'lane', [{ type: 'int', value: BigInt(`0x${Buffer.from(payee).toString('hex')}`) }])
    return { exists: s.readBoolean(), cap: s.readBigNumber(), paid: s.readBigNumber(), epoch: s.readBigNumber(), keyIdx: s.readNumber(), unlockAt: s.readNumber(), gasLeft: s.readBigNumber() }
  }

  async info (): Promise<VaultInfo> {
    const { stackReader: s } = await this.chain.runGetMethod(this.address, 'vault_info')
    s.skip(6)
    return { lastEpoch: s.readBigNumber(), locked: s.readBigNumber(), feeAccrued: s.readBigNumber(), lanes: s.readNumber(), free: s.readBigNumber() }
  }

  async operatorRole (): Promise<{ account: bigint, dailyBudgetNano: bigint, leftNano: bigint }> {
    const { stackReader: s } = await this.chain.runGetMethod(this.address, 'operator_role')
    return { account: s.readBigNumber(), dailyBudgetNano: s.readBigNumber(), leftNano: s.readBigNumber() }
  }

  /** The vault's data, read without a get-method. */
  async state (): Promise<ClientVaultState> {
    const { accountState } = await this.chain.getContract(this.address)
    if (accountState?.type !== 'active' || accountState.state.data == null) {
      throw new Error('the vault is not there')
    }
    return parseClientVaultState(accountState.state.data)
  }

  async balance (): Promise<bigint> {
    return (await this.chain.getContract(this.address)).balance
  }

  /** The vault's own transaction. */
  private transaction (result: SendMessageResult): SendMessageResult['transactions'][number] {
    const tx = result.transactions.find(t => t.inMessage?.info.dest?.toString() === this.address.toString())
    if (tx == null) {
      throw new Error('the vault received nothing')
    }
    return tx
  }

  exitCode (result: SendMessageResult): number {
    const tx = this.transaction(result)
    if (tx.description.type !== 'generic' || tx.description.computePhase.type !== 'vm') {
      throw new Error('the vault did not run')
    }
    return tx.description.computePhase.exitCode
  }

  /** What a wallet received from the vault in this result, nanoTON. */
  received (result: SendMessageResult, wallet: Wallet): bigint {
    return this.receivedBy(result, wallet.address)
  }

  receivedBy (result: SendMessageResult, account: Address): bigint {
    let sum = 0n
    for (const tx of result.transactions) {
      const info = tx.inMessage?.info
      if (info?.type === 'internal' && info.dest.equals(account) && info.src.equals(this.address)) {
        sum += info.value.coins
      }
    }
    return sum
  }

  /** Runs an action that must be refused with this code and change neither state nor, beyond rent, balance. */
  async refused (action: () => Promise<SendMessageResult>, code: number): Promise<void> {
    const before = { state: await this.state(), balance: await this.balance() }
    const result = await action()
    expect(this.exitCode(result)).to.equal(code)
    expect(await this.state()).to.deep.equal(before.state)
    const { description } = this.transaction(result)
    const rent = description.type === 'generic' ? description.storagePhase?.storageFeesCollected ?? 0n : 0n
    expect(before.balance - await this.balance(), 'moved by rent alone').to.equal(rent)
  }
}
