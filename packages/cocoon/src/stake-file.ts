import { readFile, stat } from 'node:fs/promises'
import { providerStakeAddress } from '@cocoon-net/contracts'
import { CocoonError, accountFromAddress, accountFromText, accountToText, delegationHash, equalBytes, fromHex, parseDelegation } from '@cocoon-net/protocol'
import { verifyEd25519 } from '@cocoon-net/settlement'
import { z } from 'zod'
import type { ProviderStake, ShownDelegation } from '@cocoon-net/node'
import type { NetworkPreset } from '@cocoon-net/protocol'

const MAX_FILE_BYTES = 16_384

const hex = (bytes: number): z.ZodPipe<z.ZodString, z.ZodTransform<Uint8Array, string>> => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`)).transform(fromHex)

/** What `cocoon stake delegate --json` prints; what is not read here may stand beside it. */
const stakeFileSchema = z.object({
  /** The stake's owner, any notation of an address. */
  owner: z.string().max(100),
  ownerKey: hex(32),
  /** A bag of cells. */
  delegation: z.string().max(1_024).regex(/^(?:[0-9a-f]{2})+$/).transform(fromHex),
  signature: hex(64)
})

interface StakeFile { readonly account: Uint8Array, readonly shown: ShownDelegation }

/** @throws {CocoonError} file_unusable */
async function readStakeFile (path: string, network: Pick<NetworkPreset, 'networkId' | 'stake'>): Promise<StakeFile> {
  const unusable = (why: string, cause?: unknown): CocoonError => new CocoonError('file_unusable', `${path} ${why}`, { cause })
  let owner: Uint8Array
  let file: z.output<typeof stakeFileSchema>
  let account: Uint8Array
  let hash: Uint8Array
  try {
    if ((await stat(path)).size > MAX_FILE_BYTES) {
      throw unusable('is too large')
    }
    file = stakeFileSchema.parse(JSON.parse(await readFile(path, 'utf8')))
    owner = accountFromText(file.owner)
    const delegation = parseDelegation(file.delegation)
    account = delegation.stake
    hash = delegationHash(delegation)
  } catch (error) {
    throw unusable('is not what `cocoon stake delegate --json` writes', error)
  }
  const own = accountFromAddress(providerStakeAddress({ account: owner, ownerKey: file.ownerKey }, { networkId: network.networkId, ...network.stake }))
  if (!equalBytes(own, account)) {
    throw unusable(`is for the stake ${accountToText(account)}, and on this network its owner's is ${accountToText(own)}`)
  }
  if (!verifyEd25519(file.ownerKey, hash, file.signature)) {
    throw unusable('is not signed by the stake\'s owner key')
  }
  return { account, shown: { cell: file.delegation, signature: file.signature } }
}

/**
 * The stake that a provider sells under, from the file that its owner wrote: read again for each offer, so that a new
 * delegation in the same file is taken up by itself.
 *
 * @throws {CocoonError} file_unusable
 */
export async function openStakeFile (path: string, network: Pick<NetworkPreset, 'networkId' | 'stake'>): Promise<ProviderStake> {
  const { account } = await readStakeFile(path, network)
  return { account, delegation: async () => (await readStakeFile(path, network)).shown }
}
