// Node's module hooks of a worker: objectives may be TypeScript, and say 'afinar' wherever they lie.
import { readFile } from 'node:fs/promises'
import type { LoadFnOutput, LoadHookContext, ResolveFnOutput, ResolveHookContext } from 'node:module'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'oxc-transform'

const library = new URL('../../index.js', import.meta.url).href

export async function resolve(specifier: string, context: ResolveHookContext, next: (specifier: string, context?: Partial<ResolveHookContext>) => Promise<ResolveFnOutput>): Promise<ResolveFnOutput> {
  try { return await next(specifier, context) } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND' || context.parentURL?.includes('/node_modules/')) throw error
    if (specifier === 'afinar') return { url: library, shortCircuit: true }
    return /^[./]|^file:/.test(specifier) ? next(specifier.replace(/\.([cm]?)js$/, '.$1ts'), context) : next(specifier, { ...context, parentURL: import.meta.url })
  }
}

export async function load(url: string, context: LoadHookContext, next: (url: string, context?: Partial<LoadHookContext>) => Promise<LoadFnOutput>): Promise<LoadFnOutput> {
  if (!url.startsWith('file:') || !/\.m?ts$/.test(new URL(url).pathname) || url.includes('/node_modules/')) return next(url, context)
  const file = fileURLToPath(url), { code, errors } = transformSync(file, await readFile(file, 'utf8'), { lang: 'ts', sourceType: 'module', target: 'es2022', typescript: { onlyRemoveTypeImports: true } })
  if (errors.length > 0) throw new SyntaxError(`${file}: ${errors[0]!.message}`)
  return { format: 'module', source: code, shortCircuit: true }
}
