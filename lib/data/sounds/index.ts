// The sounds' door: recordings with classes from folders, archives and tables.
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { atMost } from '../atmost.js'
import { chooseParts, otherColumns, type PartsOption } from '../choose-parts.js'
import { checkClasses, classify, labelOf } from '../classes.js'
import { createDataset, partName } from '../dataset.js'
import { DataError, shown } from '../errors.js'
import { filesBelow, list, openFolder } from '../folders.js'
import { needColumns, readRows } from '../tables/read.js'
import type { DataProblem, Dataset } from '../types.js'
import { SoundContent, type SoundFacts } from './content.js'
import { decodeSound, soundFiles } from './decode.js'

/** Columns that every set of recordings has. */
export interface SoundRow { file: string; label: string; seconds: number; rate: number; /** What is said, where that is known. */ text?: string }

export interface SoundOptions {
  /** Names and order of the classes. */
  classes?: readonly string[]
  /** For files without class subfolders: a pattern with the group `label`; further groups become columns, `split` names the part. */
  pattern?: RegExp
  /** Column whose equal values stay in one part: the speaker. */
  group?: string
  /** What is said in a file, from the pattern's groups (with `label`): transcripts for models of speech. Recordings need no classes then. */
  text?: (groups: Readonly<Record<string, string>>) => string | undefined
  /** Names the part of a file from the pattern's groups, e.g. `({ take }) => Number(take) < 5 ? 'test' : 'train'`. */
  part?: (groups: Readonly<Record<string, string>>) => string | undefined
  /** Row numbers by part, or false. */
  split?: false | Readonly<Record<string, readonly number[]>>
  name?: string
}

interface Entry { file: string; label: string | undefined; part: string | undefined; columns: Record<string, unknown>; text?: string | undefined }

async function build<Columns extends object>(folder: string, entries: readonly Entry[], problems: DataProblem[], o: { name: string; classes?: readonly string[] | undefined; group?: string | undefined; split?: boolean }, what: string): Promise<Dataset<SoundRow & Columns>> {
  const written = entries.some(({ text }) => text !== undefined), labelled = !written || entries.some(({ label }) => label !== undefined)
  const { classes, ids } = labelled ? classify(entries.map(({ label }) => label), o.classes, (row) => entries[row]!.file, problems) : { classes: [], ids: entries.map(() => 0) }
  const limited = atMost(8)
  const facts = await Promise.all(entries.map(({ file, text }, row) => ids[row]! < 0 ? undefined : written && !text?.trim() ? missingText(file, problems) : limited(async (): Promise<SoundFacts | undefined> => {
    try {
      const { samples, rate } = await decodeSound(await readFile(join(folder, file)))
      if (samples.length === 0) throw new DataError('it has 0 samples')
      return { seconds: samples.length / rate, rate, peak: samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0) }
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      problems.push({ file, rule: missing ? 'missing file' : 'unreadable file', detail: missing ? 'no such file' : (error as Error).message })
      return undefined
    }
  })))
  problems.sort((a, b) => a.file < b.file ? -1 : 1)
  const kept = entries.flatMap((entry, row) => facts[row] ? [{ ...entry, facts: facts[row], id: ids[row]! }] : [])
  const labels = labelled ? Int32Array.from(kept, ({ id }) => id) : new Int32Array(0)
  if (!labelled && kept.length === 0) throw new DataError(`Cannot load ${what}: no recording can be read and has a text.`)
  if (labelled) checkClasses(what, classes, labels, problems, 'Put each class into a subfolder, or give a pattern with (?<label>…).')
  const rows = kept.map(({ file, id, columns, facts, text }) => ({ file, ...(labelled ? { label: classes[id]! } : {}), ...(written ? { text } : {}), ...columns, seconds: facts.seconds, rate: facts.rate }) as unknown as SoundRow & Columns)
  const files = kept.map(({ file }) => file)
  return createDataset<SoundRow & Columns>({
    kind: 'sounds', name: o.name, task: labelled ? 'classification' : 'speech', classes, rows, labels, key: (id) => files[id]!, content: new SoundContent(folder, files, kept.map(({ facts }) => facts), problems, written ? kept.map(({ text }) => text!) : undefined), problems, notes: [], group: o.group,
  }, kept.some(({ part }) => part) ? kept.map(({ part }) => part) : undefined, o.split === undefined ? {} : { split: o.split })
}

