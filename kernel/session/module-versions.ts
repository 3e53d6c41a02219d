// Which version of a user's file is on disk: a hash over it and all that it imports by path. Also where a path without its
// extension leads. No loading here.
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'oxc-parser'

interface Known { stamp: string; hash: string; imports: string[] }

const known = new Map<string, Known>()

/** Changes when the file or anything that it imports by a relative path has changed, or when `retries` has. */
export function versionOf(file: URL, retries: number): string {
  const seen = new Map<string, string>()
  collect(file, seen)
  const all = [...seen].sort(([a], [b]) => a < b ? -1 : 1).map(([url, hash]) => `${url} ${hash}`).join('\n')
  return createHash('sha1').update(`${retries}\n${all}`).digest('hex').slice(0, 10)
}

function collect(file: URL, seen: Map<string, string>) {
  if (seen.has(file.href)) return
  const { hash, imports } = read(file)
  seen.set(file.href, hash)
  for (const specifier of imports) {
    const found = findFile(specifier, file.href)
    if (found) collect(found, seen)
  }
}

function read(file: URL): Known {
  let stamp: string
  try {
    const { mtimeMs, size, ino } = statSync(file)
    stamp = `${mtimeMs} ${size} ${ino}`
  } catch { return { stamp: '', hash: 'missing', imports: [] } }
  const before = known.get(file.href)
  if (before?.stamp === stamp) return before
  const text = readFileSync(file)
  const entry = { stamp, hash: createHash('sha1').update(text).digest('hex'), imports: relativeImports(file, text) }
  known.set(file.href, entry)
  return entry
}

function relativeImports(file: URL, text: Buffer): string[] {
  if (!/\.[mc]?[jt]s$/.test(file.pathname)) return []
  const { staticImports, staticExports } = parseSync(fileURLToPath(file), text.toString()).module
  const requests = [...staticImports.map(i => i.moduleRequest.value), ...staticExports.flatMap(e => e.entries.map(entry => entry.moduleRequest?.value))]
  return [...new Set(requests.filter(request => request !== undefined))].filter(request => /^\.{0,2}\//.test(request) || request.startsWith('file:'))
}

/** The file that a path means: as it is, `.js` meaning `.ts`, without its extension, or a folder's index. `undefined` for packages. */
export function findFile(specifier: string, parent: string): URL | undefined {
  if (!/^\.{0,2}(\/|$)/.test(specifier) && !specifier.startsWith('file:')) return undefined
  const url = new URL(specifier, parent)
  url.search = ''
  const candidates = ['', '.ts', '.mts', '.js', '.mjs', '.json', '/index.ts', '/index.js'].map(ending => url.href + ending)
  if (/\.m?js$/.test(url.href)) candidates.push(url.href.replace(/js$/, 'ts'))
  const found = candidates.find(candidate => statSync(new URL(candidate), { throwIfNoEntry: false })?.isFile())
  return found === undefined ? undefined : new URL(found)
}
