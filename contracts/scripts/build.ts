/** Compiles the contracts: writes `src/compiled/<name>.ts` with the code as a hex bag of cells and its hash. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CONTRACTS, compileContract, renderCompiled } from '../test/compile.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
await mkdir(join(root, 'src', 'compiled'), { recursive: true })
for (const name of CONTRACTS) {
  const path = join(root, 'src', 'compiled', `${name}.ts`)
  const text = renderCompiled(await compileContract(name))
  const before = await readFile(path, 'utf8').catch(() => '')
  if (before !== text) {
    await writeFile(path, text)
  }
  console.info(`${name} ${before === text ? 'unchanged' : 'written'}`)
}
