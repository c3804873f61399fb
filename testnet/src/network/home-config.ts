import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Lets commands be used with the home of a process of the network. `genesis`: how the network is named, hex. */
export async function writeHomeConfig (home: string, { genesis, chainUrl }: { genesis: string, chainUrl: string }): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o700 })
  await writeFile(join(home, 'config.json'), `${JSON.stringify({ network: 'devnet', devnetGenesis: genesis, chainUrl }, null, 2)}\n`, { mode: 0o600 })
}
