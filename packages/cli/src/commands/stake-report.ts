import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PROVIDER_STAKE_CODE_HASH, PROVIDER_STAKE_LIMITS, PROVIDER_STAKE_OPS, parseProviderStakeState } from '@cocoon-net/contracts'
import { CocoonError, accountFromText, accountToText } from '@cocoon-net/protocol'
import { Cell } from '@ton/core'
import { z } from 'zod'
import { EXIT_DONE } from '../exit-codes.ts'
import { printResult, printable, tableText } from '../output.ts'
import { withProgress } from '../progress.ts'
import { adminPlaceOf } from '../running-node.ts'
import { readJsonFile } from './close-file.ts'
import { planReport } from './planned-message.ts'
import { openChain } from './wallet-access.ts'
import { sendPlanned } from './wallet-send.ts'
import type { ChainAccess } from './wallet-access.ts'
import type { Command } from '../invocation.ts'
import type { ProviderStakeState } from '@cocoon-net/contracts'

/** The largest message that a stake's evidence makes is some 2 kB. */
const MAX_FILE_BYTES = 65_536
const MAX_LISTED = 1_000

const OPCODE = { E1: PROVIDER_STAKE_OPS.slashContradiction, E2: PROVIDER_STAKE_OPS.slashOvercharge } as const

/** What a client wrote when a provider's key contradicted itself: the body of the message that a stake takes. */
const evidenceSchema = z.strictObject({
  version: z.literal(1),
  kind: z.enum(['E1', 'E2']),
  stake: z.string().max(100).transform(accountFromText),
  bodyBoc: z.string().max(MAX_FILE_BYTES).transform(text => Cell.fromBase64(text)),
  provider: z.string().max(200),
  foundAt: z.union([z.string().max(100), z.number()])
})

export type SlashEvidence = z.output<typeof evidenceSchema>

/** @throws {CocoonError} file_unusable */
async function readEvidence (path: string): Promise<SlashEvidence> {
  const evidence = await readJsonFile(path, evidenceSchema, 'evidence against a stake', MAX_FILE_BYTES)
  const body = evidence.bodyBoc.beginParse()
  if (body.remainingBits < 32 || body.loadUint(32) !== OPCODE[evidence.kind]) {
    throw new CocoonError('file_unusable', `${path} holds no message of evidence ${evidence.kind}`)
  }
  return evidence
}

/** @throws {CocoonError} stake_missing, evidence_unusable when another contract is there, stake_slashed */
async function stakeState (chain: ChainAccess, stake: Uint8Array): Promise<ProviderStakeState> {
  const contract = await chain.port.contract(stake)
  if (contract == null) {
    throw new CocoonError('stake_missing', `There is no stake ${accountToText(stake)}`)
  }
  if (contract.codeHash !== PROVIDER_STAKE_CODE_HASH) {
    throw new CocoonError('evidence_unusable', `${accountToText(stake)} is another contract than a stake of this version`)
  }
  const state = parseProviderStakeState(contract.data)
  if (state.slashed) {
    throw new CocoonError('stake_slashed', `The stake ${accountToText(stake)} was slashed already`)
  }
  return state
}

/** What the contract takes at most, and the reporter's tenth of it. */
function gainNano (kind: SlashEvidence['kind'], { bondedNano, unbondingNano, penaltyNano }: ProviderStakeState): { takenNano: bigint, gainNano: bigint } {
  const heldNano = bondedNano + unbondingNano
  const wantedNano = kind === 'E1' || penaltyNano > heldNano ? heldNano : penaltyNano
  const takenNano = wantedNano < PROVIDER_STAKE_LIMITS.leastTakenNano ? 0n : wantedNano
  return { takenNano, gainNano: takenNano * BigInt(PROVIDER_STAKE_LIMITS.reporterShare) / 100n }
}

/** Brings evidence to the stake that it is against; whoever does so gets a tenth of what is taken. */
export const stakeReport: Command = async invocation => {
  const { kind, stake, bodyBoc } = await readEvidence(invocation.args[0])
  const { chain, state } = await withProgress(invocation.context, 'Reading the chain', async () => {
    const chain = await openChain(invocation)
    return { chain, state: await stakeState(chain, stake) }
  })
  const gain = gainNano(kind, state)
  const punished = state.punishedJobs.length
  return sendPlanned(invocation, chain, [{
    ...planReport(stake, { kind, body: bodyBoc, ...gain }),
    isDone: async () => {
      const data = await chain.port.data(stake)
      const after = data == null ? null : parseProviderStakeState(data)
      return after != null && (after.slashed || after.punishedJobs.length > punished)
    }
  }])
}

/** Lists the evidence that this home's node, or the local network's gateway, has found. */
export const stakeEvidence: Command = async invocation => {
  const own = join(invocation.home, 'slash-evidence')
  const place = join((await adminPlaceOf(invocation.home, invocation.config)).home, 'slash-evidence')
  const folders = [...new Set([own, place])]
  const rows: Array<{ file: string, kind: string, stake: string, provider: string, foundAt: string }> = []
  for (const folder of folders) {
    const names = (await readdir(folder).catch((): string[] => [])).filter(name => name.endsWith('.json')).sort()
    for (const name of names.slice(0, MAX_LISTED)) {
      const file = join(folder, name)
      const evidence = await readEvidence(file).catch(() => null)
      rows.push(evidence == null
        ? { file, kind: 'unreadable', stake: '', provider: '', foundAt: '' }
        : { file, kind: evidence.kind, stake: accountToText(evidence.stake), provider: evidence.provider, foundAt: typeof evidence.foundAt === 'number' ? new Date(evidence.foundAt).toISOString() : evidence.foundAt })
    }
  }
  printResult(invocation.context, invocation.json, { evidence: rows }, () => rows.length === 0
    ? `None in ${folders.join(' or ')}.`
    : `${tableText(['found', 'what', 'stake', 'file'], rows.map(({ foundAt, kind, stake, file }) => [foundAt, kind, stake.slice(0, 14), file]))}\n${printable('`cocoon stake report FILE --dry-run` shows what bringing it costs and brings.')}`)
  return EXIT_DONE
}
