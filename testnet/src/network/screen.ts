/** What people see of a local network: pure text, without colour when `colors` says so. */
import pc from 'picocolors'
import type { JobRecord } from './configs.ts'
import type { ControlNode } from './control-file.ts'
import type { LocalNetwork } from './local-network.ts'
import type { OnceResult } from './run-once.ts'

type Colors = ReturnType<typeof pc.createColors>

const NANO_DIGITS = 9
const NOT_PRIVATE = 'SIMULATED evidence: not private'

/** nanoTON, decimal, as TON without trailing zeros: `50000000` → `0.05`. */
export function tonText (nano: string): string {
  const digits = nano.padStart(NANO_DIGITS + 1, '0')
  const rest = digits.slice(-NANO_DIGITS).replace(/0+$/, '')
  return `${digits.slice(0, -NANO_DIGITS)}${rest === '' ? '' : `.${rest}`}`
}

/** The price of a million tokens, with two decimals at least: `200000000` → `0.20`. */
function priceText (nano: string): string {
  const [whole, part = ''] = tonText(nano).split('.')
  return `${whole}.${part.padEnd(2, '0')}`
}

/** `29100` → `29,100`. */
export function grouped (digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `name@digest` with the first twelve digits of the digest. */
export function shortModel (model: string): string {
  return model.slice(0, model.indexOf('@') + 13)
}

function shortPeer (peerId: string): string {
  return `…${peerId.slice(-6)}`
}

/** The network as it stands when it is ready, with what to paste into an app. */
export function picture (network: Pick<LocalNetwork, 'gateways' | 'providers' | 'chain' | 'bootstrap' | 'governorHome'>, model: string, colors: Colors): string {
  const nameWidth = Math.max(...network.providers.map(({ name }) => name.length))
  const lines = ['', `  ${colors.bold('Cocoon, a private network on this machine')}  ${colors.yellow(NOT_PRIVATE)}`, '']
  for (const { name, url, child } of network.gateways) {
    lines.push(`  your app ──▶ ${colors.bold(name)}  ${colors.cyan(`${url}/v1`)}  ${colors.dim(`process ${child.pid}`)}`)
  }
  const indent = '                  '
  lines.push(`${indent}│  ${colors.dim('finds providers by itself, checks their evidence, seals, pays per token')}`)
  network.providers.forEach(({ name, peerId, prices, stakeNano, child }, i) => {
    const branch = i === network.providers.length - 1 ? '└' : '├'
    const price = `${priceText(prices.prompt)} in, ${priceText(prices.completion)} out`
    lines.push(`${indent}${branch}─▶ ${colors.bold(name.padEnd(nameWidth))}  ${price} TON per million tokens  stake ${tonText(stakeNano)} TON  ${colors.yellow('simulated')}  ${colors.dim(`${shortPeer(peerId)}  process ${child.pid}`)}`)
  })
  lines.push(
    '',
    `  model      ${shortModel(model)}`,
    `  chain      ${network.chain.endpoint}  ${colors.dim(`process ${network.chain.child.pid}, toncenter v2; v4 at ${network.chain.url}`)}`,
    `  bootstrap  ${network.bootstrap}`,
    ...(network.governorHome == null ? [] : [`  registry   ${colors.dim('what the network allows; governed by')} npm run cocoon -- registry --home ${network.governorHome}`]),
    '',
    `  ${colors.dim('any OpenAI client:')}`,
    `    ${colors.green('import OpenAI from \'openai\'')}`,
    `    ${colors.green(`const openai = new OpenAI({ baseURL: '${network.gateways[0].url}/v1', apiKey: 'unused' })`)}`,
    `  ${colors.dim('or:')} npm run cocoon -- chat "Tell me a story about a fox."`,
    '',
    ''
  )
  return lines.join('\n')
}

/** One job, after its end. `redeemedNano` is what its lane shows on chain as paid out so far; null when the chain does not say. */
export function jobLine (job: JobRecord, providerName: string, redeemedNano: bigint | null, colors: Colors): string {
  const { prompt, cached, completion, reasoning } = job.tokens
  const outcome = job.attempts.at(-1)?.outcome ?? 'done'
  const failed = job.attempts.slice(0, -1).map(({ outcome: why }) => why)
  return [
    `${colors.green('job')} ${job.jobId.slice(0, 8)}  ${colors.bold(providerName)}  ${colors.yellow(job.tier)}`,
    `first token ${Math.round(job.ttftMs)} ms`,
    `${prompt + cached} + ${completion + reasoning} tokens at ${job.tokensPerSecond.toFixed(0)}/s`,
    `${grouped(job.paidNano)} nanoTON paid`,
    ...(redeemedNano == null ? [] : [`lane redeemed ${grouped(redeemedNano.toString())}`]),
    ...(outcome === 'done' ? [] : [outcome]),
    ...(failed.length === 0 ? [] : [`after ${failed.join(', ')}`])
  ].join('  ')
}

export function refusalLine ({ status, code }: { status: number, code: string }, colors: Colors): string {
  return `${colors.red('refused')} ${code}  HTTP ${status}`
}

/** The bill of `--once`. */
export function bill (result: OnceResult): string {
  const { tokens } = result
  return [
    '',
    `model      ${result.model}`,
    `provider   ${result.provider}`,
    `tier       ${result.tier}${result.tier === 'simulated' ? ' (not private: the evidence is simulated)' : ''}`,
    `tokens     ${tokens.prompt} prompt, ${tokens.cached} cached, ${tokens.completion} completion, ${tokens.reasoning} reasoning`,
    `charge     ${result.chargeNano} nanoTON (${tonText(result.chargeNano)} TON)`,
    `paid       ${result.paidNano} nanoTON by vouchers`,
    `redeemed   ${result.redeemedNano} nanoTON on chain, vault ${result.vault}`,
    `speed      first token after ${Math.round(result.ttftMs)} ms, ${result.tokensPerSecond.toFixed(0)} tokens/s`,
    ''
  ].join('\n')
}

/** One line per process, for `cocoon testnet status`. */
export function nodeLines (nodes: ReadonlyArray<ControlNode & { alive: boolean }>, colors: Colors): string {
  const width = Math.max(0, ...nodes.map(({ name }) => name.length))
  return nodes.map(node => {
    const state = node.alive ? colors.green(node.state.padEnd(10)) : colors.red((node.state === 'up' ? 'dead' : node.state).padEnd(10))
    const what = node.url ?? (node.prices == null ? '' : `${priceText(node.prices.prompt)} in, ${priceText(node.prices.completion)} out TON per million`)
    return [
      `  ${node.name.padEnd(width)}`,
      state,
      String(node.process?.pid ?? '-').padStart(8),
      what,
      ...(node.peerId == null ? [] : [colors.dim(shortPeer(node.peerId))]),
      ...(node.restarts === 0 ? [] : [`restarted ${node.restarts} times`])
    ].join('  ').trimEnd()
  }).join('\n')
}
