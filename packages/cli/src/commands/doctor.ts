import { DEFAULT_ADMIN_PORT, DEFAULT_GATEWAY_PORT } from '@cocoon-net/gateway'
import pc from 'picocolors'
import { resolveConfig } from '../config.ts'
import { EXIT_DONE, EXIT_NO } from '../exit-codes.ts'
import { printResult, printable } from '../output.ts'
import { withProgress } from '../progress.ts'
import { failedCheck } from './doctor-check.ts'
import { checkHome, checkKeys, checkModels, checkNode, checkPort, checkToken, checkVariables } from './doctor-machine.ts'
import { checkBootstrap, checkChain, checkRunning, readStatus } from './doctor-network.ts'
import { checkRegistry } from './registry-doctor.ts'
import type { Check } from './doctor-check.ts'
import type { Config } from '../config-keys.ts'
import type { Invocation } from '../invocation.ts'

async function checkNetwork (invocation: Invocation, config: Config): Promise<Check[]> {
  const status = await readStatus(invocation, config)
  const running = status === undefined
    ? [...await Promise.all([config.gatewayPort ?? DEFAULT_GATEWAY_PORT, config.adminPort ?? DEFAULT_ADMIN_PORT].map(checkPort)), ...await checkBootstrap(config)]
    : await checkRunning(invocation, config, status)
  return [...running, ...await checkChain(invocation, config), ...await checkRegistry(invocation, config), ...await checkModels(config)]
}

/** Looks at everything that commonly goes wrong, and says of each what to do. Exits 1 when anything is wrong. */
export async function doctor (invocation: Invocation): Promise<number> {
  const { context, home } = invocation
  const checks = await withProgress(context, 'Looking', async () => {
    const found: Check[] = [checkNode(), await checkHome(home), await checkToken(home), await checkKeys(home), checkVariables(context.env)]
    try {
      const config = await resolveConfig({ home, env: context.env, flags: invocation.options })
      found.push({ name: 'config', ok: true, message: 'valid' }, ...await checkNetwork(invocation, config))
    } catch (error) {
      found.push(failedCheck('config', error))
    }
    return found
  })
  const ok = checks.every(check => check.ok)
  printResult(context, invocation.json, { ok, checks }, value => value.checks.map(check =>
    printable(`${check.ok ? pc.green('ok') : pc.red('no')}  ${check.name}: ${check.message.replace(/\.$/, '')}${check.remedy === undefined ? '' : `. ${check.remedy}`}`)).join('\n'))
  return ok ? EXIT_DONE : EXIT_NO
}
