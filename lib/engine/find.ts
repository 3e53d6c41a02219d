// Where libtensorflow may be: the candidates in the order in which the engine tries them. Looks at file names only, loads nothing.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EngineError } from './errors.js'

/** A TensorFlow library that was found on this machine. */
export interface FoundLibrary {
  /** Which rule found it. */
  source: 'AFINAR_TENSORFLOW' | '.venv' | 'python' | 'tfjs-node' | 'system'
  /** The folder that holds the libraries. */
  folder: string
  /** Full paths to load, in this order; the C API is spread over them. */
  files: string[]
  /** TensorFlow's version where the file names tell it ('2.21.0'); undefined otherwise. */
  version?: string
  /** The wheel's name where it is one ('tensorflow-cpu'). */
  wheel?: string
}

/** What the search looks at; every field has a default and can be replaced in a test. */
export interface SearchEnvironment {
  env?: Record<string, string | undefined>
  /** Where the search for a `.venv` starts. Default: the current folder. */
  cwd?: string
  /** The folder of afinar's package.json. Default: found from this file. */
  packageRoot?: string
  platform?: NodeJS.Platform
}

const names: Record<string, string[][]> = {
  linux: [['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'], ['libtensorflow.so.2', 'libtensorflow_framework.so.2'], ['libtensorflow.so', 'libtensorflow_framework.so']],
  darwin: [['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'], ['libtensorflow.2.dylib', 'libtensorflow_framework.2.dylib'], ['libtensorflow.dylib']],
  win32: [['tensorflow.dll'], ['tensorflow_cc.dll']],
}

/**
 * All TensorFlow libraries on this machine, best first: AFINAR_TENSORFLOW (a folder or a file), a `.venv` from the current
 * folder or the package's upward, the Python on the PATH, the download of tfjs-node, the system's folders.
 *
 * @example
 * findTensorFlow()[0]?.folder // '/home/ana/project/.venv/lib/python3.11/site-packages/tensorflow'
 */
export function findTensorFlow(where: SearchEnvironment = {}): FoundLibrary[] {
  return [...candidates(where)]
}

/** The candidates one by one, so that starting the engine asks Python only when the cheaper places have nothing. */
export function * candidates({ env = process.env, cwd = process.cwd(), packageRoot = ownRoot(), platform = process.platform }: SearchEnvironment = {}): Generator<FoundLibrary> {
  const seen = new Set<string>()
  const look = (source: FoundLibrary['source'], folder: string): FoundLibrary[] => {
    const found = libraryIn(folder, platform)
    if (!found || seen.has(found.folder)) return []
    seen.add(found.folder)
    return [{ source, ...found }]
  }
  const named = env['AFINAR_TENSORFLOW']
  if (named) yield * look('AFINAR_TENSORFLOW', existsSync(named) && statSync(named).isFile() ? dirname(named) : named)
  for (const root of [...upward(cwd), ...upward(packageRoot)]) {
    for (const site of sitePackages(join(root, '.venv'))) yield * look('.venv', join(site, 'tensorflow'))
    yield * look('.venv', join(root, '.venv/share/afinar/tensorflow')) // the two libraries alone, as the set-up unpacks them
  }
  for (const site of sitesOfPython(env, platform)) yield * look('python', join(site, 'tensorflow'))
  for (const folder of tfjsNodeFolders(packageRoot, cwd)) yield * look('tfjs-node', folder)
  const system = platform === 'win32' ? [] : ['/usr/local/lib', '/usr/lib', '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/opt/homebrew/lib']
  const linked = (env[platform === 'win32' ? 'PATH' : platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH'] ?? '').split(delimiter).filter(Boolean)
  for (const folder of [...linked, ...system]) yield * look('system', folder)
}

/** The library in a folder (or beside a file) that the caller names. */
export function libraryAt(place: string, platform: NodeJS.Platform = process.platform): FoundLibrary {
  const found = libraryIn(existsSync(place) && statSync(place).isFile() ? dirname(place) : place, platform)
  if (!found) throw new EngineError(`Cannot load TensorFlow from ${place}: there is none of ${(names[platform] ?? names['linux']!).map(([file]) => file).join(', ')}. Name the folder of the tensorflow wheel, or leave the choice to the search.`)
  return { source: 'AFINAR_TENSORFLOW', ...found }
}

function libraryIn(folder: string, platform: string): Omit<FoundLibrary, 'source'> | undefined {
  for (const place of [folder, join(folder, 'lib'), join(folder, 'tensorflow')]) {
    for (const set of names[platform] ?? names['linux']!) {
      if (!existsSync(join(place, set[0]!))) continue
      const files = set.map((name) => join(place, name)).filter(existsSync)
      return { folder: resolve(place), files, ...wheelOf(place) }
    }
  }
  return undefined
}

/** Name and version of the wheel that a tensorflow folder belongs to, from the dist-info folder beside it. */
function wheelOf(folder: string): { version?: string; wheel?: string } {
  try {
    for (const entry of readdirSync(dirname(folder))) {
      const [, wheel, version] = /^(tensorflow(?:_cpu|_gpu|_macos|_intel|_rocm)?)-(\d[^-]*)\.dist-info$/.exec(entry) ?? []
      if (wheel && version) return { wheel: wheel.replace('_', '-'), version }
    }
  } catch { /* a folder that cannot be listed has no wheel */ }
  return {}
}

function upward(folder: string): string[] {
  const folders = [resolve(folder)]
  for (let up = dirname(folders[0]!); up !== folders.at(-1); up = dirname(up)) folders.push(up)
  return folders
}

function sitePackages(venv: string): string[] {
  try {
    const versions = readdirSync(join(venv, 'lib')).filter((name) => name.startsWith('python'))
    return versions.map((name) => join(venv, 'lib', name, 'site-packages'))
  } catch {
    return [join(venv, 'Lib', 'site-packages')]
  }
}

const pythonAnswers = new Map<string, string[]>()

function sitesOfPython(env: Record<string, string | undefined>, platform: string): string[] {
  const key = env['PATH'] ?? ''
  const known = pythonAnswers.get(key)
  if (known) return known
  const ask = 'import site, sysconfig; print("\\n".join([sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"], *(getattr(site, "getsitepackages", list)()), site.getusersitepackages()]))'
  let sites: string[] = []
  for (const python of platform === 'win32' ? ['python', 'py'] : ['python3', 'python']) {
    try {
      sites = [...new Set(execFileSync(python, ['-c', ask], { encoding: 'utf8', timeout: 5000, stdio: ['ignore', 'pipe', 'ignore'], env: env as NodeJS.ProcessEnv }).split('\n').filter(Boolean))]
      break
    } catch { /* no such Python: the next name */ }
  }
  pythonAnswers.set(key, sites)
  return sites
}

function tfjsNodeFolders(...from: string[]): string[] {
  return from.flatMap((folder) => ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'].flatMap((name) => {
    try {
      return [join(dirname(createRequire(join(folder, 'package.json')).resolve(`${name}/package.json`)), 'deps', 'lib')]
    } catch {
      return []
    }
  }))
}

/** The folder of the package.json that names afinar, above this file. */
export function ownRoot(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  return upward(here).find((folder) => {
    try {
      return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: string }).name === 'afinar'
    } catch {
      return false
    }
  }) ?? here
}
