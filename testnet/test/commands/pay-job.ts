import { join } from 'node:path'
import { clientVault } from '@cocoon-net/contracts'
import { devnetPreset } from '@cocoon-net/protocol'
import { createClientPayments, createProviderPayments, createTonPort, createWallet, ed25519Signer, loadKey, openKeyValue } from '@cocoon-net/settlement'
import type { CommandHome } from './home.ts'
import type { Devnet } from '../../src/devnet/index.ts'
import type { NetworkPreset } from '@cocoon-net/protocol'
import type { ClientPayments, ProviderPayments, Signer, TonPort } from '@cocoon-net/settlement'

/** Peer ids as multihash bytes. */
const PEERS = { client: new Uint8Array(34).fill(1), provider: new Uint8Array(34).fill(2) }
const POLL_MS = 50

export interface HomeInit {
  readonly devnet: Devnet
  readonly network?: NetworkPreset
  nowMs (): number
}

interface HomeParts {
  readonly network: NetworkPreset
  readonly port: TonPort
  readonly vaults: ReturnType<typeof clientVault>
  readonly signer: Signer
  readonly wallet: ReturnType<typeof createWallet>
}

async function partsOf (home: CommandHome, { devnet, network = devnetPreset(devnet.genesis), nowMs }: HomeInit): Promise<HomeParts> {
  const port = createTonPort({ endpoint: devnet.endpoint, nowMs })
  const signer = ed25519Signer(await loadKey(join(home.folder, 'keys', 'wallet.key')))
  return {
    network,
    port,
    vaults: clientVault({ networkId: network.networkId, ...network.vault }),
    signer,
    wallet: createWallet({ signer, port, globalId: network.tonGlobalId, pollMs: POLL_MS })
  }
}

/** The payer's records of a home, as a node would use them. */
export async function payerOf (home: CommandHome, init: HomeInit): Promise<{ payments: ClientPayments, wallet: HomeParts['wallet'] }> {
  const { signer: _, ...parts } = await partsOf(home, init)
  const voucherSigner = ed25519Signer(await loadKey(join(home.folder, 'keys', 'voucher.key')))
  return { wallet: parts.wallet, payments: createClientPayments({ ...parts, voucherSigner, kv: await openKeyValue(join(home.folder, 'client')) }) }
}

/** The payee's records of a home, as a node would use them. */
export async function earnerOf (home: CommandHome, init: HomeInit): Promise<{ payments: ProviderPayments, wallet: HomeParts['wallet'], walletKey: Uint8Array }> {
  const { signer, ...parts } = await partsOf(home, init)
  const payments = createProviderPayments({ ...parts, payee: parts.wallet.account, payeeSigner: signer, kv: await openKeyValue(join(home.folder, 'provider')) })
  return { wallet: parts.wallet, walletKey: signer.publicKey, payments }
}

/** A job through the records of both homes, as two nodes would leave them. */
export async function payJob (init: HomeInit & { client: CommandHome, provider: CommandHome, nonce: Uint8Array, chargeNano: bigint, vouchedNano?: bigint }): Promise<void> {
  const { client, provider, nonce, chargeNano, vouchedNano = chargeNano } = init
  const { payments: payer } = await payerOf(client, init)
  const { payments: earner, wallet: { account: payee } } = await earnerOf(provider, init)
  await payer.start()
  await earner.start()
  try {
    const lane = await payer.lane(payee)
    await lane.ready()
    const { laneKey, frame } = await earner.openLane(lane.open(PEERS), PEERS)
    await lane.adopt(frame)
    const job = lane.beginJob({ clientNonce: nonce, maxChargeNano: vouchedNano })
    const meter = await earner.beginJob({ laneKey, clientNonce: nonce, maxChargeNano: vouchedNano, windowNano: vouchedNano })
    const voucher = await job.voucherUpTo(vouchedNano)
    if (voucher != null) {
      await earner.pay(laneKey, voucher)
    }
    await meter.waitFor(chargeNano)
    const last = await job.finish(chargeNano)
    if (last != null) {
      await earner.pay(laneKey, last)
    }
    const { paidNano, debtNano } = await meter.finish(chargeNano)
    if (paidNano !== chargeNano || debtNano !== 0n) {
      throw new Error(`the job paid ${paidNano} and owes ${debtNano}`)
    }
  } finally {
    await payer.stop()
    await earner.stop()
  }
}
