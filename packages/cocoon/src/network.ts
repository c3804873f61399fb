import { CocoonError, MAINNET, TESTNET, devnetPreset, digestFromHex } from '@cocoon-net/protocol'
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
    return devnetPreset(digestFromHex(option.devnet))
  } catch (error) {
    throw new CocoonError('config_invalid', 'a devnet\'s genesis has 64 hex digits', { cause: error })
  }
}
