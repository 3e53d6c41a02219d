// The project that the language server sees: one configuration, never written to disk, whose documents seem to lie in
// the notebook's folder. Not here: what the documents say (live.ts, earlier.ts).
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EARLIER_FILE } from './earlier.js'

export const CELL_FILE = '__notebook__.ts'
export const CONFIGURATION_FILE = 'tsconfig.afinar-notebook.json'

/**
 * Settings that the server asks for: our configuration before any of the user's, no imports added from afar,
 * and no npm install of types behind the user's back, which the server would do at every start.
 */
export const SETTINGS = {
  customConfigFileName: CONFIGURATION_FILE,
  disableAutomaticTypeAcquisition: true, tsserver: { automaticTypeAcquisition: { enabled: false } },
  suggest: { autoImports: false, includeCompletionsForModuleExports: false },
}

/** The configuration's text. Strict, except where strictness gets in the way of a notebook (see diagnostics.ts). */
export function configuration(cwd: string): string {
  const home = kernelFolder()
  return JSON.stringify({
    compilerOptions: {
      target: 'es2023', lib: ['es2023', 'esnext.disposable', 'esnext.iterator', 'decorators'], module: 'preserve', moduleResolution: 'bundler',
      moduleDetection: 'force', esModuleInterop: true, resolveJsonModule: true, allowImportingTsExtensions: true, noEmit: true,
      // noImplicitAny stays on because without it `const list = []` is `never[]`; its errors are dropped.
      strict: true, useUnknownInCatchVariables: false, skipLibCheck: true, allowUnreachableCode: true, allowUnusedLabels: true,
      types: ['node'], typeRoots: typeRoots(cwd, home), paths: ownPackages(cwd, home),
    },
    files: [`./${CELL_FILE}`, `./${EARLIER_FILE}`],
  })
}

/** The folder of this package: the first one upwards whose package.json is ours. */
export function kernelFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (dirname(folder) !== folder && !existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}

function typeRoots(cwd: string, home: string): string[] {
  const found = packageFolder('@types/node', cwd) ?? packageFolder('@types/node', home)
  return found === undefined ? [] : [dirname(found)]
}

/** Where the kernel's own packages lie, for those that the notebook's folder does not have itself. */
function ownPackages(cwd: string, home: string): Record<string, string[]> {
  const { name, dependencies } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { name: string; dependencies: Record<string, string> }
  const paths: Record<string, string[]> = {}
  if (packageFolder(name, cwd) === undefined) paths[name] = [join(home, 'dist/lib/index.d.ts')]
  for (const dependency of Object.keys(dependencies)) {
    if (dependency.startsWith('@types/') || packageFolder(dependency, cwd) !== undefined) continue
    const folder = packageFolder(dependency, home)
    if (folder === undefined) continue
    paths[dependency] = [folder]
    paths[`${dependency}/*`] = [`${folder}/*`]
  }
  return paths
}

/** The folder of an installed package as `from` would find it. */
export function packageFolder(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (existsSync(candidate)) return candidate
    if (dirname(folder) === folder) return undefined
  }
}

/** The program of TypeScript's own server and the arguments that start it. */
export function serverCommand(): { command: string; arguments: string[] } {
  const require = createRequire(import.meta.url)
  const typescript = require.resolve('typescript/package.json')
  const options = ['--lsp', '--stdio']
  try {
    const platform = createRequire(typescript).resolve(`@typescript/typescript-${process.platform}-${process.arch}/package.json`)
    const program = join(dirname(platform), 'lib', process.platform === 'win32' ? 'tsc.exe' : 'tsc')
    if (existsSync(program)) return { command: program, arguments: options }
  } catch { /* an installation of another shape: its own launcher knows */ }
  return { command: process.execPath, arguments: [join(dirname(typescript), 'bin', 'tsc'), ...options] }
}
