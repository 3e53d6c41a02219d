// Node's module hooks for the user's own files, in the loader's thread: .ts files and ES modules are transpiled, an edited file (or one that imports an
// edited file) gets a new URL and is loaded again, and packages are looked for in the kernel's installation last.
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { LoadFnOutput, LoadHookContext, ResolveFnOutput, ResolveHookContext } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { MessagePort } from 'node:worker_threads'
import { transpileModule } from '../language/transpile.js'
import { findFile, versionOf } from './module-versions.js'

export interface HooksData { port: MessagePort; retries: ArrayBufferLike; kernel: string; tslab: string; notebook: string }
/** Tells the main thread which source runs under a URL, for tracebacks. */
export interface LoadedModule { url: string; file: string; source: string }

let data: HooksData
let legacyDecorators = false

export function initialize(given: HooksData) {
  data = given
  data.port.unref()
  try { legacyDecorators = /"experimentalDecorators"\s*:\s*true/.test(readFileSync(new URL('./tsconfig.json', data.notebook), 'utf8')) } catch { /* no tsconfig.json */ }
}

type NextResolve = (specifier: string, context?: Partial<ResolveHookContext>) => Promise<ResolveFnOutput>

export async function resolve(specifier: string, context: ResolveHookContext, next: NextResolve): Promise<ResolveFnOutput> {
  const parent = context.parentURL ?? data.notebook
  if (!isUsers(parent)) return next(specifier, context)
  if (specifier === 'tslab') return { url: data.tslab, shortCircuit: true }
  const file = findFile(specifier, parent)
  if (file) return versioned(await next(file.href, context))
  try { return versioned(await next(specifier, context)) } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND' || /^[./]|^file:/.test(specifier)) throw error
    return next(specifier, { ...context, parentURL: data.kernel })
  }
}

const isUsers = (url: string) => url.startsWith('file:') && !url.includes('/node_modules/') && !url.startsWith(new URL('../../', data.kernel).href)

function versioned(resolved: ResolveFnOutput): ResolveFnOutput {
  const url = new URL(resolved.url)
  if (!isUsers(resolved.url) || url.searchParams.has('v')) return resolved
  const typescript = /\.m?ts$/.test(url.pathname), json = url.pathname.endsWith('.json')
  if (!typescript && !json && resolved.format !== 'module') return resolved
  url.searchParams.set('v', versionOf(url, new Int32Array(data.retries as SharedArrayBuffer)[0] ?? 0))
  return { ...resolved, url: url.href, ...(typescript ? { format: 'module' as const } : {}), ...(json ? { importAttributes: { type: 'json' } } : {}) }
}

type NextLoad = (url: string, context?: Partial<LoadHookContext>) => Promise<LoadFnOutput>

export async function load(url: string, context: LoadHookContext, next: NextLoad): Promise<LoadFnOutput> {
  if (!isUsers(url) || !(context.format === 'module' ? /\.m?[jt]s$/ : /\.m?ts$/).test(new URL(url).pathname)) return next(url, context)
  const file = fileURLToPath(url.replace(/\?.*/, ''))
  const source = await readFile(file, 'utf8')
  const loaded: LoadedModule = { url, file, source }
  data.port.postMessage(loaded) // before the code is read: what is wrong with it is shown too
  const { code } = transpileModule(source, { file, legacyDecorators })
  return { format: 'module', source: code, shortCircuit: true }
}