/**
 * Recordings (WAV, FLAC, MP3) in class subfolders, in train/validation/test with classes in them, or named by a pattern; a `.tar.gz` or `.zip` does as well.
 * @throws DataError when there is no such folder, no recording, or fewer than two classes.
 * @example await sounds.fromFolder('digits.tar.gz', { pattern: /(?<label>\d)_(?<speaker>\w+)_(?<take>\d+)\.wav$/, group: 'speaker' })
 */
export async function fromFolder<Columns extends object = object>(path: string, o: SoundOptions = {}): Promise<Dataset<SoundRow & Columns>> {
  const folder = await openFolder(path, 'recordings')
  const name = o.name ?? basename(path).replace(/\.(tar\.gz|tgz|tar|zip)$/i, '')
  const entries = await list(folder)
  if (!o.pattern && entries.some((entry) => entry.name === 'index.csv')) return fromTable<Columns>(join(folder, 'index.csv'), { name, ...(o.classes ? { classes: o.classes } : {}), ...(o.group ? { group: o.group } : {}) })
  const files = await filesBelow(folder, '')
  const problems: DataProblem[] = []
  const other = files.filter((file) => /\.(ogg|m4a|aac|aiff?|wma|opus)$/i.test(file))
  for (const file of other) problems.push({ file, rule: 'unknown format', detail: 'WAV, FLAC and MP3 are read; convert it, e.g. ffmpeg -i in.ogg out.wav' })
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  const partsGiven = !o.pattern && folders.length > 1 && folders.some((folder) => partName(folder) === 'train') && folders.every((folder) => ['train', 'validation', 'test'].includes(partName(folder)))
  const recordings = files.filter((file) => soundFiles.test(file))
  const what = `recordings from ${shown(path)}`
  if (recordings.length === 0) throw new DataError(`Cannot load ${what}: there is no .wav, .flac or .mp3 file in it${other.length > 0 ? `, only ${other.length} of other formats such as ${other[0]}; convert them` : `. It holds ${entries.slice(0, 5).map((entry) => entry.name).join(', ') || 'nothing'}`}.`)
  const listed = recordings.map((file): Entry => {
    if (o.pattern) {
      const groups = o.pattern.exec(file)?.groups ?? {}, { label, split, ...columns } = groups
      return { file, label, part: o.part?.(columns) ?? split, columns, ...(o.text ? { text: o.text(groups) } : {}) }
    }
    const steps = file.split('/')
    return { file, label: steps[partsGiven ? 1 : 0] === steps.at(-1) ? undefined : steps[partsGiven ? 1 : 0], part: partsGiven ? steps[0] : undefined, columns: {} }
  })
  const { rows, parts } = chooseParts(o.split ?? false, [], listed as unknown as Record<string, unknown>[], name)
  return build<Columns>(folder, rows.map((row, place) => ({ ...listed[row]!, part: parts?.[place] ?? listed[row]!.part })), problems, { name, classes: o.classes, group: o.group, ...(o.split === false ? { split: false } : {}) }, what)
}

/** Recordings listed in a table; other columns stay in the rows. Paths start at `folder`, by default the table's own. `text` names the column with transcripts; then `label` may be left out. */
export async function fromTable<Columns extends object = object>(table: string, o: { file?: string; label?: string; text?: string; split?: PartsOption; group?: string; folder?: string; classes?: readonly string[]; name?: string } = {}): Promise<Dataset<SoundRow & Columns>> {
  const { rows: records, columns } = await readRows(table)
  const file = o.file ?? 'file', label = o.label ?? 'label'
  const labelled = o.text === undefined || o.label !== undefined
  needColumns(table, columns, { file, ...(labelled ? { label } : {}), ...(o.text ? { text: o.text } : {}), ...(o.group ? { group: o.group } : {}) })
  const { rows, parts, column } = chooseParts(o.split, columns, records, table)
  const problems: DataProblem[] = []
  const entries = rows.map((row, place): Entry => ({ file: String(records[row]![file]), label: labelled ? labelOf(records[row]![label]) : undefined, part: parts?.[place], columns: otherColumns(records[row]!, [file, labelled ? label : undefined, o.text, column]), ...(o.text ? { text: String(records[row]![o.text] ?? '') } : {}) }))
  return build<Columns>(resolve(o.folder ?? dirname(table)), entries, problems, { name: o.name ?? basename(table), classes: o.classes, group: o.group, ...(o.split === false ? { split: false } : {}) }, `recordings from ${shown(table)}`)
}

function missingText(file: string, problems: DataProblem[]): undefined {
  problems.push({ file, rule: 'missing value', detail: 'there is no text of what is said; it is left out' })
}
