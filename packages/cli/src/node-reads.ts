import { CocoonError, accountFromText, toHex } from '@cocoon-net/protocol'
import { createChainReader } from '@cocoon-net/settlement'
import { readVault, vaultObject } from './commands/vault-view.ts'
import { friendlyText } from './commands/wallet-access.ts'
import type { CocoonNode } from '@cocoon-net/cocoon'

/** Which chain the node uses; commands of a home without a wallet use the same. */
export interface NodeChain {
  readonly endpoint: string
  readonly secondEndpoint?: string
  readonly apiKey?: string
  /** 64 hex digits; of a devnet. */
  readonly devnetGenesis?: string
}

/** What `cocoon doctor`, `explain`, `vault`, `wallet` and `settle ledger` ask a node that runs. None of it changes state. */
export function nodeReads (node: CocoonNode, chain: NodeChain): Readonly<Record<string, (query: URLSearchParams) => Promise<unknown>>> {
  return {
    status: async () => ({
      peerId: node.peerId,
      network: node.network.name,
      addresses: node.addresses,
      ...(node.provider === undefined ? {} : { tier: node.provider.tier, ...node.provider.summary() }),
      ...(node.client === undefined ? {} : { ready: node.client.ready() })
    }),
    wallet: async () => {
      const { wallet, walletNano } = await node.wallet()
      return { network: node.network.name, wallet, address: friendlyText(accountFromText(wallet), node.network), walletNano }
    },
    vault: async () => {
      if (node.client === undefined) {
        throw new CocoonError('usage', 'This node has no vault: it sells and does not buy')
      }
      const { wallet } = await node.wallet()
      return vaultObject(await readVault({ network: node.network, port: createChainReader(chain), owner: accountFromText(wallet) }))
    },
    chain: async () => ({
      network: node.network.kind,
      devnetGenesis: chain.devnetGenesis,
      endpoint: chain.endpoint,
      secondEndpoint: chain.secondEndpoint,
      wallet: (await node.wallet()).wallet,
      voucherKey: node.money?.voucherKey === undefined ? undefined : toHex(node.money.voucherKey)
    }),
    ledger: async () => ({ ledger: await node.ledger() }),
    explain: async query => {
      const model = query.get('model')
      return { requests: node.explain().filter(entry => model === null || entry.model === model || entry.model.startsWith(`${model}@`)) }
    }
  }
}
