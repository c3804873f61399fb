import { closeHash } from '@cocoon-net/protocol'
import { clientVaultBodies as bodies } from '../src/index.ts'
import { EPOCH, TON, VaultWorld, accountOf, promiseHash, publicKeyOf, somePayees } from './vault-world.ts'
import { RealWallet } from './wallets.ts'
import type { WalletVersion } from './wallets.ts'
import type { LaneOrder } from '../src/index.ts'
import type { Cell } from '@ton/core'
import type { SendMessageResult } from '@ton/sandbox'

/** Where the money of one message goes, nanoTON; `allIn` is what its sender is poorer by, what it is paid not counted. */
export interface Bill {
  /** Units of gas in the contract. */
  readonly gas: number
  readonly allIn: number
  /** The sender's wallet: import of the external message, storage and gas. */
  readonly wallet: number
  /** Carrying the message to the contract. */
  readonly there: number
  readonly contract: number
  /** Carrying what the contract sends, and its recipients' gas; below zero where the contract repays its sender's costs. */
  readonly back: number
}

export type GasTable = Record<string, Bill>

/** Reads the bill of one external message off its transactions. */
export function billOf (result: SendMessageResult, sender: RealWallet, contract: RealWallet['address'], allIn: bigint): Bill {
  const [first] = result.transactions
  const tx = result.transactions.find(t => t.inMessage?.info.dest?.toString() === contract.toString())
  const sent = first.outMessages.values()[0]
  if (tx?.description.type !== 'generic' || tx.description.computePhase.type !== 'vm' || sent.info.type !== 'internal' || first.description.type !== 'generic') {
    throw new Error('the contract did not run')
  }
  if (tx.description.computePhase.exitCode !== 0) {
    throw new Error(`exit code ${tx.description.computePhase.exitCode}`)
  }
  const there = first.description.actionPhase?.totalFwdFees ?? 0n
  const inside = tx.description.computePhase.gasFees
  const wallet = first.totalFees.coins - (first.description.actionPhase?.totalActionFees ?? 0n)
  return { gas: Number(tx.description.computePhase.gasUsed), allIn: Number(allIn), wallet: Number(wallet), there: Number(there), contract: Number(inside), back: Number(allIn - wallet - there - inside) }
}

/** Every named step of a vault, paid by real wallets of this version. */
export async function measureVault (version: WalletVersion): Promise<GasTable> {
  const table: GasTable = {}
  const world = await VaultWorld.create()
  const owner = new RealWallet(world.chain, version, 21)
  const payee = new RealWallet(world.chain, version, 22)
  const stranger = new RealWallet(world.chain, version, 23)
  for (const wallet of [owner, payee, stranger]) {
    await wallet.fund(200n * TON)
  }
  const vault = world.vaultOf(owner.account)
  const value = 50_000_000n
  const take = async (name: string, from: RealWallet, body: Cell, gained: bigint = 0n, sent: bigint = value): Promise<void> => {
    const before = await from.balance()
    const result = await from.send({ to: vault.address, value: sent, body, init: name === 'set up' ? vault.init : undefined })
    // what the vault keeps is no cost
    const kept = name === 'set up' ? (await world.chain.getContract(vault.address)).balance : 0n
    table[name] = billOf(result, from, vault.address, before - await from.balance() + gained - kept)
  }
  let epoch = EPOCH
  const open = (payees: readonly Uint8Array[], capNano: bigint = TON): Cell => {
    epoch += 1n
    return bodies.openLanes({ epoch, keyIdx: 0, lanes: payees.map((p): LaneOrder => ({ payee: p, capNano })) })
  }
  const laneEpoch = EPOCH + 1n
  const sign = (cumulativeNano: bigint): Uint8Array => world.signer.sign(promiseHash(world.parameters.networkId, accountOf(vault.address), payee.account, laneEpoch, cumulativeNano))
  const redeem = (cumulativeNano: bigint): Cell => bodies.redeem({ cumulativeNano, signature: sign(cumulativeNano) })

  await take('set up', owner, bodies.setUp({ signerKey: world.signer.publicKey, operator: new Uint8Array(32) }), 0n, 100n * TON)
  await take('open 1 lane', owner, open([payee.account]))
  await take('redeem at 1 lane', payee, redeem(1_000_000n), 990_000n)
  await take('open 8 lanes', owner, open(somePayees(8)))
  const operator = new RealWallet(world.chain, version, 25)
  await operator.fund(200n * TON)
  await take('change the operator', owner, bodies.setOperator(operator.account, 100n * TON))
  await take('open 8 lanes as operator', operator, open(somePayees(8, 8), TON / 10n))
  for (let at = 16; at < 96; at += 8) {
    await take(`open 8 lanes at ${at + 1} lanes`, owner, open(somePayees(8, at), TON / 10n))
  }
  // the payee's lane took the first counter; the dearest redeem is one whose counter is not in the root
  await take('redeem at 97 lanes', payee, redeem(2_000_000n), 990_000n)
  const late = new RealWallet(world.chain, version, 24)
  await late.fund(200n * TON)
  await take('open 8 lanes at 97 lanes as operator', operator, open([late.account, ...somePayees(7, 96)], TON / 10n))
  const lateHash = promiseHash(world.parameters.networkId, accountOf(vault.address), late.account, epoch, 1_000_000n)
  await take('redeem at 105 lanes, dearest counter', late, bodies.redeem({ cumulativeNano: 1_000_000n, signature: world.signer.sign(lateHash) }), 990_000n)
  await take('redeem for another at 105 lanes', stranger, bodies.redeem({ payee: payee.account, cumulativeNano: 3_000_000n, signature: sign(3_000_000n) }))
  await take('top up a lane at 105 lanes', owner, bodies.openLanes({ epoch: laneEpoch, keyIdx: 0, lanes: [{ payee: payee.account, capNano: TON }] }))
  await take('start an unlock', owner, bodies.startUnlock(payee.account), -20_000_000n)
  await take('redeem while unlocking, refunded', payee, redeem(20_000_000n), 16_830_000n)
  await take('flush the fee', stranger, bodies.flushFee())
  await take('withdraw', owner, bodies.withdraw(TON), TON)
  await take('release a lane', late, bodies.releaseLane())
  await take('finish an unlock', stranger, (world.chain.now = (world.chain.now ?? 0) + 1_000, bodies.finishUnlock(payee.account)))
  await take('reopen a lane', owner, open([payee.account]))
  const last = closeHash({ networkId: world.parameters.networkId, vault: accountOf(vault.address), payee: payee.account, epoch, cumulative: 1_000_000n })
  const wallet = { version, walletId: payee.walletId, publicKey: publicKeyOf(payee.seed) }
  await take('close a lane together', payee, bodies.closeLane({ payee: payee.account, cumulativeNano: 1_000_000n, wallet, signerSignature: world.signer.sign(last), payeeSignature: payee.sign(last) }), 990_000n)
  await take('add a signer', owner, bodies.addSigner({ idx: 1, key: publicKeyOf(2) }))
  await take('retire a signer', owner, bodies.retireSigner(1))
  return table
}
