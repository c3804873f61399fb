import pc from 'picocolors'

const startedMs = Date.now() - performance.now()

/** Of the stream that progress goes to. */
export const colors = pc.createColors(process.stderr.isTTY)

/** One line with the seconds since the program began. */
export function progress (step: string): void {
  process.stderr.write(`${colors.dim(`[${((Date.now() - startedMs) / 1_000).toFixed(1).padStart(5)} s]`)} ${step}\n`)
}
