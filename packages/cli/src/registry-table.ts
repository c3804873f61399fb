import type { CommandGroup, CommandSpec } from './command-spec.ts'

const GROUPS = ['chain'] as const
const REGISTRY = ['--registry <address>', 'another registry than the one that the network is named after'] as const
const SEND = ['--send', 'send it; without this each message is shown with its amount and its cost, and nothing is sent'] as const
const DRY_RUN = ['--dry-run', 'what happens without --send'] as const
const AS = ['--as <address>', 'without --send: plan for this wallet, whose key need not be here'] as const

const KINDS = 'vault-code, stake-code, measurement or model'

function sendable (spec: Omit<CommandSpec, 'groups' | 'load'>, load: CommandSpec['load']): CommandSpec {
  const { options = [REGISTRY], ...rest } = spec
  return { ...rest, groups: GROUPS, options: [...options, SEND, DRY_RUN, AS], load }
}

const show: CommandSpec['load'] = async () => (await import('./commands/registry-view.ts')).registryShow

/** What a network allows, and the wallet that governs it. */
export const REGISTRY_GROUP: CommandGroup = {
  name: 'registry',
  summary: 'what the network allows: code, measurements, models, bounds; what is coming and from when. It can touch nobody\'s funds',
  alone: { groups: GROUPS, options: [REGISTRY], examples: ['cocoon registry', 'cocoon registry remove measurement HEX', 'cocoon registry remove measurement HEX --send'], load: show },
  commands: [
    { name: 'show', summary: 'what is allowed, what is coming and from when, governor, version', groups: GROUPS, options: [REGISTRY], examples: ['cocoon registry show --json'], load: show },
    sendable({ name: 'propose', sends: 'ProposeEntry', args: '<kind> <hash>', summary: `propose to list a hash (${KINDS}); it is seen to be coming until the delay is over`, examples: ['cocoon registry propose measurement HEX --send', 'cocoon registry propose model llama-3.2-3b@HEX'] }, async () => (await import('./commands/registry.ts')).registryPropose),
    sendable({ name: 'list', sends: 'ListEntry', args: '<kind> <hash>', summary: 'list what was proposed, once its time has come; anyone may', examples: ['cocoon registry list measurement HEX --send'] }, async () => (await import('./commands/registry.ts')).registryList),
    sendable({ name: 'remove', sends: 'RemoveEntry', args: '<kind> <hash>', summary: 'take a hash off the list, or its proposal back, at once', examples: ['cocoon registry remove measurement HEX --send'] }, async () => (await import('./commands/registry.ts')).registryRemove),
    sendable({ name: 'tighten', sends: 'TightenNumber', args: '<number> <value>', summary: 'set a stricter bound, at once', examples: ['cocoon registry tighten intel-collateral-floor 19 --send', 'cocoon registry tighten least-stake-nano 1.5'] }, async () => (await import('./commands/registry.ts')).registryTighten),
    sendable({ name: 'loosen', sends: 'ProposeNumber, LoosenNumber', args: '<number> [value]', summary: 'propose a looser bound, or none; without a value let act what was proposed, once its time has come, which anyone may', examples: ['cocoon registry loosen most-fee-bps 90 --send', 'cocoon registry loosen least-stake-nano none', 'cocoon registry loosen most-fee-bps --send'] }, async () => (await import('./commands/registry.ts')).registryLoosen),
    sendable({ name: 'cancel', sends: 'CancelNumber', args: '<number>', summary: 'take back, at once, what is proposed for a bound', examples: ['cocoon registry cancel most-fee-bps --send'] }, async () => (await import('./commands/registry.ts')).registryCancel),
    sendable({ name: 'governor', sends: 'ProposeGovernor, AcceptGovernor', args: '<address>', summary: 'propose the next governor; none takes it back, and accept takes over once its time has come', examples: ['cocoon registry governor 0:WALLET --send', 'cocoon registry governor accept --send'] }, async () => (await import('./commands/registry.ts')).registryGovernor),
    sendable({
      name: 'deploy',
      summary: 'deploy a registry that lists this software\'s vault and stake code, and what is added here; a network is named after one when it is made',
      options: [
        ['--entry <kind:hash>', `a further hash that it begins with (${KINDS}); repeat for more`, 'list'],
        ['--bound <number:value>', 'a bound that it begins with, such as intel-collateral-floor:18; repeat for more', 'list'],
        ['--governor <address>', 'who governs it; default this wallet'],
        ['--delay <seconds>', 'how long a loosening waits; on devnets only, elsewhere 21 days']
      ],
      examples: ['cocoon registry deploy --entry measurement:HEX --bound intel-collateral-floor:18', 'cocoon registry deploy --delay 60 --send']
    }, async () => (await import('./commands/registry.ts')).registryDeploy)
  ]
}
