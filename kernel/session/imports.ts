// import, require and import.meta of cells: the notebook's folder first, the kernel's own packages second.
// Files of the user (.ts and what they import) go through module-hooks.ts.
import { createRequire, register } from 'node:module'
import { isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import vm from 'node:vm'
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import { transpileModule } from '../language/transpile.js'
import { Atomics, Error, Int32Array, Object, process, SharedArrayBuffer, String, URL } from './intrinsics.js'
import { fileLabel, rememberSource, setCollector } from './places.js'
import * as tslabModule from './tslab.js'
import type { HooksData, LoadedModule } from './module-hooks.js'

const folder = process.cwd()
const notebook = process.env.AFINAR_NOTEBOOK ? resolve(folder, process.env.AFINAR_NOTEBOOK) : join(folder, 'notebook.ipynb')
const kernel = import.meta.url
const tslab = new URL('./tslab.js', import.meta.url).href

type Namespace = Record<string, unknown>
type Importer = (specifier: string, options?: ImportCallOptions) => Promise<Namespace>

/** `import()` as a module in the notebook's folder would do it. */
const importFromNotebook = vm.compileFunction('return (specifier, options) => import(specifier, options)', [], {
  filename: notebook, importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
} as never)() as Importer
const importFromKernel: Importer = (specifier, options) => import(specifier, options)

/** `import.meta` of a cell. */
export const importMeta = Object.freeze({
  url: pathToFileURL(notebook).href, filename: notebook, dirname: folder, main: true,
  resolve: (specifier: string) => isFile(specifier) ? fileURL(specifier).href : pathToFileURL(notebookRequire.resolve(specifier)).href,
})

/**
 * What an import statement or `import()` of a cell becomes.
 * @param names what the statement binds; without it the namespace is returned
 * @param needed those of the names that the cell uses as values: a missing one is an error, a missing type is not
 */
export async function importForCell(specifier: string, options?: ImportCallOptions, names?: string[], needed: string[] = []): Promise<unknown> {
  const namespace = await load(String(specifier), options)
  if (!names) return wholeNamespace(namespace)
  const taken: Namespace = {}
  for (const name of names) {
    const [found, value] = take(namespace, name)
    if (found) taken[name] = value
    else if (needed.includes(name)) throw new SyntaxError(`Cannot import { ${name} } from '${specifier}': it exports ${exportsOf(namespace)}`)
  }
  return taken
}

async function load(specifier: string, options?: ImportCallOptions): Promise<Namespace> {
  if (specifier === 'tslab') return importFromKernel(tslab)
  if (isFile(specifier)) {
    installHooks()
    // the hooks see the parent and give edited files a new version
    const attributes = /\.json(\?|$)/.test(specifier) && !options ? { with: { type: 'json' } } : options
    try { return await importFromNotebook(specifier.startsWith('file:') ? specifier : fileURL(specifier).href, attributes) } catch (error) {
      Atomics.add(retries, 0, 1)
      throw error
    }
  }
  try { return await importFromNotebook(specifier, options) } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_FILE_EXTENSION' && !installed) { installHooks(); return importFromNotebook(specifier, options) }
    if (!isMissing(error, specifier)) throw error
    try { return await importFromKernel(specifier, options) } catch (second) { throw isMissing(second, specifier) ? notFound(specifier) : second }
  }
}

const isFile = (specifier: string) => /^\.{0,2}\//.test(specifier) || specifier === '.' || specifier === '..' || specifier.startsWith('file:') || isAbsolute(specifier)
const fileURL = (specifier: string) => specifier.startsWith('file:') ? new URL(specifier) : pathToFileURL(resolve(folder, specifier))
const packageOf = (specifier: string) => specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')

