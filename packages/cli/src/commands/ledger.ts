import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CocoonError, asCocoonError } from '@cocoon-net/protocol'
import { readLedger } from '@cocoon-net/settlement'
import { z } from 'zod'
import { EXIT_DONE } from '../exit-codes.ts'
import { adminRead } from '../local-api.ts'
import { printResult, tableText, tonText } from '../output.ts'
import { withProgress } from '../progress.ts'
import { amountText, csvRow } from '../ton-amount.ts'
import { exists, paymentStore } from './wallet-access.ts'
import type { Command, Invocation } from '../invocation.ts'
import type { LedgerRow } from '@cocoon-net/settlement'

/** Rows that a person reads; programs and CSV get all. */
const SHOWN_ROWS = 20

const rowsSchema = z.object({
  ledger: z.array(z.object({
    atMs: z.number(),
    kind: z.enum(['paid', 'earned', 'redeemed']),
    laneKey: z.string(),
    clientNonce: z.string(),
    paidNano: z.string().regex(/^-?\d+$/).transform(BigInt)
  }))
})

async function ownRows (home: string, side: 'client' | 'provider'): Promise<LedgerRow[]> {
  if (!await exists(join(home, side))) {
    return []
  }
  const kv = await paymentStore(home, side)
  try {
    return await readLedger(kv)
  } finally {
    await kv.close()
  }
}

async function nodeRows (invocation: Invocation): Promise<LedgerRow[]> {
  const answer = rowsSchema.safeParse(await adminRead(invocation, 'ledger'))
  if (!answer.success) {
    throw new CocoonError('not_running', 'What answers is not a node of this version')
  }
  return answer.data.ledger
}

/** The books of this home; those of the running node where that holds the databases, or the home has none. */
async function rowsOf (invocation: Invocation): Promise<LedgerRow[]> {
  const { home } = invocation
  const isEmpty = !await exists(join(home, 'client')) && !await exists(join(home, 'provider'))
  try {
    return isEmpty
      ? await nodeRows(invocation)
      : [...await ownRows(home, 'client'), ...await ownRows(home, 'provider')].sort((a, b) => a.atMs - b.atMs)
  } catch (error) {
    const { code } = asCocoonError(error)
    if (isEmpty && code === 'not_running') {
      return []
    }
    if (isEmpty || code !== 'lane_busy') {
      throw error
    }
    return nodeRows(invocation)
  }
}

function cells (row: LedgerRow): { time: string, kind: string, vault: string, payee: string, epoch: string, job: string } {
  const [vault = '', payee = '', epoch = ''] = row.laneKey.split(':')
  return { time: new Date(row.atMs).toISOString(), kind: row.kind, vault: `0:${vault}`, payee: `0:${payee}`, epoch, job: row.clientNonce }
}

/** RFC 4180; amounts gross, once exact in nanoTON and once in TON. */
export function ledgerCsv (rows: readonly LedgerRow[]): string {
  return csvRow(['time', 'kind', 'vault', 'payee', 'lane_epoch', 'job', 'amount_nano', 'amount_ton']) + rows.map(row => {
    const { time, kind, vault, payee, epoch, job } = cells(row)
    return csvRow([time, kind, vault, payee, epoch, job, row.paidNano, tonText(row.paidNano)])
  }).join('')
}

function sums (rows: readonly LedgerRow[]): Record<LedgerRow['kind'], bigint> {
  const total = { paid: 0n, earned: 0n, redeemed: 0n }
  for (const row of rows) {
    total[row.kind] += row.paidNano
  }
  return total
}

function sumsText (rows: readonly LedgerRow[]): string {
  const { paid, earned, redeemed } = sums(rows)
  return `${rows.length} rows: paid ${amountText(paid)}, earned ${amountText(earned)}, redeemed ${amountText(redeemed)}`
}

/** The books of both sides of this home, for people, as JSON, or as CSV for bookkeeping. */
export const settleLedger: Command = async invocation => {
  const { context, json, options: { csv } } = invocation
  const rows = await withProgress(context, 'Reading the books', async () => rowsOf(invocation))
  if (csv === '-') {
    context.out(ledgerCsv(rows))
    return EXIT_DONE
  }
  if (typeof csv === 'string') {
    try {
      await writeFile(csv, ledgerCsv(rows), { mode: 0o600, flush: true })
    } catch (cause) {
      throw new CocoonError('file_unusable', `${csv} cannot be written: ${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'}`, { cause })
    }
    printResult(context, json, { file: csv, rows: rows.length, sums: sums(rows) }, () => `${csv}: ${sumsText(rows)}`)
    return EXIT_DONE
  }
  printResult(context, json, { rows: rows.map(row => ({ ...cells(row), amountNano: row.paidNano })), sums: sums(rows) }, () => [
    ...(rows.length === 0
      ? []
      : [tableText(['time', 'kind', 'TON', 'vault', 'payee'], rows.slice(-SHOWN_ROWS).map(row => {
          const { time, kind, vault, payee } = cells(row)
          return [time, kind, tonText(row.paidNano), vault.slice(0, 14), payee.slice(0, 14)]
        }))]),
    ...(rows.length > SHOWN_ROWS ? [`The last ${SHOWN_ROWS} of them; --csv or --json gives all.`] : []),
    sumsText(rows)
  ].join('\n'))
  return EXIT_DONE
}
