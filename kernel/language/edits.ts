// Files of the user that cells import by a relative path, and packages installed while the kernel runs: the language
// server is told of what changed on disk since it last looked. Not here: the server itself.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { packageFolder } from './project.js'

export interface FileEvent { uri: string; type: 1 | 2 | 3 }

const CREATED = 1
const CHANGED = 2
const DELETED = 3
const SPECIFIER = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(['"])([^'"\r\n]+)\1/g
const ENDINGS = ['', '.ts', '.tsx', '.mts', '.js', '.mjs', '.json', '/index.ts', '/index.js']

interface Seen { stamp: string; imports: string[] }

export class Edits {
  readonly #cwd: string
  readonly #seen = new Map<string, Seen>()
  readonly #specifiers = new Set<string>()

  constructor(cwd: string) { this.#cwd = cwd }

  /** Changes on disk to the files that `code`, and the cells seen before, import by relative paths. */
  since(code: string): FileEvent[] {
    for (const specifier of specifiersOf(code)) if (specifier.startsWith('.') || specifier.startsWith('/')) this.#specifiers.add(specifier)
    if (this.#specifiers.size === 0) return []
    const events: FileEvent[] = []
    const visited = new Set<string>()
    for (const specifier of this.#specifiers) this.#visit(this.#cwd, specifier, visited, events)
    for (const file of this.#seen.keys()) {
      if (existsSync(file)) continue
      this.#seen.delete(file)
      events.push({ uri: pathToFileURL(file).href, type: DELETED })
    }
    return events
  }

  /** Packages of `code` that are there now, for a server that did not find one. */
  installed(code: string): FileEvent[] {
    return specifiersOf(code).flatMap(specifier => {
      if (specifier.startsWith('.') || specifier.startsWith('/')) return []
      const name = specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
      const folder = packageFolder(name, this.#cwd)
      return folder === undefined ? [] : [{ uri: pathToFileURL(resolve(folder, 'package.json')).href, type: CREATED as 1 }]
    })
  }

  #visit(folder: string, specifier: string, visited: Set<string>, events: FileEvent[]): void {
    const file = fileOf(resolve(folder, specifier))
    if (file === undefined || visited.has(file)) return
    visited.add(file)
    const { mtimeMs, size } = statSync(file)
    const stamp = `${mtimeMs} ${size}`
    let seen = this.#seen.get(file)
    if (seen?.stamp !== stamp) {
      // Also at first sight: the server may have looked for it in vain before.
      events.push({ uri: pathToFileURL(file).href, type: seen === undefined ? CREATED : CHANGED })
      seen = { stamp, imports: specifiersOf(readFileSync(file, 'utf8')).filter(each => each.startsWith('.')) }
      this.#seen.set(file, seen)
    }
    for (const each of seen.imports) this.#visit(dirname(file), each, visited, events)
  }
}

function specifiersOf(code: string): string[] {
  return [...code.matchAll(SPECIFIER)].map(match => match[2] ?? '')
}

function fileOf(path: string): string | undefined {
  const candidates = ENDINGS.map(ending => path + ending)
  if (/\.[mc]?js$/.test(path)) candidates.unshift(path.replace(/js$/, 'ts'))
  return candidates.find(candidate => statSync(candidate, { throwIfNoEntry: false })?.isFile() === true)
}
