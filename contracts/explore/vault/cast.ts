/** Everybody who has to do with one vault, and every message that they can send, each signed and encoded once. */
import { closeHash, voucherHash } from '@cocoon-net/protocol'
import { Address, beginCell } from '@ton/core'
import { WalletContractV4 } from '@ton/ton'
import { clientVaultBodies as bodies } from '../../src/index.ts'
import { keyOf } from '../../test/vault-world.ts'
import { envelope } from '../executor.ts'
import { hex } from './view.ts'
import type { Envelope } from '../executor.ts'
import type { Cell } from '@ton/core'

export type DeedKind = 'topUp' | 'setUp' | 'addSigner' | 'retireSigner' | 'setOperator' | 'open' | 'redeem' | 'startUnlock' |
  'finishUnlock' | 'release' | 'close' | 'withdraw' | 'flushFee' | 'bounced' | 'junk'

/** One message to the vault, with all that decides whether it has to be obeyed. Accounts and keys are hex. */
export interface Deed {
  readonly kind: DeedKind
  readonly label: string
  readonly sender: string
  readonly valueNano: bigint
  readonly envelope: Envelope
  readonly payee?: string
  readonly epoch?: bigint
  /** The key that signed. */
  readonly key?: string
  readonly keyIdx?: number
  readonly cumulativeNano?: bigint
  readonly amountNano?: bigint
  readonly lanes?: ReadonlyArray<{ readonly payee: string, readonly capNano: bigint }>
  readonly operator?: string
  readonly dailyBudgetNano?: bigint
  /** Signatures that are not what the message says. */
  readonly forged?: boolean
}

export const MESSAGE_VALUE = 200_000_000n

export interface Signer { readonly publicKey: Uint8Array, sign(message: Uint8Array): Uint8Array }

const NAMES = ['owner', 'operator', 'stranger', 'treasury'] as const

export function bytes (text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'))
}

function walletOf (signer: Signer): WalletContractV4 {
  return WalletContractV4.create({ workchain: 0, publicKey: Buffer.from(signer.publicKey) })
}

type Details = Partial<Omit<Deed, 'kind' | 'label' | 'sender' | 'envelope'>>

/** Parties of one vault: `owner`, `operator`, `stranger`, `treasury`, payees `A`, `B`, … and voucher signers 0, 1, … */
export class Cast {
  readonly networkId = hex(new Uint8Array(32).fill(5))
  readonly payees: readonly string[]
  readonly signers: readonly Signer[]
  private readonly wallets: readonly Signer[]
  private readonly accounts = new Map<string, string>()
  private readonly names = new Map<string, string>()
  private readonly signatures = new Map<string, Uint8Array>()
  private address = ''

  constructor (payees: number, signers: number) {
    this.signers = Array.from({ length: signers }, (_, i) => keyOf(1 + i))
    this.wallets = Array.from({ length: payees }, (_, i) => keyOf(0x40 + i))
    NAMES.forEach((name, i) => this.name(name, hex(new Uint8Array(32).fill(0xa0 + i))))
    this.payees = this.wallets.map((wallet, i) => this.name(String.fromCharCode(65 + i), hex(walletOf(wallet).address.hash)))
  }

  private name (name: string, account: string): string {
    this.accounts.set(name, account)
    this.names.set(account, name)
    return account
  }

  /** The account of a name, hex. */
  at (name: string): string {
    return this.accounts.get(name) ?? ''
  }

  nameOf (account: string): string {
    return this.names.get(account) ?? account.slice(0, 8)
  }

  /** From here on, messages go to this vault. */
  aim (address: Address): void {
    this.address = address.hash.toString('hex')
  }

  keyOfSigner (idx: number): string {
    return hex(this.signers[idx].publicKey)
  }

  private deed (kind: DeedKind, label: string, from: string, body: Cell, details: Details & { isBounced?: boolean } = {}): Deed {
    const { isBounced = false, ...rest } = details
    const valueNano = details.valueNano ?? MESSAGE_VALUE
    const address = (account: string): Address => new Address(0, Buffer.from(account, 'hex'))
    const sender = this.at(from)
    const out = envelope(address(sender), address(this.address), valueNano, body, { bounced: isBounced })
    return { ...rest, kind, label: `${from}: ${kind} ${label}`.trimEnd(), sender, valueNano, envelope: out }
  }

  private signed (what: string, signer: Signer, hash: () => Uint8Array): Uint8Array {
    const key = `${hex(signer.publicKey)} ${what}`
    let out = this.signatures.get(key)
    if (out == null) {
      out = signer.sign(hash())
      this.signatures.set(key, out)
    }
    return out
  }

  topUp (from: string, valueNano: bigint): Deed {
    return this.deed('topUp', `${valueNano}`, from, bodies.topUp(), { valueNano })
  }

  plainCoins (from: string, valueNano: bigint): Deed {
    return this.deed('topUp', `plain ${valueNano}`, from, beginCell().endCell(), { valueNano })
  }

  setUp (from: string, dailyBudgetNano: bigint): Deed {
    const operator = this.at('operator')
    return this.deed('setUp', '', from, bodies.setUp({ signerKey: this.signers[0].publicKey, operator: bytes(operator), dailyBudgetNano }), { key: this.keyOfSigner(0), operator, dailyBudgetNano })
  }

