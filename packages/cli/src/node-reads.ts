import { CocoonError, accountFromText } from '@cocoon-net/protocol'
import { createTonPort } from '@cocoon-net/settlement'
import { readVault, vaultObject } from './commands/vault-view.ts'
import { friendlyText } from './commands/wallet-access.ts'
import type { CocoonNode } from '@cocoon-net/cocoon'

/** What `cocoon doctor`, `explain`, `vault`, `wallet` and `settle ledger` ask a node that runs. None of it changes state. */
export function nodeReads (node: CocoonNode, chainUrl: string): Readonly<Record<string, (query: URLSearchParams) => Promise<unknown>>> {
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
      return vaultObject(await readVault({ network: node.network, port: createTonPort({ endpoint: chainUrl }), owner: accountFromText(wallet) }))
    },
    ledger: async () => ({ ledger: await node.ledger() }),
    explain: async query => {
      const model = query.get('model')
      return { requests: node.explain().filter(entry => model === null || entry.model === model || entry.model.startsWith(`${model}@`)) }
    }
  }
}
