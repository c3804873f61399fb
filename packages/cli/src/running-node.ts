import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DEFAULT_ADMIN_PORT, DEFAULT_GATEWAY_PORT } from '@cocoon-net/gateway'
import { z } from 'zod'
import { writePrivate } from './config.ts'
import type { Config } from './config-keys.ts'

/** Both files are small; more is something else. */
const MAX_BYTES = 1_024 * 1_024

// The token goes there: to this machine and nowhere else.
const loopbackUrl = z.string().regex(/^http:\/\/(127\.0\.0\.1|localhost|\[::1\]):\d{1,5}$/)
const nodeSchema = z.object({ v: z.literal(1), pid: z.number().int().min(1), admin: loopbackUrl })
const controlSchema = z.object({ admin: loopbackUrl, adminHome: z.string().min(1).max(4_096) })
const gatewaysSchema = z.object({ supervisor: z.object({ pid: z.number().int().min(1) }), gateways: z.array(loopbackUrl).min(1) })

/** Where a node's administration API listens, and the home that holds its token. */
export interface AdminPlace {
  readonly url: string
  readonly home: string
}

function nodePath (home: string): string {
  return join(home, 'node.json')
}

function controlPath (home: string): string {
  return join(home, 'testnet', 'control.json')
}

async function readObject<T> (path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  if (text === '' || text.length > MAX_BYTES) {
    return undefined
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Tells commands of the same user where this process's administration API listens; gives what takes it back. */
export async function announceNode (home: string, admin: string): Promise<() => Promise<void>> {
  await writePrivate(nodePath(home), `${JSON.stringify({ v: 1, pid: process.pid, admin })}\n`)
  return async () => rm(nodePath(home), { force: true })
}

/** The node that runs from the home. */
async function nodeOf (home: string): Promise<z.output<typeof nodeSchema> | undefined> {
  const node = await readObject(nodePath(home), nodeSchema)
  return node !== undefined && isAlive(node.pid) ? node : undefined
}

/**
 * The gateway that a command of this home means: the one at the port that is named, the first of the local network that
 * was brought up from the home and runs, or whatever listens on the usual port.
 */
export async function gatewayUrlOf (home: string, { gatewayPort = 0 }: Pick<Config, 'gatewayPort'>): Promise<string> {
  if (gatewayPort === 0 && await nodeOf(home) === undefined) {
    const control = await readObject(controlPath(home), gatewaysSchema)
    if (control !== undefined && isAlive(control.supervisor.pid)) {
      return control.gateways[0]
    }
  }
  return `http://127.0.0.1:${gatewayPort === 0 ? DEFAULT_GATEWAY_PORT : gatewayPort}`
}

/**
 * The node that a command of this home means: the one at the port that is named, the one that runs from the home, the
 * gateway of the local network that was brought up from it, or whatever listens on the usual port.
 */
export async function adminPlaceOf (home: string, config: Pick<Config, 'adminPort'>): Promise<AdminPlace> {
  const { adminPort = 0 } = config
  if (adminPort !== 0) {
    return { url: `http://127.0.0.1:${adminPort}`, home }
  }
  const node = await nodeOf(home)
  if (node !== undefined) {
    return { url: node.admin, home }
  }
  const control = await readObject(controlPath(home), controlSchema)
  return control === undefined ? { url: `http://127.0.0.1:${DEFAULT_ADMIN_PORT}`, home } : { url: control.admin, home: control.adminHome }
}
