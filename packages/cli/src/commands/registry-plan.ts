import { REGISTRY_LIMITS, REGISTRY_NUMBERS, registryBodies, registryStateInit } from '@cocoon-net/contracts'
import { CocoonError, accountToText, equalBytes, toHex } from '@cocoon-net/protocol'
import { isStricter, wordOf } from './registry-words.ts'
import { timeText } from './vault-view.ts'
import type { PlannedMessage } from './planned-message.ts'
import type { ComingChange, RegistryJudgement, RegistryNumber } from '@cocoon-net/cocoon/registry'
import type { RegistryEntry, RegistryGenesis } from '@cocoon-net/contracts'

/** All in, for a registry with every list full, rounded up. */
const STEP_COST_NANO = 30_000_000n
const DEPLOY_COST_NANO = 40_000_000n
/** Sent along so that a step never lacks gas; what it does not need comes back. */
const GAS_VALUE_NANO = 100_000_000n
/** Rent of a registry for some years. */
const RENT_NANO = 200_000_000n

/** What somebody wants of a registry. */
export type RegistryStep =
  | { readonly step: 'propose' | 'list' | 'remove', readonly entry: RegistryEntry }
  | { readonly step: 'tighten', readonly name: RegistryNumber, readonly value: bigint }
  /** Without a value: the bound is to be lifted. */
  | { readonly step: 'proposeNumber', readonly name: RegistryNumber, readonly value: bigint | undefined }
  | { readonly step: 'loosen' | 'cancel', readonly name: RegistryNumber }
  /** Undefined: the proposal is taken back. */
  | { readonly step: 'proposeGovernor', readonly account: Uint8Array | undefined }
  | { readonly step: 'acceptGovernor' }

export interface RegistryPlanInit {
  readonly registry: Uint8Array
  readonly judged: RegistryJudgement
  /** Whose wallet sends it. */
  readonly sender: Uint8Array
  readonly nowSeconds: number
}

/** What anybody may do, when its time has come. */
const OPEN_STEPS: ReadonlySet<RegistryStep['step']> = new Set<RegistryStep['step']>(['list', 'loosen', 'acceptGovernor'])

function entryText ({ kind, hash }: RegistryEntry): string {
  return `${wordOf(kind)} ${toHex(hash)}`
}

function findComing ({ coming }: RegistryJudgement, what: ComingChange['what'], value?: string): ComingChange | undefined {
  return coming.find(change => change.what === what && (value === undefined || change.value === value))
}

/** @throws {CocoonError} registry_not_ready */
function due (change: ComingChange | undefined, what: string): ComingChange {
  if (change === undefined) {
    throw new CocoonError('registry_not_ready', `Nothing is proposed for ${what}`)
  }
  if (!change.isReady) {
    throw new CocoonError('registry_not_ready', `What is proposed for ${what} can act from ${timeText(change.readyAt)} on, not before`)
  }
  return change
}

function no (message: string): CocoonError {
  return new CocoonError('usage', message)
}

function entryPlan ({ step, entry }: Extract<RegistryStep, { entry: RegistryEntry }>, judged: RegistryJudgement, from: string): Pick<PlannedMessage, 'what' | 'body'> {
  const text = entryText(entry)
  const hex = toHex(entry.hash)
  const isListed = judged.allowed[entry.kind].includes(hex)
  const coming = findComing(judged, entry.kind, hex)
  switch (step) {
    case 'propose':
      if (isListed || coming !== undefined) {
        throw no(`${text} is ${isListed ? 'listed' : 'proposed'} already`)
      }
      return { what: `propose to list ${text}; from ${from} on anyone may list it, and until then everyone sees it coming`, body: registryBodies.proposeEntry(entry) }
    case 'list':
      if (isListed) {
        throw no(`${text} is listed already`)
      }
      due(coming, text)
      return { what: `list ${text}`, body: registryBodies.listEntry(entry) }
    default:
      if (!isListed && coming === undefined) {
        throw no(`${text} is neither listed nor proposed`)
      }
      return { what: `${isListed ? 'remove' : 'take back the proposal of'} ${text}, at once`, body: registryBodies.removeEntry(entry) }
  }
}

function numberText (value: bigint | undefined): string {
  return value === undefined ? 'no bound' : String(value)
}

