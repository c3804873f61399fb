import { CocoonError } from '@cocoon-net/protocol'
import type { CocoonNode } from '@cocoon-net/cocoon'

type Read = (query: URLSearchParams) => Promise<unknown>

/** What `cocoon explain`, `vault`, `wallet` and `doctor` ask a node that runs. None of it changes state. */
export function gatewayReads (node: CocoonNode): Readonly<Record<string, Read>> {
  return {
    status: async () => ({ peerId: node.peerId, network: node.network.name, addresses: node.addresses, ready: node.client?.ready() }),
    wallet: async () => {
      const { wallet, walletNano } = await node.wallet()
      return { wallet, walletNano }
    },
    vault: async () => {
      const { vault, vaultNano } = await node.wallet()
      if (vault == null) {
        throw new CocoonError('usage', 'this node has no vault')
      }
      return { vault, vaultNano, ledger: await node.ledger() }
    },
    explain: async query => {
      const model = query.get('model')
      return { requests: node.explain().filter(entry => model == null || entry.model === model || entry.model.startsWith(`${model}@`)) }
    }
  }
}
