import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CocoonError } from '@cocoon-net/protocol'
import { z } from 'zod'
import { identify, isAlive } from './process-identity.ts'

const FILE = 'control.json'
/** Larger than any network that `up` accepts. */
const MAX_BYTES = 1_024 * 1_024

const identitySchema = z.object({ pid: z.number().int().min(1), startTime: z.string().min(1).max(200) })

const nodeSchema = z.object({
  name: z.string().min(1).max(40),
  role: z.enum(['chain', 'provider', 'gateway']),
  /** `down` nodes have ended and are not started again. */
  state: z.enum(['starting', 'up', 'restarting', 'down']),
  process: identitySchema.nullable(),
  restarts: z.number().int().min(0),
  peerId: z.string().optional(),
  url: z.string().optional(),
  /** nanoTON per million tokens, decimal. */
  prices: z.object({ prompt: z.string(), completion: z.string() }).optional()
})

const controlSchema = z.object({
  v: z.literal(1),
  supervisor: identitySchema,
  state: z.enum(['starting', 'ready', 'stopping']),
  startedAtMs: z.number().int(),
  folder: z.string(),
  seed: z.string().optional(),
  gateways: z.array(z.string()),
  /** The first gateway's administration API. */
  admin: z.string().optional(),
  /** The first gateway's home: its token lies there. */
  adminHome: z.string().optional(),
  /** Names the network: 64 hex digits, and 64 more of its registry. */
  genesis: z.string().optional(),
  chain: z.string().optional(),
  bootstrap: z.string().optional(),
  model: z.string().optional(),
  nodes: z.array(nodeSchema).max(256)
})

/** One process of the network. */
export type ControlNode = z.infer<typeof nodeSchema>

/** What `cocoon testnet status` and `kill` know about a network: written by its supervisor, read by anyone of the same user. */
export type Control = z.infer<typeof controlSchema>

/** The file as its supervisor holds it: also the lock that keeps a second network out of the folder. */
export interface ControlFile {
  /** Replaces what the file says; a reader sees the old text or the new one. */
  update (change: Partial<Omit<Control, 'v' | 'supervisor'>>): Promise<void>
  release (): Promise<void>
}

/** What the control file in `root` says; null when there is none, or when it is unreadable. */
export async function readControl (root: string): Promise<Control | null> {
  let text: string
  try {
    text = await readFile(join(root, FILE), 'utf8')
  } catch {
    return null
  }
  if (text.length > MAX_BYTES) {
    return null
  }
  try {
    return controlSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/** Removes the control file of a network whose supervisor has ended without doing so. */
export async function removeControl (root: string): Promise<void> {
  await rm(join(root, FILE), { force: true })
}

/**
 * Makes the control file of this process.
 *
 * @throws {CocoonError} home_locked when the supervisor of another network runs
 */
export async function claimControl (root: string, init: Pick<Control, 'folder' | 'seed' | 'startedAtMs'>): Promise<ControlFile> {
  const supervisor = await identify(process.pid)
  if (supervisor == null) {
    throw new CocoonError('internal', 'the operating system does not say when this process began')
  }
  const path = join(root, FILE)
  const own = `${path}.${process.pid}`
  let current: Control = { v: 1, supervisor, state: 'starting', gateways: [], nodes: [], ...init }
  for (let attempt = 0; ; attempt++) {
    try {
      // Written first and linked then, so that nobody reads half of it.
      await writeFile(own, JSON.stringify(current), { mode: 0o600 })
      await link(own, path)
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new CocoonError('file_unusable', `${path} cannot be written`, { cause: error })
      }
      const owner = await readControl(root)
      if (attempt > 2 || (owner != null && await isAlive(owner.supervisor))) {
        throw new CocoonError('home_locked', `another network runs in ${root}${owner == null ? '' : ` (process ${owner.supervisor.pid})`}; \`cocoon testnet kill all\` ends it`, { cause: error })
      }
      await removeControl(root)
    } finally {
      await rm(own, { force: true })
    }
  }
  let writing: Promise<void> = Promise.resolve()
  let released = false
  return {
    update: async (change) => {
      current = { ...current, ...change }
      const text = JSON.stringify(current)
      writing = writing.then(async () => {
        if (!released) {
          await writeFile(`${path}.next`, text, { mode: 0o600 })
          await rename(`${path}.next`, path)
        }
      })
      await writing
    },
    release: async () => {
      released = true
      await writing.catch(() => { /* the update's caller was told */ })
      await rm(path, { force: true })
    }
  }
}
