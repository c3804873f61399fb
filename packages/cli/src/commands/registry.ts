import { registryAddress } from '@cocoon-net/contracts'
import { CocoonError, accountFromAddress, accountToText, devnetText, parseDevnetText } from '@cocoon-net/protocol'
import { EXIT_DONE } from '../exit-codes.ts'
import { withProgress } from '../progress.ts'
import { registryGenesisOf } from './registry-genesis.ts'
import { planRegistryDeploy, planRegistryStep } from './registry-plan.ts'
import { readRegistryView, registryAccount } from './registry-view.ts'
import { entryOf, numberOf, valueOf } from './registry-words.ts'
import { accountArgument, openChain } from './wallet-access.ts'
import { sendPlanned } from './wallet-send.ts'
import type { RegistryStep } from './registry-plan.ts'
import type { Command, Invocation } from '../invocation.ts'

/** Rules of a whole network are changed on purpose only: what would be sent is shown until --send is given. */
function dryUnlessSent (invocation: Invocation): Invocation {
  const { send, dryRun } = invocation.options
  if (send === true && dryRun === true) {
    throw new CocoonError('usage', '--send and --dry-run exclude each other')
  }
  return { ...invocation, options: { ...invocation.options, dryRun: send !== true } }
}

function sayHow (invocation: Invocation): void {
  if (invocation.options.dryRun === true && !invocation.json) {
    invocation.context.err('With --send it is sent.\n')
  }
}

function stepCommand (stepOf: (invocation: Invocation) => RegistryStep): Command {
  return async given => {
    const invocation = dryUnlessSent(given)
    const step = stepOf(invocation)
    const chain = await openChain(invocation)
    const account = registryAccount(invocation, chain.network)
    const read = async (): ReturnType<typeof readRegistryView> => readRegistryView(chain.port, chain.network, account, chain.port.nowMs())
    const { judged } = await withProgress(invocation.context, 'Reading the chain', read)
    const message = planRegistryStep(step, { registry: account, judged, sender: chain.wallet.account, nowSeconds: Math.floor(chain.port.nowMs() / 1_000) })
    const code = await sendPlanned(invocation, chain, [{ ...message, isDone: async () => (await read()).judged.version > judged.version }])
    sayHow(invocation)
    return code
  }
}

/** Proposes to list a hash: everyone sees it coming, and it can act when the delay is over. */
export const registryPropose = stepCommand(({ args }) => ({ step: 'propose', entry: entryOf(args[0], args[1]) }))

/** Lists what was proposed and whose time has come; anyone may. */
export const registryList = stepCommand(({ args }) => ({ step: 'list', entry: entryOf(args[0], args[1]) }))

/** Takes a hash off the list, or takes its proposal back, at once. */
export const registryRemove = stepCommand(({ args }) => ({ step: 'remove', entry: entryOf(args[0], args[1]) }))

/** Sets a stricter bound at once. */
export const registryTighten = stepCommand(({ args }) => {
  const name = numberOf(args[0])
  return { step: 'tighten', name, value: valueOf(name, args[1]) }
})

/** With a value, or `none`: proposes a looser bound. Without: lets act what was proposed and whose time has come; anyone may. */
export const registryLoosen = stepCommand(({ args }) => {
  const name = numberOf(args[0])
  return args[1] === undefined ? { step: 'loosen', name } : { step: 'proposeNumber', name, value: args[1] === 'none' ? undefined : valueOf(name, args[1]) }
})

/** Takes back, at once, what is proposed for a bound. */
export const registryCancel = stepCommand(({ args }) => ({ step: 'cancel', name: numberOf(args[0]) }))

/** Proposes the next governor, takes the proposal back (`none`), or takes over as the one proposed (`accept`). */
export const registryGovernor = stepCommand(invocation => {
  const [text] = invocation.args
  if (text === 'accept') {
    return { step: 'acceptGovernor' }
  }
  return { step: 'proposeGovernor', account: text === 'none' ? undefined : accountArgument(invocation, text, 'the next governor, or none, or accept') }
})

/** Deploys a registry of this wallet's, or another governor's. A network is named after one when it is made, and never later. */
export const registryDeploy: Command = async given => {
  const invocation = dryUnlessSent(given)
  const asked = registryGenesisOf(invocation)
  const chain = await openChain(invocation)
  const genesis = { ...asked, governor: asked.governor ?? chain.wallet.account }
  const account = accountFromAddress(registryAddress(genesis))
  const code = await sendPlanned(invocation, chain, [{ ...planRegistryDeploy(account, genesis), isDone: async () => chain.port.isActive(account) }])
  const { devnetGenesis } = invocation.config
  if (code === EXIT_DONE && !invocation.json) {
    invocation.context.err(`Its account is ${accountToText(account)}; \`cocoon registry show --registry ${accountToText(account)}\` reads it.\n`)
    if (chain.network.kind === 'devnet' && devnetGenesis !== undefined) {
      invocation.context.err(`A devnet of this genesis that is named after it is called ${devnetText(parseDevnetText(devnetGenesis).genesis, account)}: another network than this one, for all its nodes.\n`)
    }
  }
  sayHow(invocation)
  return code
}
