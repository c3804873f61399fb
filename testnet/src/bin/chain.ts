/** The devnet chain of a local network, as its own process. */
import { fromHex, toHex } from '@cocoon-net/protocol'
import { Cell, loadStateInit } from '@ton/core'
import { startDevnet } from '../devnet/index.ts'
import { runChild } from '../network/child-main.ts'
import type { Devnet } from '../devnet/index.ts'
import type { DevnetConfig } from '../network/configs.ts'

let devnet: Devnet | undefined

runChild({
  start: async (config: DevnetConfig) => {
    const begin = config.begin?.map(({ address, amountNano, init }) =>
      ({ address, amountNano: BigInt(amountNano), init: init == null ? undefined : loadStateInit(Cell.fromBase64(init).beginParse()) }))
    devnet = await startDevnet({ home: config.home, port: config.port, genesis: fromHex(config.genesis), begin })
    return { endpoint: devnet.endpoint, url: devnet.url, genesis: toHex(devnet.genesis) }
  }
}, async () => { await devnet?.stop() })
