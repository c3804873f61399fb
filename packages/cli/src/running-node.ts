import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DEFAULT_ADMIN_PORT } from '@cocoon-net/gateway'
import { z } from 'zod'
import { writePrivate } from './config.ts'
import type { Config } from './config-keys.ts'

/** Both files are small; more is something else. */
const MAX_BYTES = 1_024 * 1_024

// The token goes there: to this machine and nowhere else.
const loopbackUrl = z.string().regex(/^http:\/\/(127\.0\.0\.1|localhost|\[::1\]):\d{1,5}$/)
const nodeSchema = z.object({ v: z.literal(1), pid: z.number().int().min(1), admin: loopbackUrl })
const controlSchema = z.object({ admin: loopbackUrl, adminHome: z.string().min(1).max(4_096) })

/** Where a node's administration API listens, and the home that holds its token. */
export interface AdminPlace {
  readonly url: string
  readonly home: string
}

function nodePath (home: string): string {
  return join(home, 'node.json')
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

/**
 * The node that a command of this home means: the one at the port that is named, the one that runs from the home, the
 * gateway of the local network that was brought up from it, or whatever listens on the usual port.
 */
export async function adminPlaceOf (home: string, config: Pick<Config, 'adminPort'>): Promise<AdminPlace> {
  const { adminPort = 0 } = config
  if (adminPort !== 0) {
    return { url: `http://127.0.0.1:${adminPort}`, home }
  }
  const node = await readObject(nodePath(home), nodeSchema)
  if (node !== undefined && isAlive(node.pid)) {
    return { url: node.admin, home }
  }
  const control = await readObject(join(home, 'testnet', 'control.json'), controlSchema)
  return control === undefined ? { url: `http://127.0.0.1:${DEFAULT_ADMIN_PORT}`, home } : { url: control.admin, home: control.adminHome }
}
