/**
 * The emulator is C++ compiled without WebAssembly's own exceptions: each call that may throw, some twenty for every
 * instruction of the TVM, leaves WebAssembly for a JavaScript function `invoke_…` that calls back inside a `try`. Here
 * the same functions are assembled as WebAssembly, which makes a transition about a third faster and changes nothing
 * else. Where the engine or the emulator's build does not allow it, all stays as it was.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

type Imports = Record<string, Record<string, unknown>>
type Instantiate = (binary: BufferSource, imports: Imports) => Promise<WebAssembly.WebAssemblyInstantiatedSource>

const VALUE_TYPES: Readonly<Record<string, number>> = Object.freeze({ i: 0x7f, j: 0x7e, f: 0x7d, d: 0x7c })
/** `i32.const 0` and its like. */
const ZEROES: Readonly<Record<string, readonly number[]>> = Object.freeze({
  v: [], i: [0x41, 0], j: [0x42, 0], f: [0x43, 0, 0, 0, 0], d: [0x44, 0, 0, 0, 0, 0, 0, 0, 0]
})
const EXTERNREF = 0x6f
const FUNCREF = 0x70
const I32 = 0x7f
/** Where the helpers lie in the second table. */
const [GET_STACK, RESTORE_STACK, SET_THREW] = [0, 1, 2]

function leb (value: number): number[] {
  const low = value & 0x7f
  return value < 0x80 ? [low] : [low | 0x80, ...leb(value >>> 7)]
}

function vector (items: ReadonlyArray<readonly number[]>): number[] {
  return [...leb(items.length), ...items.flat()]
}

function section (id: number, content: readonly number[]): number[] {
  return [id, ...leb(content.length), ...content]
}

function name (text: string): number[] {
  return vector([...Buffer.from(text)].map(byte => [byte]))
}

function functionType (params: readonly number[], results: readonly number[]): number[] {
  return [0x60, ...vector(params.map(type => [type])), ...vector(results.map(type => [type]))]
}

/** The module of trampolines for these names: letter of the result, then of each parameter after the table's index. */
export function assemble (names: readonly string[]): Uint8Array<ArrayBuffer> {
  const [tagType, stackType, restoreType, threwType] = [0, 1, 2, 3]
  const types = [functionType([EXTERNREF], []), functionType([], [I32]), functionType([I32], []), functionType([I32, I32], [])]
  const own: number[][] = []
  const bodies: number[][] = []
  for (const each of names) {
    const [result, ...rest] = each.slice('invoke_'.length)
    const params = rest.map(letter => VALUE_TYPES[letter])
    const results = result === 'v' ? [] : [VALUE_TYPES[result]]
    own.push(leb(types.length))
    types.push(functionType([I32, ...params], results), functionType(params, results))
    const stack = leb(params.length + 1)
    const body = [
      ...vector([[1, I32]]),
      // stack = getStack()
      0x41, GET_STACK, 0x11, ...leb(stackType), 1, 0x21, ...stack,
      // try
      0x06, results[0] ?? 0x40,
      ...params.flatMap((_, i) => [0x20, ...leb(i + 1)]), 0x20, 0, 0x11, ...leb(types.length - 1), 0,
      // catch a JavaScript exception: one that is none of the emulator's is thrown on
      0x07, 0, 0x10, 0,
      0x20, ...stack, 0x41, RESTORE_STACK, 0x11, ...leb(restoreType), 1,
      0x41, 1, 0x41, 0, 0x41, SET_THREW, 0x11, ...leb(threwType), 1,
      ...ZEROES[result],
      0x0b, 0x0b
    ]
    bodies.push([...leb(body.length), ...body])
  }
  return Uint8Array.from([
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, vector(types)),
    ...section(2, vector([[...name('e'), ...name('check'), 0, tagType], [...name('e'), ...name('tag'), 4, 0, tagType]])),
    ...section(3, vector(own)),
    ...section(4, vector([[FUNCREF, 0, 0], [FUNCREF, 0, 3]])),
    ...section(7, vector([
      [...name('functions'), 1, 0],
      [...name('helpers'), 1, 1],
      // the imported check is function 0
      ...names.map((each, i) => [...name(each), 0, ...leb(i + 1)])
    ])),
    ...section(10, vector(bodies))
  ])
}

/** The emulator's exceptions are numbers. */
function check (error: unknown): void {
  if (typeof error !== 'number') {
    throw error
  }
}

/** Under which names the emulator's build exports what the trampolines need; undefined: it is built otherwise. */
function helperNames (): string[] | undefined {
  const glue = readFileSync(createRequire(import.meta.url).resolve('@ton/sandbox/dist/executor/emulator-emscripten.js'), 'utf8')
  const names = ['_emscripten_stack_get_current', '__emscripten_stack_restore', '_setThrew']
    .map(each => new RegExp(`[,;{]${each}=wasmExports\\["(\\w+)"\\]`).exec(glue)?.[1])
  return names.every(each => each != null) ? names : undefined
}

/** Instantiates a build of the emulator with trampolines of its own in place of its imports `invoke_…`. */
async function withTrampolines (instantiate: Instantiate, binary: BufferSource, imports: Imports, helpers: readonly string[]): ReturnType<Instantiate> {
  const found = Object.entries(imports).flatMap(([module, members]) => Object.entries(members)
    .filter((entry): entry is [string, () => void] => typeof entry[1] === 'function' && /^invoke_[vijfd]+$/.test(entry[1].name))
    .map(([member, { name: invoke }]) => ({ module, member, invoke })))
  const tag = Reflect.get(WebAssembly, 'JSTag')
  const { instance: shim } = await instantiate(assemble(found.map(({ invoke }) => invoke)), { e: { check, tag } })
  const changed = Object.fromEntries(Object.entries(imports).map(([module, members]) => [module, { ...members }]))
  for (const { module, member, invoke } of found) {
    changed[module][member] = shim.exports[invoke]
  }
  const source = await instantiate(binary, changed)
  const table = Object.values(source.instance.exports).find(item => item instanceof WebAssembly.Table)
  const { functions, helpers: helperTable } = shim.exports as Record<string, WebAssembly.Table>
  if (table == null) {
    throw new Error('the emulator exports no table')
  }
  functions.grow(table.length)
  for (let i = 0; i < table.length; i++) {
    functions.set(i, table.get(i))
  }
  helpers.forEach((each, i) => { helperTable.set(i, source.instance.exports[each]) })
  return source
}

/** Runs `create`, which instantiates the emulator, so that it gets trampolines. */
export async function trampolined<T> (create: () => Promise<T>): Promise<T> {
  const helpers = helperNames()
  if (helpers == null || Reflect.get(WebAssembly, 'JSTag') == null) {
    return create()
  }
  const original = Reflect.get(WebAssembly, 'instantiate') as Instantiate
  Reflect.set(WebAssembly, 'instantiate', async (binary: BufferSource, imports: Imports) => withTrampolines(original, binary, imports, helpers))
  try {
    return await create()
  } finally {
    Reflect.set(WebAssembly, 'instantiate', original)
  }
}
