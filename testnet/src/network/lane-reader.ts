import { Address } from '@ton/core'
import { TonClient } from '@ton/ton'

/** What a vault's lane shows as paid, read with a client of its own; 0 while there is no lane. */
export interface LaneReader {
  paidNano(): Promise<bigint>
  /** Whether the lane is open on chain. */
  exists(): Promise<boolean>
}

export function createLaneReader (init: { endpoint: string, vault: string, payee: string }): LaneReader {
  const client = new TonClient({ endpoint: init.endpoint })
  const read = async (): Promise<{ exists: boolean, paidNano: bigint }> => {
    const payee = BigInt(`0x${Address.parse(init.payee).hash.toString('hex')}`)
    const { exit_code: exitCode, stack } = await client.runMethodWithError(Address.parse(init.vault), 'lane', [{ type: 'int', value: payee }])
    if ((exitCode !== 0 && exitCode !== 1) || !stack.readBoolean()) {
      return { exists: false, paidNano: 0n }
    }
    stack.readBigNumber()
    return { exists: true, paidNano: stack.readBigNumber() }
  }
  return {
    exists: async () => (await read()).exists,
    paidNano: async () => (await read()).paidNano
  }
}
