import { CocoonError, MAINNET, TESTNET, devnetPreset, parseDevnetText } from '@cocoon-net/protocol'
import type { NetworkOption } from './options.ts'
import type { NetworkPreset } from '@cocoon-net/protocol'

/** @throws {CocoonError} config_invalid */
export function networkOf (option: NetworkOption): NetworkPreset {
  if (option === 'mainnet') {
    return MAINNET
  }
  if (option === 'testnet') {
    return TESTNET
  }
  try {
    const { genesis, registry } = parseDevnetText(option.devnet)
    return devnetPreset(genesis, registry)
  } catch (error) {
    throw new CocoonError('config_invalid', 'a devnet is named by the 64 hex digits of its genesis, or 128 when it has a registry', { cause: error })
  }
}
