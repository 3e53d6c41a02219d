// Rows that nobody has labelled yet, for a model that is in use: pictures, texts and recordings as they come in.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createDataset } from './dataset.js'
import { DataError, shown } from './errors.js'
import { PictureContent, type PictureSource } from './images/content.js'
import { decodePicture, problemOf, sizeOf } from './images/decode.js'
import { SoundContent } from './sounds/content.js'
import { decodeSound } from './sounds/decode.js'
import type { Content } from './store.js'
import { TextContent } from './texts/content.js'
import { TaggedContent, wordsIn } from './texts/tagged.js'
import type { Preprocessing, Split, Task } from './types.js'

/** A path, a text, or the bytes of a picture file. */
export type NewRow = string | Uint8Array

const named = (row: NewRow, i: number) => typeof row === 'string' ? row : `picture ${i + 1}`
const pathOf = (row: NewRow) => typeof row === 'string' ? resolve(row) : row

async function pictures(rows: readonly NewRow[]): Promise<Content> {
  const sizes = await Promise.all(rows.map(async (row, i) => {
    try { return await sizeOf(pathOf(row)) } catch (error) {
      const { detail } = typeof row === 'string' ? await problemOf(resolve(row), row, error) : { detail: (error as Error).message }
      throw new DataError(`Cannot read the picture ${shown(named(row, i))}: ${detail}.`, { cause: error })
    }
  }))
  const source: PictureSource = {
    decode: (id, background, atLeast) => decodePicture(pathOf(rows[id]!), background, atLeast),
    bytes: async (id) => typeof rows[id] === 'string' ? readFile(resolve(rows[id])) : rows[id]!,
    size: (id) => sizes[id]!,
    name: (id) => named(rows[id]!, id),
    problem: async (id, error) => { throw new DataError(`Cannot read the picture ${shown(named(rows[id]!, id))}: ${(error as Error).message}`, { cause: error }) },
  }
  return new PictureContent(source, rows.length, new Int32Array(rows.length).fill(-1), [])
}

async function recordings(rows: readonly string[]): Promise<Content> {
  const facts = await Promise.all(rows.map(async (row) => {
    const failed = (why: string, cause?: unknown) => new DataError(`Cannot read the recording ${shown(row)}: ${why}.`, { cause })
    const { samples, rate } = await readFile(resolve(row)).then(decodeSound).catch((error: NodeJS.ErrnoException) => { throw failed(error.code === 'ENOENT' ? 'there is no such file' : error.message, error) })
    if (samples.length === 0) throw failed('it has 0 samples')
    return { seconds: samples.length / rate, rate, peak: samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0) }
  }))
  return new SoundContent('/', rows.map((row) => resolve(row)), facts, [])
}

/**
 * New pictures (paths, or bytes of files), texts or recordings (paths) as a part without labels, in their order.
 *
 * @param preprocessing of the model that will see them; its kind says what they are
 * @param task of the model: where words are tagged, a text is cut into words, punctuation apart
 * @throws DataError naming the file that cannot be read, or the entry that is none of these
 */
export async function newRows(rows: readonly NewRow[], { kind }: Preprocessing, classes: readonly string[], task: Task = 'classification'): Promise<Split<any>> {
  const wrong = rows.findIndex((row) => typeof row !== 'string' && !(kind === 'image' && row instanceof Uint8Array))
  if (wrong >= 0) throw new DataError(`Cannot use entry ${wrong}: it must be ${kind === 'image' ? 'a path or the bytes of a picture file' : kind === 'text' ? 'a text' : 'a path'}, got ${shown(rows[wrong])}.`)
  const strings = rows as readonly string[], words = task === 'token' ? strings.map(wordsIn) : undefined
  const content = kind === 'image' ? await pictures(rows) : words ? new TaggedContent(words, words.map(() => new Int32Array(0))) : kind === 'text' ? new TextContent(strings, undefined) : kind === 'sound' ? await recordings(strings) : undefined
  if (!content) throw new DataError(`Cannot use new rows of the kind "${kind}" alone. For pairs use translate(model, texts), for interactions recommend(model, users).`)
  const what = kind === 'text' ? 'text' : 'file'
  return createDataset<Record<string, unknown>>({
    kind: ({ image: 'images', text: 'texts', sound: 'sounds' } as const)[kind as 'image' | 'text' | 'sound'], name: 'new rows', task, classes, rows: rows.map((row, i) => ({ [what]: named(row, i), ...(words ? { words: words[i] } : {}) })), ...(task === 'multi-label' ? { several: rows.map(() => new Int32Array(0)) } : task === 'regression' ? { numbers: new Float32Array(rows.length) } : {}), labels: new Int32Array(rows.length).fill(-1),
    key: (id) => `${id}`, content, problems: [], notes: [], group: undefined,
  }, undefined, { split: false }).train
}
