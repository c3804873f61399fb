import pc from 'picocolors'
import { killAll, killNode, networkStatus } from '../network/inspect.ts'
import { nodeLines, shortModel } from '../network/screen.ts'
import { EXIT } from './arguments.ts'
import { reportError } from './report.ts'

/** `testnet status`: 0 when a network runs, 1 when none does. */
export async function status (root: string, json: boolean): Promise<number> {
  const found = await networkStatus(root)
  if (json) {
    process.stdout.write(`${JSON.stringify(found ?? { running: false })}\n`)
  } else if (found == null) {
    process.stdout.write(`no local network runs in ${root}\n`)
  } else {
    const colors = pc.createColors(process.stdout.isTTY)
    process.stdout.write([
      `${found.state}  ${found.gateways.map(url => `${url}/v1`).join('  ')}${found.model == null ? '' : `  ${shortModel(found.model)}`}`,
      nodeLines(found.nodes, colors),
      `  supervisor: process ${found.supervisor.pid}${found.seed == null ? '' : `, seed ${found.seed}`}; state in ${found.folder}`,
      ''
    ].join('\n'))
  }
  return found == null ? EXIT.no : EXIT.done
}

/** `testnet kill NAME|all`: 0 done, 2 no such node, 3 nothing to kill. */
export async function kill (root: string, name: string, json: boolean): Promise<number> {
  try {
    const killed = name === 'all' ? await killAll(root) : await killNode(root, name)
    process.stdout.write(json ? `${JSON.stringify({ killed })}\n` : `killed ${killed.map(each => `${each.name} (process ${each.pid})`).join(', ')}\n`)
    return EXIT.done
  } catch (error) {
    return reportError(error, json)
  }
}
