import { Address } from '@ton/core'
import { CLIENT_VAULT_ERRORS, PROVIDER_STAKE_ERRORS, REGISTRY_ERRORS, clientVaultBodies, providerStakeBodies, registryBodies } from '../src/index.ts'
import { RegistryWorld } from './registry-world.ts'
import { StakeWorld } from './stake-world.ts'
import { EPOCH, TON, VaultWorld, accountOf, keyOf, somePayees } from './vault-world.ts'

/** The account of the masterchain with the same 256 bits. */
function twin<W extends { readonly address: Address }> (wallet: W): W {
  return { ...wallet, address: new Address(-1, wallet.address.hash) }
}

describe('a sender of the masterchain with the bits of somebody of the basechain', () => {
  it('is not the vault\'s owner, operator or payee', async () => {
    const world = await VaultWorld.ready()
    await world.open(TON / 10n)
    const payee = accountOf(world.payee.address)
    const another = clientVaultBodies.openLanes({ epoch: EPOCH + 1n, keyIdx: 0, lanes: [{ payee: somePayees(1)[0], capNano: TON / 10n }] })
    const { notOwner, notOperator, notPayee, noLane } = CLIENT_VAULT_ERRORS
    for (const body of [clientVaultBodies.withdraw(1n), clientVaultBodies.addSigner({ idx: 1, key: keyOf(3).publicKey }), clientVaultBodies.setOperator(payee, TON)]) {
      await world.refused(async () => world.send(twin(world.owner), body), notOwner)
    }
    for (const from of [world.owner, world.operator]) {
      await world.refused(async () => world.send(twin(from), another), notOperator)
      await world.refused(async () => world.send(twin(from), clientVaultBodies.startUnlock(payee)), notOperator)
    }
    await world.refused(async () => world.send(twin(world.payee), clientVaultBodies.releaseLane()), notPayee)
    const signature = world.signer.sign(world.promise(payee, 1_000n))
    await world.refused(async () => world.send(twin(world.payee), clientVaultBodies.redeem({ cumulativeNano: 1_000n, signature })), noLane)
  })

  it('is not the stake\'s owner', async () => {
    const world = await StakeWorld.ready()
    for (const body of [providerStakeBodies.unbond(TON), providerStakeBodies.rebond(), providerStakeBodies.withdraw(), providerStakeBodies.deposit(1n)]) {
      await world.refused(async () => world.send(twin(world.owner), body, TON), PROVIDER_STAKE_ERRORS.notOwner)
    }
  })

  it('is not the registry\'s governor, now or next', async () => {
    const world = await RegistryWorld.create()
    await world.govern(registryBodies.proposeGovernor(accountOf(world.successor.address)))
    await world.refused(twin(world.governor), registryBodies.removeEntry({ kind: 'model', hash: new Uint8Array(32) }), REGISTRY_ERRORS.notGovernor)
    world.chain.now = (world.chain.now ?? 0) + 22 * 86_400
    await world.refused(twin(world.successor), registryBodies.acceptGovernor(), REGISTRY_ERRORS.notNextGovernor)
  })
})
