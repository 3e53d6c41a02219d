// Pictures behind rows: files on disk or arrays in memory, seen through one small interface. Batches, thumbnails and fingerprints come from it.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import sharp from 'sharp'
import { atMost } from '../atmost.js'
import { givesAway, shortcutOf } from '../audit/shortcut.js'
import type { AssembleRequest, Assembled, Content, Fault, Fingerprint } from '../store.js'
import type { DataProblem, FindingRow, ImagePreprocessing } from '../types.js'
import { decodePicture, problemOf, type Pixels } from './decode.js'
import { pictureFeatures } from './features.js'
import { perceptualHash } from './fingerprint.js'
import { resize } from './resize.js'
import { assemblePictures, FittedPictures } from './prepare.js'

/** Where the pixels of a row come from. */
export interface PictureSource {
  decode(id: number, background: readonly [number, number, number], atLeast?: { width: number; height: number }): Promise<Pixels>
  /** Bytes whose equality means the same picture. */
  bytes(id: number): Promise<Uint8Array>
  size(id: number): { width: number; height: number }
  name(id: number): string
  problem(id: number, error: unknown): Promise<DataProblem>
}

/** Pictures in files under a folder; `rows` name them and know their sizes. */
export function filesSource(folder: string, rows: readonly { file: string; width: number; height: number }[]): PictureSource {
  const name = (id: number) => rows[id]!.file
  return {
    decode: (id, background, atLeast) => decodePicture(join(folder, name(id)), background, atLeast),
    bytes: (id) => readFile(join(folder, name(id))),
    size: (id) => rows[id]!,
    name,
    problem: (id, error) => problemOf(join(folder, name(id)), name(id), error),
  }
}

/** Pictures in one array `[rows, height, width, channels]` of bytes. */
export function arraySource(data: Uint8Array, height: number, width: number, channels: number, names: readonly string[]): PictureSource {
  const each = height * width * channels
  const slice = (id: number) => data.subarray(id * each, (id + 1) * each)
  return {
    decode: async (id) => {
      if (channels === 3) return { data: slice(id), width, height }
      const out = new Uint8Array(height * width * 3), from = slice(id)
      for (let i = 0; i < height * width; i++) out.fill(from[i * channels]!, i * 3, i * 3 + 3)
      return { data: out, width, height }
    },
    bytes: async (id) => slice(id),
    size: () => ({ width, height }),
    name: (id) => names[id]!,
    problem: async (id, error) => ({ file: names[id]!, rule: 'unreadable file', detail: String(error) }),
  }
}

const white = [255, 255, 255] as const