  addSigner (from: string, idx: number): Deed {
    return this.deed('addSigner', `${idx}`, from, bodies.addSigner({ idx, key: this.signers[idx].publicKey }), { keyIdx: idx, key: this.keyOfSigner(idx) })
  }

  retireSigner (from: string, idx: number): Deed {
    return this.deed('retireSigner', `${idx}`, from, bodies.retireSigner(idx), { keyIdx: idx })
  }

  setOperator (from: string, to: string, dailyBudgetNano: bigint): Deed {
    const operator = to === '' ? '0'.repeat(64) : this.at(to)
    return this.deed('setOperator', `${to} ${dailyBudgetNano}`, from, bodies.setOperator(bytes(operator), dailyBudgetNano), { operator, dailyBudgetNano })
  }

  open (from: string, epoch: bigint, keyIdx: number, caps: Readonly<Record<string, bigint>>, valueNano: bigint = MESSAGE_VALUE): Deed {
    const lanes = Object.entries(caps).map(([payee, capNano]) => ({ payee: this.at(payee), capNano }))
    const body = bodies.openLanes({ epoch, keyIdx, lanes: lanes.map(({ payee, capNano }) => ({ payee: bytes(payee), capNano })) })
    const label = Object.entries(caps).map(([payee, cap]) => `${payee}+${cap}`).join(' ')
    return this.deed('open', `epoch ${epoch} signer ${keyIdx} ${label}`, from, body, { epoch, keyIdx, lanes, valueNano })
  }

  /** A voucher of this payee, epoch and signer; `claimNano` is what the message says where that differs. */
  redeem (from: string, payee: string, epoch: bigint, keyIdx: number, cumulativeNano: bigint, claimNano: bigint = cumulativeNano): Deed {
    const account = this.at(payee)
    const signature = this.signed(`voucher ${payee} ${epoch} ${cumulativeNano}`, this.signers[keyIdx], () => voucherHash({
      networkId: bytes(this.networkId), vault: bytes(this.address), payee: bytes(account), epoch, cumulative: cumulativeNano
    }))
    const body = bodies.redeem({ payee: bytes(account), cumulativeNano: claimNano, signature })
    return this.deed('redeem', `${payee} epoch ${epoch} signer ${keyIdx} ${claimNano}`, from, body, {
      payee: account, epoch, key: this.keyOfSigner(keyIdx), cumulativeNano: claimNano, forged: claimNano !== cumulativeNano
    })
  }

  /** Both signatures over one last sum; `payeeSigner` signs in place of the payee where it is not the payee. */
  close (from: string, payee: string, epoch: bigint, keyIdx: number, cumulativeNano: bigint, payeeSigner: string = payee): Deed {
    const account = this.at(payee)
    const what = `close ${payee} ${epoch} ${cumulativeNano}`
    const hash = (): Uint8Array => closeHash({ networkId: bytes(this.networkId), vault: bytes(this.address), payee: bytes(account), epoch, cumulative: cumulativeNano })
    const wallet = this.wallets[payee.charCodeAt(0) - 65]
    const body = bodies.closeLane({
      payee: bytes(account),
      cumulativeNano,
      wallet: { version: 'v4r2', walletId: walletOf(wallet).walletId, publicKey: wallet.publicKey },
      signerSignature: this.signed(what, this.signers[keyIdx], hash),
      payeeSignature: this.signed(what, this.wallets[payeeSigner.charCodeAt(0) - 65], hash)
    })
    return this.deed('close', `${payee} epoch ${epoch} signer ${keyIdx} ${cumulativeNano}`, from, body, {
      payee: account, epoch, key: this.keyOfSigner(keyIdx), cumulativeNano, forged: payee !== payeeSigner
    })
  }

  startUnlock (from: string, payee: string, valueNano: bigint = MESSAGE_VALUE): Deed {
    return this.deed('startUnlock', payee, from, bodies.startUnlock(bytes(this.at(payee))), { payee: this.at(payee), valueNano })
  }

  finishUnlock (from: string, payee: string): Deed {
    return this.deed('finishUnlock', payee, from, bodies.finishUnlock(bytes(this.at(payee))), { payee: this.at(payee) })
  }

  release (from: string): Deed {
    return this.deed('release', '', from, bodies.releaseLane(), { payee: this.at(from) })
  }

  withdraw (from: string, amountNano: bigint): Deed {
    return this.deed('withdraw', `${amountNano}`, from, bodies.withdraw(amountNano), { amountNano })
  }

  flushFee (from: string): Deed {
    return this.deed('flushFee', '', from, bodies.flushFee())
  }

  /** A message of the vault comes back; nobody can forge the flag, any sender can be where it went. */
  bounced (from: string, valueNano: bigint): Deed {
    const body = beginCell().storeUint(0xffffffff, 32).storeUint(0x43560010, 32).endCell()
    return this.deed('bounced', `${valueNano}`, from, body, { valueNano, isBounced: true })
  }

  /** A body that no message has: an unknown opcode, a known one cut short, a known one with bits left over. */
  junk (from: string, label: string, body: Cell): Deed {
    return this.deed('junk', label, from, body)
  }
}
