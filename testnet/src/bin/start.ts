/** `npm start`: brings a local network up and keeps it; with --once runs one job on a network of its own. */
import { parseArguments } from '../command/arguments.ts'
import { testnetRoot } from '../network/roots.ts'

const parsed = parseArguments(process.argv.slice(2))
const root = testnetRoot(process.env)

if (parsed.command === 'up') {
  const { up } = await import('../command/up-command.ts')
  process.exit(await up(root, parsed.options))
}
const { kill, status } = await import('../command/inspect-command.ts')
process.exit(parsed.command === 'status' ? await status(root, parsed.json) : await kill(root, parsed.name, parsed.json))