function numberPlan (step: Exclude<RegistryStep, { entry: RegistryEntry } | { step: 'proposeGovernor' | 'acceptGovernor' }>, judged: RegistryJudgement, from: string): Pick<PlannedMessage, 'what' | 'body'> {
  const { name } = step
  const id = REGISTRY_NUMBERS[name]
  const now = judged.numbers[name]
  const coming = findComing(judged, name)
  const word = wordOf(name)
  switch (step.step) {
    case 'tighten':
      if (!isStricter(name, step.value, now)) {
        throw no(`${word} is ${numberText(now)}, and ${step.value} is not stricter; \`cocoon registry loosen\` proposes what is looser`)
      }
      return { what: `set ${word} from ${numberText(now)} to ${step.value}, at once${coming === undefined ? '' : '; what was proposed for it is dropped'}`, body: registryBodies.tightenNumber(id, step.value) }
    case 'proposeNumber':
      if (!isStricter(name, now, step.value)) {
        throw no(`${word} is ${numberText(now)}, and ${numberText(step.value)} is not looser; \`cocoon registry tighten\` sets what is stricter, at once`)
      }
      return { what: `propose ${numberText(step.value)} for ${word}, which is ${numberText(now)}; from ${from} on anyone may let it act`, body: registryBodies.proposeNumber(id, step.value) }
    case 'loosen':
      return { what: `let ${word} be ${due(coming, word).value ?? 'without a bound'}, as proposed`, body: registryBodies.loosenNumber(id) }
    default:
      if (coming === undefined) {
        throw no(`Nothing is proposed for ${word}`)
      }
      return { what: `take back what is proposed for ${word}, at once`, body: registryBodies.cancelNumber(id) }
  }
}

function governorPlan (step: Extract<RegistryStep, { step: 'proposeGovernor' | 'acceptGovernor' }>, { judged, sender }: RegistryPlanInit, from: string): Pick<PlannedMessage, 'what' | 'body'> {
  const coming = findComing(judged, 'governor')
  if (step.step === 'acceptGovernor') {
    if (due(coming, 'the governor').value !== toHex(sender)) {
      throw new CocoonError('registry_not_governor', `The next governor is 0:${coming?.value ?? ''}, and only its wallet can accept`)
    }
    return { what: 'take over as the governor', body: registryBodies.acceptGovernor() }
  }
  const { account } = step
  if (account === undefined && coming === undefined) {
    throw no('No next governor is proposed')
  }
  return {
    what: account === undefined ? 'take back the proposal of a next governor, at once' : `propose ${accountToText(account)} as the next governor, who may take over from ${from} on`,
    body: registryBodies.proposeGovernor(account ?? new Uint8Array(32))
  }
}

/**
 * The message for a step, with what it means. What the contract would refuse is refused here, before anything is signed. Pure.
 *
 * @throws {CocoonError} usage, registry_not_governor, registry_not_ready
 */
export function planRegistryStep (step: RegistryStep, init: RegistryPlanInit): PlannedMessage {
  const { registry, judged, sender, nowSeconds } = init
  if (!OPEN_STEPS.has(step.step) && !equalBytes(sender, judged.governor)) {
    throw new CocoonError('registry_not_governor', `The governor is ${accountToText(judged.governor)}, and this wallet is ${accountToText(sender)}`)
  }
  const from = timeText(nowSeconds + judged.delaySeconds)
  let message: Pick<PlannedMessage, 'what' | 'body'>
  if ('entry' in step) {
    message = entryPlan(step, judged, from)
  } else if ('name' in step) {
    message = numberPlan(step, judged, from)
  } else {
    message = governorPlan(step, init, from)
  }
  return { to: registry, valueNano: GAS_VALUE_NANO, movesNano: 0n, costNano: STEP_COST_NANO, ...message }
}

/** Deploys a registry with all that it begins with. */
export function planRegistryDeploy (registry: Uint8Array, genesis: RegistryGenesis): PlannedMessage {
  return {
    to: registry,
    valueNano: RENT_NANO,
    init: registryStateInit(genesis),
    what: `deploy a registry that lists ${genesis.entries.length} of at most ${REGISTRY_LIMITS.maxListed} hashes and waits ${genesis.delaySeconds} s before it loosens anything`,
    movesNano: RENT_NANO,
    costNano: DEPLOY_COST_NANO
  }
}
