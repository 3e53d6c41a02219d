// What was run: the answers to history_request, for this session and, from a file, for earlier ones.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

interface Entry { session: number; line: number; input: string; output: string | null }

/** Entries of earlier sessions that are kept. */
const KEPT = 2000
/** Longer cells are not written to the file (UTF-16 units). */
const WRITTEN = 50_000

export type HistoryItem = [session: number, line: number, input: string | [string, string | null]]

export class History {
  private readonly entries: Entry[]
  private readonly session: number

  /** `file` holds one JSON record a line; undefined keeps the history in memory only. */
  constructor(private readonly file: string | undefined = defaultFile()) {
    const earlier = file ? read(file) : []
    if (file) write(() => mkdirSync(dirname(file), { recursive: true }))
    this.session = (earlier.at(-1)?.session ?? 0) + 1
    this.entries = earlier.slice(-KEPT)
    if (file && earlier.length > 2 * KEPT) write(() => writeFileSync(file, this.entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')))
  }

  add(line: number, input: string): void {
    const entry: Entry = { session: this.session, line, input, output: null }
    this.entries.push(entry)
    if (this.file && input.length <= WRITTEN) write(() => { appendFileSync(this.file!, `${JSON.stringify(entry)}\n`, { mode: 0o600 }) })
  }

  /** The text of a cell's result, for those who ask for output too. */
  result(line: number, text: string): void {
    const entry = this.entries.findLast((each) => each.session === this.session && each.line === line)
    if (entry) entry.output = text.slice(0, 10_000)
  }

  /** The items that a history_request asks for. */
  answer(content: Record<string, unknown>): HistoryItem[] {
    const { hist_access_type: type, output = false, n, pattern = '*', unique = false } = content
    const most = typeof n === 'number' && n >= 0 ? n : type === 'search' ? Infinity : 10
    const found = type === 'range' ? this.range(Number(content['session'] ?? 0), Number(content['start'] ?? 0), content['stop'] as number | null | undefined)
      : type === 'search' ? this.search(String(pattern), Boolean(unique)).slice(-most || Infinity)
        : this.entries.slice(-most || Infinity)
    return found.map(({ session, line, input, output: result }) => [session, line, output ? [input, result] : input])
  }

  /** Lines `start` (included) to `stop` (excluded) of a session: 0 is this one, negative counts back. */
  private range(session: number, start: number, stop: number | null | undefined): Entry[] {
    const wanted = session <= 0 ? this.session + session : session
    return this.entries.filter((entry) => entry.session === wanted && entry.line >= start && (stop === null || stop === undefined || entry.line < stop))
  }

  /** Entries that match a glob pattern (`*`, `?`), the latest of equal ones if `unique`. */
  private search(pattern: string, unique: boolean): Entry[] {
    const found = this.entries.filter(({ input }) => matches(input, pattern))
    if (!unique) return found
    return [...new Map(found.map((entry) => [entry.input, entry])).values()]
  }
}

/** Whether a glob pattern fits a whole text. Time: length × pattern length, whatever the pattern; a regular expression would hang on `*****a`. */
function matches(text: string, pattern: string): boolean {
  let at = 0, p = 0, star = -1, resume = 0
  while (at < text.length) {
    if (pattern[p] === '*') { star = p++; resume = at }
    else if (pattern[p] === '?' || pattern[p] === text[at]) { p++; at++ }
    else if (star >= 0) { p = star + 1; at = ++resume }
    else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

function defaultFile(): string {
  return join(process.env['XDG_DATA_HOME'] ?? join(homedir(), '.local/share'), 'afinar/history.jsonl')
}

function read(file: string): Entry[] {
  try {
    return readFileSync(file, 'utf8').split('\n').flatMap((line) => {
      try {
        const entry = JSON.parse(line) as Entry
        return typeof entry.input === 'string' && Number.isInteger(entry.session) ? [entry] : []
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}

/** History is a convenience: a full or read-only disk must not stop a cell. */
function write(work: () => void): void {
  try {
    work()
  } catch { /* kept in memory all the same */ }
}
