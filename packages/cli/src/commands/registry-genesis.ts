import { CLIENT_VAULT_CODE_HASH, PROVIDER_STAKE_CODE_HASH, REGISTRY_LIMITS, REGISTRY_NUMBERS } from '@cocoon-net/contracts'
import { CocoonError, fromHex } from '@cocoon-net/protocol'
import { entryOf, numberOf, valueOf } from './registry-words.ts'
import { accountArgument } from './wallet-access.ts'
import type { Invocation } from '../invocation.ts'
import type { RegistryGenesis } from '@cocoon-net/contracts'

const MAX_DELAY_SECONDS = 365 * 86_400

/** @throws {CocoonError} usage */
function delayOf ({ options: { delay }, config }: Invocation): number {
  if (delay === undefined) {
    return REGISTRY_LIMITS.delaySeconds
  }
  if (config.network !== undefined && config.network !== 'devnet') {
    throw new CocoonError('usage', `--delay is for devnets: elsewhere a loosening waits ${REGISTRY_LIMITS.delaySeconds} s, longer than stakes unbond`)
  }
  const seconds = Number(delay)
  if (!/^\d{1,9}$/.test(String(delay)) || seconds < 1 || seconds > MAX_DELAY_SECONDS) {
    throw new CocoonError('usage', `--delay is a whole number of seconds from 1 to ${MAX_DELAY_SECONDS}`)
  }
  return seconds
}

function pairs (option: unknown, what: string): Array<[string, string]> {
  return (option as string[] | undefined ?? []).map(text => {
    const at = text.indexOf(':')
    if (at < 1) {
      throw new CocoonError('usage', `--${what} is written NAME:VALUE`)
    }
    return [text.slice(0, at), text.slice(at + 1)]
  })
}

/**
 * What a registry begins with: this software's code of vaults and stakes, and what --entry and --bound add. Without
 * --governor none is named: it is whoever deploys it. Looks at no chain.
 *
 * @throws {CocoonError} usage
 */
export function registryGenesisOf (invocation: Invocation): Omit<RegistryGenesis, 'governor'> & { readonly governor?: Uint8Array } {
  const { governor, entry, bound } = invocation.options
  const entries = [
    { kind: 'vaultCode' as const, hash: fromHex(CLIENT_VAULT_CODE_HASH) },
    { kind: 'stakeCode' as const, hash: fromHex(PROVIDER_STAKE_CODE_HASH) },
    ...pairs(entry, 'entry').map(([kind, hash]) => entryOf(kind, hash))
  ]
  if (entries.length > REGISTRY_LIMITS.maxListed) {
    throw new CocoonError('usage', `A registry lists at most ${REGISTRY_LIMITS.maxListed} hashes`)
  }
  return {
    governor: governor === undefined ? undefined : accountArgument(invocation, String(governor), 'the governor'),
    delaySeconds: delayOf(invocation),
    entries,
    numbers: new Map(pairs(bound, 'bound').map(([word, value]) => {
      const name = numberOf(word)
      return [REGISTRY_NUMBERS[name], valueOf(name, value)]
    }))
  }
}