export class PictureContent implements Content {
  readonly #fitted: FittedPictures
  readonly #limited = atMost(8)
  readonly #brokenRows = new Set<number>()
  constructor(private readonly source: PictureSource, count: number, private readonly labels: Int32Array, private readonly problems: DataProblem[]) { this.#fitted = new FittedPictures(count) }

  assemble(request: AssembleRequest): Promise<Assembled> {
    return assemblePictures(request, (id, p) => this.#picture(id, p), this.labels)
  }

  async #picture(id: number, p: ImagePreprocessing): Promise<Pixels | undefined> {
    return this.#orBroken(id, () => this.#fitted.get(id, p, (row, atLeast, background) => this.#limited(() => this.source.decode(row, background, atLeast))))
  }

  /** A file that breaks while training is a problem to list, not the end of the run. */
  async #orBroken<T>(id: number, read: () => Promise<T>): Promise<T | undefined> {
    if (this.#brokenRows.has(id)) return undefined
    try {
      return await read()
    } catch (error) {
      if (!this.#brokenRows.has(id)) {
        this.#brokenRows.add(id)
        this.problems.push(await this.source.problem(id, error))
      }
      return undefined
    }
  }

  async sizes(ids: Int32Array): Promise<Record<string, number[]>> {
    const sizes = Array.from(ids, (id) => this.source.size(id))
    return { 'width (pixels)': sizes.map(({ width }) => width), 'height (pixels)': sizes.map(({ height }) => height) }
  }

  async samples(ids: Int32Array): Promise<string[]> {
    const pictures = await Promise.all(Array.from(ids, (id) => this.#orBroken(id, () => this.#limited(async () => {
      const { data, width, height } = await this.source.decode(id, white, { width: 64, height: 64 })
      const small = await sharp(data, { raw: { width, height, channels: 3 } }).resize(64, 64, { fit: 'inside', withoutEnlargement: false, kernel: Math.max(width, height) <= 32 ? 'nearest' : 'lanczos3' }).webp({ quality: 80 }).toBuffer()
      return `data:image/webp;base64,${small.toString('base64')}`
    }))))
    return pictures.map((uri, i) => uri ? `<img alt="${escape(this.source.name(ids[i]!))}" title="${escape(this.source.name(ids[i]!))}" src="${uri}" style="width:64px;height:64px;object-fit:contain;margin:1px;border-radius:3px;background:#fff">` : '').filter((html) => html !== '')
  }

  fingerprint(id: number): Promise<Fingerprint | undefined> {
    return this.#orBroken(id, () => this.#limited(async () => {
      const exact = createHash('sha256').update(await this.source.bytes(id)).digest('hex')
      const picture = await this.source.decode(id, white, { width: 32, height: 32 })
      const small = resize(picture, 32, 32, 'bilinear')
      const values = resize(picture, 8, 8, 'bilinear').data
      return { exact, near: { bits: perceptualHash(small), values, most: mostApart(values) }, features: pictureFeatures(small, this.source.size(id)) }
    }))
  }

  readonly featuresFrom = 'colours, edges and sizes'
  readonly faultChecks = ['format'] as const

  async faults(ids: Int32Array, where: (id: number) => FindingRow, prints: ReadonlyMap<number, Fingerprint>): Promise<Fault[]> {
    const sizes = Array.from(ids, (id) => Math.min(this.source.size(id).width, this.source.size(id).height)).sort((a, b) => a - b), usual = sizes[sizes.length >> 1] ?? 0
    const rows = (test: (id: number) => boolean) => Array.from(ids).filter(test).map(where)
    const empty = rows((id) => { const values = prints.get(id)?.near?.values as Uint8Array | undefined; return values !== undefined && Math.max(...values) - Math.min(...values) <= 4 })
    const tiny = rows((id) => { const { width, height } = this.source.size(id); return Math.min(width, height) < Math.min(16, usual / 4) })
    const long = rows((id) => { const { width, height } = this.source.size(id); return Math.max(width, height) > 8 * Math.min(width, height) })
    const known = Array.from(ids).filter((id) => this.labels[id]! >= 0)
    const kinds = shortcutOf(known.map((id) => `${extname(this.source.name(id)).toLowerCase()} ${this.source.size(id).width} × ${this.source.size(id).height}`), known.map((id) => this.labels[id]!))
    const some = (found: FindingRow[], text: string, advice: string): Fault[] => found.length === 0 ? [] : [{ check: 'format', rows: found, text: `${found.length} ${found.length === 1 ? 'picture' : 'pictures'} ${text}.`, advice }]
    return [
      ...some(empty, 'show one even colour and nothing else', 'Look at them; leave empty ones out with .filter().'),
      ...some(tiny, `measure far less than the usual ${usual} pixels`, 'They may be thumbnails or placeholders: fetch the originals or leave them out.'),
      ...some(long, 'are more than 8 times as long as wide', 'Stretched to a square they look like nothing: crop them, or prepare with fit: \'pad\'.'),
      ...(givesAway(kinds) ? [{ check: 'format' as const, rows: [], text: `Format and size of the file alone tell the class of ${percent(kinds.byKey)} (always saying the commonest would be right for ${percent(kinds.base)}).`, advice: 'A model may learn the camera or the program instead of the content: bring all classes to one format and size, from the originals.' }] : []),
    ]
  }

  shortly(id: number): string { return this.source.name(id) }
}

/** How far copies may be apart: less where a picture is nearly all one colour, for there different ones are near, too. */
function mostApart(values: Uint8Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.min(5, 0.5 + 0.25 * (values.reduce((sum, value) => sum + Math.abs(value - mean), 0) / values.length))
}

const percent = (share: number) => `${Math.round(share * 100)} %`

const escape = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
