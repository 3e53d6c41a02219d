// Node's module hooks for a launched script: .ts files are transpiled, and this package is found also where nobody installed it.
import { readFile } from 'node:fs/promises'
import type { LoadFnOutput, LoadHookContext, ResolveFnOutput, ResolveHookContext } from 'node:module'
import { fileURLToPath } from 'node:url'
import { stripTypes } from '../../language/strip-types.js'

let kernel = import.meta.url

export function initialize(given: { kernel: string }): void { kernel = given.kernel }

type NextResolve = (specifier: string, context?: Partial<ResolveHookContext>) => Promise<ResolveFnOutput>

export async function resolve(specifier: string, context: ResolveHookContext, next: NextResolve): Promise<ResolveFnOutput> {
  try { return await next(specifier, context) } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND' || context.parentURL?.includes('/node_modules/')) throw error
    if (!/^[./]|^file:/.test(specifier)) return next(specifier, { ...context, parentURL: kernel })
    // As TypeScript's users write it: './model.js' for model.ts.
    return next(specifier.replace(/\.([cm]?)js$/, '.$1ts'), context)
  }
}

type NextLoad = (url: string, context?: Partial<LoadHookContext>) => Promise<LoadFnOutput>

export async function load(url: string, context: LoadHookContext, next: NextLoad): Promise<LoadFnOutput> {
  if (!url.startsWith('file:') || !/\.m?ts$/.test(new URL(url).pathname) || url.includes('/node_modules/')) return next(url, context)
  const file = fileURLToPath(url)
  return { format: 'module', source: stripTypes(file, await readFile(file, 'utf8')).code, shortCircuit: true }
}
