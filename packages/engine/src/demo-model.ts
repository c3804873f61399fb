import { fileURLToPath } from 'node:url'

/** Absolute path of the demonstration model that ships with this package. */
export function demoModelPath (): string {
  // The same from `src/` and from `dist/src/`: the package's root is found by its own name.
  return fileURLToPath(new URL('models/cocoon-demo-f16.gguf', packageRoot()))
}

function packageRoot (): URL {
  const here = new URL('.', import.meta.url)

  return here.pathname.endsWith('/dist/src/') ? new URL('../../', here) : new URL('../', here)
}
