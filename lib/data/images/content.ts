// Pictures behind rows: files on disk or arrays in memory, seen through one small interface. Batches, thumbnails and fingerprints come from it.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { atMost } from '../atmost.js'
import type { AssembleRequest, Assembled, Content, Fingerprint } from '../store.js'
import type { DataProblem, ImagePreprocessing } from '../types.js'
import { decodePicture, problemOf, type Pixels } from './decode.js'
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

/** Pictures in files under a folder. */
export function filesSource(folder: string, files: readonly string[], sizes: readonly { width: number; height: number }[]): PictureSource {
  return {
    decode: (id, background, atLeast) => decodePicture(join(folder, files[id]!), background, atLeast),
    bytes: (id) => readFile(join(folder, files[id]!)),
    size: (id) => sizes[id]!,
    name: (id) => files[id]!,
    problem: (id, error) => problemOf(join(folder, files[id]!), files[id]!, error),
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
  readonly #fitted = new FittedPictures()
  readonly #limited = atMost(8)
  readonly #brokenRows = new Set<number>()
  constructor(private readonly source: PictureSource, private readonly labels: Int32Array, private readonly problems: DataProblem[]) {}

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
      return { exact, perceptual: perceptualHash(picture), small: resize(picture, 8, 8, 'bilinear').data }
    }))
  }

  shortly(id: number): string { return this.source.name(id) }
}

const escape = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
