import { CocoonError } from '@cocoon-net/protocol'
import type { Command } from '../invocation.ts'

/** A command of the design that has nothing behind it yet says so, and does nothing. */
export function notAvailable (what: string): Command {
  return async () => {
    throw new CocoonError('not_available_yet', `${what} is not built yet`)
  }
}
