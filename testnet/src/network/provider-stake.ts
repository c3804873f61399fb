import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PROVIDER_STAKE_LIMITS, providerStakeAddress, providerStakeBodies, providerStakeStateInit } from '@cocoon-net/contracts'
import { accountFromAddress, accountToText, buildDelegationCell, cellToBytes, delegationHash, toHex } from '@cocoon-net/protocol'
import { createChainReader, ed25519Signer, loadOrCreateKey, readStake, walletAccount } from '@cocoon-net/settlement'
import { seededBytes } from './seed.ts'
import type { NodeMoney } from '@cocoon-net/cocoon'
import type { StakeOwner } from '@cocoon-net/contracts'
import type { NetworkPreset } from '@cocoon-net/protocol'

/** Nobody renews a local network's delegations. */
const DELEGATION_SECONDS = 366 * 86_400
/** What the wallet and the deposit's message cost, and some more. */
const FEES_NANO = 500_000_000n
const GAS_NANO = 50_000_000n
const FAUCET_TIMEOUT_MS = 30_000

/** A stake that is named before it is there. */
export interface PreparedStake {
  /** What `cocoon stake delegate --json` would write. */
  readonly file: string
  readonly account: Uint8Array
  readonly owner: StakeOwner
}

export interface PrepareStakeInit {
  readonly home: string
  readonly name: string
  readonly network: NetworkPreset
  readonly seed?: string
}

/**
 * Delegates a stake to a provider's receipt key. On a local network the provider's own wallet owns the stake and the owner
 * key lies beside it, so that `cocoon stake --home HOME` shows and moves it; elsewhere both are kept outside the guest.
 */
export async function prepareStake ({ home, name, network, seed }: PrepareStakeInit): Promise<PreparedStake> {
  const keyOf = async (key: string): Promise<ReturnType<typeof ed25519Signer>> =>
    ed25519Signer(await loadOrCreateKey(join(home, 'keys', `${key}.key`), seed == null ? {} : { random: () => seededBytes(seed, `${name}/${key}`) }))
  const [wallet, receipt, ownerKey] = await Promise.all([keyOf('wallet'), keyOf('receipt'), keyOf('stake')])
  const owner = { account: walletAccount(wallet.publicKey, network.tonGlobalId), ownerKey: ownerKey.publicKey }
  const account = accountFromAddress(providerStakeAddress(owner, { networkId: network.networkId, ...network.stake }))
  const delegation = { networkId: network.networkId, stake: account, receiptKey: receipt.publicKey, notAfter: BigInt(Math.floor(Date.now() / 1_000) + DELEGATION_SECONDS) }
  const file = join(home, 'stake.json')
  const value = {
    owner: accountToText(owner.account),
    ownerKey: toHex(owner.ownerKey),
    delegation: toHex(cellToBytes(buildDelegationCell(delegation))),
    signature: toHex(ownerKey.sign(delegationHash(delegation)))
  }
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
  return { file, account, owner }
}

export interface BondStakeInit {
  readonly stake: PreparedStake
  readonly amountNano: bigint
  readonly network: NetworkPreset
  readonly chainUrl: string
  readonly money: Pick<NodeMoney, 'account' | 'send'>
}

/**
 * Deploys and bonds a prepared stake with coins of the faucet; one that is there already, or was slashed, stays as it is.
 *
 * @throws {CocoonError} chain_unavailable, chain_rejected, timeout
 */
export async function bondStake ({ stake, amountNano, network, chainUrl, money }: BondStakeInit): Promise<void> {
  if (await readStake(createChainReader({ endpoint: chainUrl }), network, stake.account) != null) {
    return
  }
  const valueNano = amountNano + PROVIDER_STAKE_LIMITS.reserveNano + GAS_NANO
  const response = await fetch(new URL('/devnet/faucet', chainUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ address: accountToText(money.account), amountNano: String(valueNano + FEES_NANO) }),
    signal: AbortSignal.timeout(FAUCET_TIMEOUT_MS)
  })
  if (!response.ok) {
    throw new Error(`the faucet answers with ${response.status}`)
  }
  await money.send([{ to: stake.account, valueNano, init: providerStakeStateInit(stake.owner, { networkId: network.networkId, ...network.stake }), body: providerStakeBodies.deposit(amountNano) }])
}
