import { stakeFaults, vaultFaults } from '@cocoon-net/cocoon/registry'
import { accountToText } from '@cocoon-net/protocol'
import { createChainReader } from '@cocoon-net/settlement'
import { chainEndpointsOf } from '../config-keys.ts'
import { checkOf, failedCheck } from './doctor-check.ts'
import { noRegistryText, readRegistryView } from './registry-view.ts'
import { wordOf } from './registry-words.ts'
import { timeText } from './vault-view.ts'
import { networkOfConfig } from './wallet-access.ts'
import type { Check } from './doctor-check.ts'
import type { RegistryView } from './registry-view.ts'
import type { Config } from '../config-keys.ts'
import type { Invocation } from '../invocation.ts'

const NAME = 'registry'

function checkOfView ({ network, judged }: RegistryView): Check {
  const faults = [...vaultFaults(judged, network), ...stakeFaults(judged, network)]
  const { allowed: { measurement, model }, coming: [next, ...others] } = judged
  const coming = next === undefined ? 'nothing coming' : `${others.length + 1} coming, first ${wordOf(next.what)} from ${timeText(next.readyAt)}`
  const message = faults.length > 0
    ? faults.join('; ')
    : `version ${judged.version}, ${measurement.length} measurements and ${model.length} models listed, ${coming}; governor ${accountToText(judged.governor)}`
  return checkOf(NAME, faults.length === 0, message, 'Update this software: the network has moved on. See cocoon registry show.')
}

/** Whether the network's registry allows what this software does; nothing where the configuration names no network. */
export async function checkRegistry (invocation: Invocation, config: Config): Promise<Check[]> {
  if ((config.network ?? 'devnet') === 'devnet' && config.devnetGenesis === undefined) {
    return []
  }
  try {
    const network = networkOfConfig({ ...invocation, config })
    return network.registry == null
      ? [checkOf(NAME, true, noRegistryText(network), '')]
      : [checkOfView(await readRegistryView(createChainReader(chainEndpointsOf(config)), network, network.registry, invocation.context.nowMs()))]
  } catch (error) {
    return [failedCheck(NAME, error)]
  }
}
