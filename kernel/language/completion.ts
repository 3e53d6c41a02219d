// From the language server's completion items to a `complete_reply`. Not here: the request itself (service.ts).
import type { CompletionItem, Completions } from './answers.js'
import { withoutOurNames } from './diagnostics.js'
import { OUR_NAMES, type EarlierCells } from './earlier.js'
import type { Live } from './live.js'
import { MAGICS } from './magics.js'
import { toCodePoints, type Position } from './places.js'

export interface ServerCompletion {
  label: string; kind?: number; detail?: string; sortText?: string; insertText?: string
  documentation?: string | { value: string }
  textEdit?: { newText: string; range?: { start: Position; end: Position } }
}

/** The protocol's numbers, as the words for which front ends have icons. */
const KINDS = ['', 'text', 'method', 'function', 'constructor', 'field', 'variable', 'class', 'interface', 'module', 'property', 'unit', 'value', 'enum', 'keyword', 'snippet', 'color', 'file', 'reference', 'folder', 'enum member', 'constant', 'struct', 'event', 'operator', 'type parameter']
const MOST = 1000

export interface Candidate { item: ServerCompletion; text: string }

/** Items that continue what stands before the cursor, best first, with the stretch they replace (UTF-16 offsets). */
export function candidates(items: readonly ServerCompletion[], live: Live, cursor: number): { start: number; end: number; found: Candidate[] } {
  // One stretch for all: the items' own when each has one, else the word. An item that replaces more, such as
  // `[Symbol.iterator]` together with the dot, is left out.
  const edited = items.every(item => item.textEdit?.range !== undefined) ? items[0]?.textEdit?.range : undefined
  const word = /[\p{ID_Continue}$#]*$/u.exec(live.cell.code.slice(0, cursor))?.[0].length ?? 0
  const start = edited === undefined ? cursor - word : live.toCell(edited.start) ?? cursor - word
  const end = edited === undefined ? cursor : Math.max(cursor, live.toCell(edited.end) ?? cursor)
  const typed = live.cell.code.slice(start, cursor).toLowerCase()
  const found: (Candidate & { order: string })[] = []
  const seen = new Set<string>()
  for (const item of items) {
    if (edited === undefined && item.textEdit?.range !== undefined && live.toCell(item.textEdit.range.start) !== start) continue
    const text = item.textEdit?.newText ?? item.insertText ?? item.label
    if (OUR_NAMES.test(item.label.replace(/\.ts$/, '')) || item.label.startsWith('__notebook__') || seen.has(text)) continue
    if (!text.toLowerCase().startsWith(typed) && !item.label.toLowerCase().startsWith(typed)) continue
    seen.add(text)
    found.push({ item, text, order: `${item.sortText ?? ''}\0${text.toLowerCase()}\0${text}` })
  }
  found.sort((a, b) => a.order < b.order ? -1 : a.order > b.order ? 1 : 0)
  return { start, end, found: found.slice(0, MOST) }
}

/** The reply; `details` holds the items that were resolved in time, by their text. */
export function completions(live: Live, earlier: EarlierCells, start: number, end: number, found: readonly Candidate[], details: ReadonlyMap<string, ServerCompletion>): Completions {
  const from = toCodePoints(live.source, start)
  const to = toCodePoints(live.source, end)
  const items = found.map(({ item, text }): CompletionItem => {
    const detail = details.get(text)
    const signature = detail?.detail === undefined ? undefined : withoutOurNames(detail.detail).replace(/^\(alias\) /, '')
    const documentation = typeof detail?.documentation === 'object' ? detail.documentation.value : detail?.documentation
    return {
      text, start: from, end: to, type: kind(item, signature, earlier, live),
      ...(signature === undefined ? {} : { signature }), ...(documentation === undefined || documentation === '' ? {} : { documentation }),
    }
  })
  return { matches: found.map(each => each.text), start: from, end: to, metadata: { _jupyter_types_experimental: items } }
}

/** How a signature begins, and what that is called. */
const DECLARED: Readonly<Record<string, string>> = { class: 'class', interface: 'interface', type: 'type', enum: 'enum', namespace: 'module', module: 'module', function: 'function' }

/** Names of earlier cells, and of packages that export anew, come as aliases; what they are is known from the cell that declared them, or by their signature. */
function kind(item: ServerCompletion, signature: string | undefined, earlier: EarlierCells, live: Live): string {
  const said = KINDS[item.kind ?? 0] ?? ''
  const word = (/^(?:variable|reference|class)$/.test(said) ? DECLARED[/^\w+/.exec(signature ?? '')?.[0] ?? ''] : undefined) ?? said
  const standing = live.cell.names.get(item.label) ?? (word === 'variable' || word === 'reference' ? earlier.kindOf(item.label) : undefined)
  if (standing === undefined) return word === 'field' ? 'property' : word === 'file' && !item.label.includes('.') ? 'module' : word
  if (standing === 'const') return 'constant'
  if (standing === 'let') return 'variable'
  return standing === 'import' || standing === 'namespace' ? 'module' : standing
}

/** Completion of a magic: `%ty` at the start of a line. */
export function magicCompletions(source: string, cursor: number): Completions | undefined {
  const typed = /(?:^|[\r\n])[ \t]*(%[a-z ]*)$/.exec(source.slice(0, cursor))?.[1]
  if (typed === undefined) return undefined
  const matches = MAGICS.filter(magic => magic.startsWith(typed))
  if (matches.length === 0) return undefined
  const start = toCodePoints(source, cursor - typed.length)
  const end = toCodePoints(source, cursor)
  return { matches, start, end, metadata: { _jupyter_types_experimental: matches.map(text => ({ text, type: 'magic', start, end })) } }
}
