// `afinar attach`: what a kernel does, in a terminal, also after the browser that started it has gone. Reads the journal that the
// kernel keeps and speaks to nobody, so that it disturbs nothing.
import { statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import { readJournal, replay, type JournalCell } from '../../host/index.js'
import { TRAIN_EVENT, TrainingFollower, loadSparkline } from '../run/training.js'
import { chooseJournal, isAlive, journalsIn, runtimeFolder, type KernelJournal } from './journals.js'
import { isBusy, stateOf } from './view.js'

const HELP = `afinar attach [KERNEL] [--once | --list]: shows what a kernel does, and follows it until nothing runs

  KERNEL   the beginning of a kernel's id, or its connection file (default: the kernel that spoke last)
  --once   show the present state and end
  --list   the kernels that there are, the one that spoke last first
  Ctrl-C leaves; the kernel goes on.
`

/** Of kernels that are gone the list shows the last ones. */
const GONE = 5
/** How often the journal is looked at (ms); seldomer where reading it takes long. */
const EVERY = 1000

/** Prints the state; on a terminal it is redrawn in place, elsewhere each finished epoch is a line and the last state is printed. */
export async function attach(args: string[], out: { write(text: string): unknown; isTTY?: boolean; columns?: number; rows?: number } = process.stdout): Promise<number> {
  const { values, positionals } = readArguments(args)
  if (values.help === true) { out.write(HELP); return 0 }
  if (values.list === true) { out.write(await list()); return 0 }
  const journal = chooseJournal(positionals[0]), live = out.isTTY === true && values.once !== true
  await loadSparkline()
  const follower = new TrainingFollower()
  let rows = 0
  for (let first = true, seen = ''; ; first = false) {
    const alive = await isAlive(journal.connectionFile), key = `${version(journal)} ${alive}`
    if (key === seen) { await sleep(EVERY); continue }
    seen = key
    const start = performance.now()
    const cells = replay(readJournal(journal.connectionFile)), busy = isBusy(cells, alive)
    const spent = performance.now() - start
    const text = `${title(journal, alive, busy)}\n\n${stateOf(cells, alive)}\n`
    if (live) {
      const shown = fitting(text, out.columns ?? 80, out.rows ?? 24)
      out.write(`${rows ? `\x1b[${rows}A` : ''}\x1b[0J${shown}`)
      rows = shown.split('\n').length - 1
    } else if (first || !busy) out.write(first ? text : `\n${text}`)
    const lines = epochsOf(cells).flatMap((data) => follower.take(data))
    if (!live && !first && busy) for (const line of lines) out.write(`${line}\n`)
    if (values.once === true || !busy) return 0
    await sleep(Math.max(EVERY, 10 * spent))
  }
}

function readArguments(args: string[]) {
  try {
    return parseArgs({ args, allowPositionals: true, options: { once: { type: 'boolean' }, list: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } })
  } catch (error) {
    throw new Error(`Cannot attach: ${(error as Error).message}. See \`afinar attach --help\`.`)
  }
}

async function list(): Promise<string> {
  const journals = journalsIn(runtimeFolder())
  if (journals.length === 0) return `No kernel of afinar has run here since the last clean end (looked in ${runtimeFolder()}).\n`
  const states = await Promise.all(journals.map(async (journal) => ({ journal, alive: await isAlive(journal.connectionFile) })))
  const gone = states.filter(({ alive }) => !alive)
  const lines = states.filter(({ alive, journal }) => alive || gone.findIndex((each) => each.journal === journal) < GONE).map(({ journal, alive }) => {
    const cells = replay(readJournal(journal.connectionFile))
    return `${journal.id.slice(0, 8)}  ${alive ? isBusy(cells) ? 'busy' : 'idle' : 'gone'}  ${time(journal.changed)}  ${stateOf(cells, alive).split('\n')[0] ?? ''}`
  })
  return `${lines.join('\n')}\n`
}

const title = (journal: KernelJournal, alive: boolean, busy: boolean): string =>
  `kernel ${journal.id.slice(0, 8)}, ${alive ? busy ? 'busy' : 'idle' : 'gone'}, last word ${time(lastChange(journal))}`

const time = (date: Date): string => date.toISOString().slice(0, 19).replace('T', ' ')

const journalFile = ({ connectionFile }: KernelJournal): string => `${connectionFile.replace(/\.json$/, '')}.journal.jsonl`

/** Changes whenever the kernel has said something; empty once its journal is gone. */
function version(journal: KernelJournal): string {
  try { const { mtimeMs, size } = statSync(journalFile(journal)); return `${mtimeMs} ${size}` } catch { return '' }
}

function lastChange(journal: KernelJournal): Date {
  try { return statSync(journalFile(journal)).mtime } catch { return journal.changed }
}

const epochsOf = (cells: readonly JournalCell[]): Record<string, unknown>[] =>
  cells.slice(-20).flatMap(({ outputs }) => outputs.map(({ data }) => data as Record<string, unknown>)).filter((data) => data?.[TRAIN_EVENT] !== undefined).slice(-1)

/** What a redrawn screen can hold: lines cut to its width, and the last of them where there are too many. */
function fitting(text: string, columns: number, rows: number): string {
  const lines = stripVTControlCharacters(text).trimEnd().split('\n').map((line) => [...line].slice(0, columns - 1).join(''))
  const room = Math.max(3, rows - 1)
  return `${(lines.length <= room ? lines : [...lines.slice(0, 1), '…', ...lines.slice(-(room - 2))]).join('\n')}\n`
}