function isMissing(error: unknown, specifier: string): boolean {
  const { code, message = '' } = error as NodeJS.ErrnoException
  return (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && (message.includes(`'${packageOf(specifier)}'`) || message.includes(`'${specifier}'`))
}

function notFound(specifier: string): Error {
  const error = new Error(`Cannot find package '${packageOf(specifier)}': it is neither in ${folder} nor one of the kernel's own. Install it there: npm install ${packageOf(specifier)}`)
  return Object.assign(error, { code: 'ERR_MODULE_NOT_FOUND' })
}

/** CommonJS modules keep names that Node could not detect in their `default`; a compiled ES module keeps its real default there. */
function take(namespace: Namespace, name: string): [boolean, unknown] {
  const common = commonExports(namespace)
  if (name === 'default' && common && common.__esModule === true && 'default' in common) return [true, common.default]
  if (name in namespace) return [true, namespace[name]]
  if (common && name in common) return [true, common[name]]
  return [false, undefined]
}

/** What a CommonJS module exports: Node keeps it in `default`, and repeats beside it the names that it detected. */
function commonExports(namespace: Namespace): Namespace | undefined {
  const exported = namespace.default
  if ((typeof exported !== 'object' && typeof exported !== 'function') || exported === null) return undefined
  if ('module.exports' in namespace) return namespace['module.exports'] as Namespace
  const detected = Object.keys(namespace).filter(name => name !== 'default')
  const same = (name: string) => (exported as Namespace)[name] === namespace[name]
  return (exported as Namespace).__esModule === true || detected.every(same) ? exported as Namespace : undefined
}

/** `import * as x` of a CommonJS module: everything it exports, also what Node could not detect. */
function wholeNamespace(namespace: Namespace): Namespace {
  const common = commonExports(namespace)
  if (!common) return namespace
  return common.__esModule === true ? common : Object.keys(common).every(key => key in namespace) ? namespace : Object.assign(Object.create(null), common, { default: common })
}

function exportsOf(namespace: Namespace): string {
  const names = Object.keys(wholeNamespace(namespace))
  return names.length ? names.slice(0, 12).join(', ') + (names.length > 12 ? ` and ${names.length - 12} more` : '') : 'nothing'
}

/** Raised after a module failed or was stopped: Node would answer with the old failure for ever. */
const retries = new Int32Array(new SharedArrayBuffer(4))
let installed = false

/** The hooks live in another thread; it is started by the first import of a file, not before. */
function installHooks() {
  if (installed) return
  installed = true
  const { port1, port2 } = new MessageChannel()
  port1.unref()
  const data: HooksData = { port: port2, retries: retries.buffer, kernel, tslab, notebook: pathToFileURL(notebook).href }
  register('./module-hooks.js', { parentURL: kernel, data, transferList: [port2] })
  setCollector(() => {
    for (let received = receiveMessageOnPort(port1); received; received = receiveMessageOnPort(port1)) {
      const { url, file, source } = received.message as LoadedModule
      let map: ReturnType<typeof transpileModule>['map'] | undefined
      rememberSource(url, { label: fileLabel(file), text: source, map: place => (map ??= transpileModule(source, { file }).map)(place) })
    }
  })
}

const requireFromNotebook = createRequire(notebook), requireFromKernel = createRequire(kernel)

/** `require` of cells. */
export const notebookRequire: NodeJS.Require = Object.assign(
  (id: string): unknown => {
    if (id === 'tslab') return tslabModule
    try { return requireFromNotebook(id) } catch (error) {
      if (isFile(id) || !isMissing(error, id)) throw error
      try { return requireFromKernel(id) } catch (second) { throw isMissing(second, id) ? notFound(id) : second }
    }
  },
  {
    resolve: Object.assign((id: string, options?: { paths?: string[] }) => {
      try { return requireFromNotebook.resolve(id, options) } catch (error) { if (isFile(id)) throw error; return requireFromKernel.resolve(id, options) }
    }, { paths: requireFromNotebook.resolve.paths }),
    cache: requireFromNotebook.cache, extensions: requireFromNotebook.extensions, main: undefined,
  },
) as NodeJS.Require

