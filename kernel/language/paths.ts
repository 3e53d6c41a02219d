// Completion of paths inside strings: `readFileSync('./da` → the files there. Only where TypeScript has nothing to offer:
// import specifiers and literal types are its own. Not here: the request (service.ts).
import { readdirSync, type Dirent } from 'node:fs'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import type { Completions } from './answers.js'
import { toCodePoints } from './places.js'

/** Comments and strings in the order they come, each to its end or to the end of the text. */
const TOKENS = /\/\*[^]*?(?:\*\/|$)|\/\/[^\r\n]*|(["'])(?:\\.|(?!\1)[^\\\r\n])*\1?|`(?:\\.|[^\\`])*`?/g
const MOST = 500

/** What stands between the opening quote and the cursor; undefined outside strings. */
export function typedInString(before: string): string | undefined {
  let last: RegExpExecArray | undefined
  for (const token of before.matchAll(TOKENS)) last = token
  if (last === undefined || last.index + last[0].length !== before.length) return undefined
  const text = last[0], quote = text[0] ?? ''
  if (!'"\'`'.includes(quote) || (text.length > 1 && text.endsWith(quote))) return undefined
  return text.slice(1).includes('${') ? undefined : text.slice(1)
}

/** Files and folders below `cwd` that continue the path before the cursor (a UTF-16 offset); folders end in a slash. */
export function pathCompletions(source: string, cursor: number, cwd: string): Completions | undefined {
  const typed = typedInString(source.slice(0, cursor))
  if (typed === undefined || typed.length > 1000 || /[\r\n]|^\w+:/.test(typed)) return undefined
  const name = typed.slice(typed.lastIndexOf('/') + 1), folder = typed.slice(0, typed.length - name.length)
  let entries: Dirent[]
  try {
    entries = readdirSync(resolve(cwd, folder.replace(/^~(?=\/)/, homedir())), { withFileTypes: true })
  } catch { return undefined }
  const found = entries.filter(entry => entry.name.startsWith(name) && (name.startsWith('.') || !entry.name.startsWith('.')))
    .sort((a, b) => a.name < b.name ? -1 : 1).slice(0, MOST)
  if (found.length === 0) return undefined
  const start = toCodePoints(source, cursor - name.length), end = toCodePoints(source, cursor)
  const items = found.map(entry => ({ text: entry.isDirectory() ? `${entry.name}/` : entry.name, type: entry.isDirectory() ? 'folder' : 'file', start, end }))
  return { matches: items.map(({ text }) => text), start, end, metadata: { _jupyter_types_experimental: items } }
}
