// What the kernel sent on iopub, kept on disk beside the connection file and bounded, so that whoever comes back later
// (a browser that was closed, `afinar attach`) can see it. Not here: who shows it.
import { closeSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** One message; `request` is the msg_id of the execute_request that caused it. */
export interface JournalEntry { time: string; type: string; request: string; content: Record<string, unknown> }

/** Bytes of one of the two files that a journal has; the older one goes when the newer one is full. */
const LIMIT = 16 << 20
/** A message longer than this is noted, not kept; of longer printed text the beginning and the end are (UTF-16 units). */
const LONGEST = 4 << 20, PRINTED = 1 << 16
/** How often the state of one display is written at most (ms). */
const PACE = 1000
/** Journals of kernels that are gone are removed after this time (ms). */
const STALE = 7 * 24 * 3600_000

const KEPT = new Set(['execute_input', 'stream', 'display_data', 'update_display_data', 'execute_result', 'error', 'clear_output'])
const OLDER = '.1'

/** The journal of the kernel with this connection file. */
export const journalFile = (connectionFile: string): string => `${connectionFile.replace(/\.json$/, '')}.journal.jsonl`

export class Journal {
  private descriptor: number | undefined
  private bytes = 0
  /** Updates that wait for their turn, by display id. */
  private readonly updates = new Map<string, JournalEntry>()
  private timer: NodeJS.Timeout | undefined
  private readonly unwritten: JournalEntry[] = []

  constructor(private readonly file: string, private readonly limit = LIMIT) {
    attempt(() => { removeStale(dirname(file)) })
    this.open()
  }

  /** Notes a message of iopub; of what belongs to no cell nothing is kept. */
  note(type: string, content: Record<string, unknown>, request: string | undefined): void {
    const done = type === 'status' && content['execution_state'] === 'idle'
    if (request === undefined || !(done || KEPT.has(type))) return
    const entry: JournalEntry = { time: new Date().toISOString(), type, request, content: type === 'stream' ? { ...content, text: shorten(String(content['text'])) } : content }
    const display = type === 'update_display_data' ? (content['transient'] as { display_id?: string } | undefined)?.display_id : undefined
    if (display === undefined) {
      if (type !== 'stream') this.settle() // the order of displays and their ends is kept; text may overtake them
      return this.write(entry)
    }
    this.updates.set(display, entry)
    this.timer ??= setTimeout(() => this.settle(), PACE).unref()
  }

  /** Takes the updates that wait for their turn. */
  settle(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    for (const entry of this.updates.values()) this.write(entry)
    this.updates.clear()
  }

  /** Writes what waits, now. */
  sync(): void {
    this.settle()
    this.flush()
  }

  /** The kernel ends for good: nothing is left to come back to. */
  remove(): void {
    clearTimeout(this.timer)
    if (this.descriptor !== undefined) closeSync(this.descriptor)
    this.descriptor = undefined
    this.unwritten.length = 0
    for (const file of [this.file, this.file + OLDER]) rmSync(file, { force: true })
  }

  /** To disk when what is under way to the front ends has gone out. */
  private write(entry: JournalEntry): void {
    if (this.unwritten.push(entry) === 1) setImmediate(() => this.flush())
  }

  private flush(): void {
    for (const entry of this.unwritten.splice(0)) this.append(entry)
  }

  private append(entry: JournalEntry): void {
    attempt(() => {
      let line = JSON.stringify(entry)
      if (line.length > LONGEST) line = JSON.stringify({ ...entry, type: 'stream', content: { name: 'stderr', text: `[${entry.type} of ${line.length} characters, not kept]\n` } })
      if (this.bytes + line.length > this.limit) this.turn()
      if (this.descriptor !== undefined) this.bytes += writeSync(this.descriptor, `${line}\n`)
    })
  }

  private turn(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor)
    renameSync(this.file, this.file + OLDER)
    this.open()
  }

  private open(): void {
    attempt(() => {
      this.descriptor = openSync(this.file, 'w', 0o600)
      this.bytes = 0
    })
  }
}

/** What a journal holds, oldest first; [] where there is none. */
export function readJournal(connectionFile: string): JournalEntry[] {
  const file = journalFile(connectionFile)
  return [file + OLDER, file].flatMap((each) => {
    let text = ''
    attempt(() => { text = readFileSync(each, 'utf8') })
    return text.split('\n').flatMap((line) => {
      try { return line ? [JSON.parse(line) as JournalEntry] : [] } catch { return [] } // the last line may be half written
    })
  })
}

/** A cell as a notebook would show it now. `outputs` are in nbformat 4. */
export interface JournalCell { request: string; code: string; count: number; running: boolean; outputs: Record<string, unknown>[] }

/** Replays a journal: text is joined, displays are at their latest state, cleared outputs are gone. */
export function replay(entries: readonly JournalEntry[]): JournalCell[] {
  const cells = new Map<string, JournalCell>()
  const displays = new Map<string, Record<string, unknown>[]>()
  const clearing = new Set<string>()
  for (const { type, request, content } of entries) {
    if (type === 'execute_input') cells.set(request, { request, code: String(content['code']), count: Number(content['execution_count']), running: true, outputs: [] })
    const cell = cells.get(request)
    if (type === 'update_display_data') {
      for (const shown of displays.get(displayId(content)) ?? []) Object.assign(shown, { data: content['data'], metadata: content['metadata'] })
    }
    if (!cell) continue
    if (type === 'status') cell.running = false
    if (type === 'clear_output') { if (content['wait'] === true) clearing.add(request); else cell.outputs.length = 0 }
    if (!['stream', 'display_data', 'execute_result', 'error'].includes(type)) continue
    if (clearing.delete(request)) cell.outputs.length = 0
    const last = cell.outputs.at(-1)
    if (type === 'stream' && last?.['output_type'] === 'stream' && last['name'] === content['name']) last['text'] = String(last['text']) + String(content['text'])
    else {
      const { transient: _, ...rest } = content, output: Record<string, unknown> = { output_type: type, ...rest }
      cell.outputs.push(output)
      const id = displayId(content)
      if (id) displays.set(id, [...displays.get(id) ?? [], output])
    }
  }
  return [...cells.values()]
}

function shorten(text: string): string {
  const left = text.length - PRINTED
  return left <= 0 ? text : `${text.slice(0, PRINTED / 2)}\n[… ${left} characters, not kept …]\n${text.slice(-PRINTED / 2)}`
}

const displayId = (content: Record<string, unknown>): string => (content['transient'] as { display_id?: string } | undefined)?.display_id ?? ''

function removeStale(folder: string): void {
  for (const name of readdirSync(folder)) {
    const at = name.indexOf('.journal.jsonl'), file = join(folder, name)
    if (at > 0 && !readdirSync(folder).includes(`${name.slice(0, at)}.json`) && Date.now() - statSync(file).mtimeMs > STALE) rmSync(file, { force: true })
  }
}

/** A journal is a convenience: a full or read-only disk must not stop a cell. */
function attempt(work: () => void): void {
  try { work() } catch { /* nothing is kept then */ }
}
