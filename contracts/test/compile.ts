import { readFile, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Cell } from '@ton/core'
import { runTolkCompiler } from '@ton/tolk-js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', 'tolk')

export interface CompiledContract { readonly hash: string, readonly hex: string }

/** The contracts that there are: one folder each under `tolk`. */
export const CONTRACTS = Object.freeze(['client-vault', 'provider-stake', 'registry'] as const)

/** The sources of one contract, by file name without extension. */
export async function readSources (name: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const file of await readdir(join(root, name))) {
    files.set(file, await readFile(join(root, name, file), 'utf8'))
  }
  return files
}

/** Compiles one contract from `tolk/<name>/<name>.tolk`, or from other sources. Throws with the compiler's message. */
export async function compileContract (name: string, sources?: ReadonlyMap<string, string>): Promise<CompiledContract> {
  const files = sources ?? await readSources(name)
  const result = await runTolkCompiler({
    entrypointFileName: `${name}.tolk`,
    fsReadCallback: (path) => {
      const source = files.get(path.endsWith('.tolk') ? path : `${path}.tolk`)
      if (source == null) {
        throw new Error(`no such file: ${path}`)
      }
      return source
    }
  })
  if (result.status === 'error') {
    throw new Error(result.message)
  }
  const code = Cell.fromBase64(result.codeBoc64)
  return { hash: code.hash().toString('hex'), hex: code.toBoc().toString('hex') }
}

/** The file that is committed for a compiled contract. */
export function renderCompiled ({ hash, hex }: CompiledContract): string {
  return `// Made by \`npm run build:contracts\`; do not edit.\nexport const HASH = '${hash}'\nexport const HEX = '${hex}'\n`
}
