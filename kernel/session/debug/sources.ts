// What can be debugged: cells and the user's .ts files, each by the path that front ends know it by and by the URL that V8 knows it by.
// Not here: breakpoints and frames.
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { transpileCell, transpileModule, type Place, type Transpiled } from '../../language/transpile.js'
import type { Announced } from './announce.js'
import { murmur2 } from './murmur2.js'

export const hash = { method: 'Murmur2', seed: 0xc70f6907 } as const
/** Cells have no file: a path of this form stands for a cell's text. */
export const cellPath = { prefix: join(tmpdir(), `afinar_${process.pid}`, ''), suffix: '.ts' } as const

export interface SourcePlace extends Place { path: string; name: string }

type Maps = Pick<Transpiled, 'map' | 'generated'>

/** As many cells as have their places remembered elsewhere. */
const remembered = 2000

export class Sources {
  readonly #cells = new Map<string, Announced & { maps?: Maps | undefined }>()
  readonly #dumped = new Map<string, { path: string; text: string }>()
  readonly #modules = new Map<string, Maps | undefined>()

  add(source: Announced): void {
    this.#cells.set(source.url, source)
    if (this.#cells.size > remembered) for (const oldest of this.#cells.keys()) { this.#cells.delete(oldest); break }
  }

  /** The path of a cell. `text` is what of it runs: the cell without its magics. */
  dump(code: string, text = code): string {
    const path = `${cellPath.prefix}/${murmur2(code, hash.seed)}${cellPath.suffix}`
    this.#dumped.set(text, { path, text: code })
    return path
  }

  /** The path of a cell that was announced. */
  pathOf({ text }: Announced): string { return this.#dumped.get(text)?.path ?? this.dump(text) }

  /** The text behind a path; undefined for files that are nothing of the user's. */
  textOf(path: string): string | undefined {
    for (const dumped of this.#dumped.values()) if (dumped.path === path) return dumped.text
    if (path.startsWith(cellPath.prefix)) { for (const cell of this.#cells.values()) if (this.pathOf(cell) === path) return this.#dumped.get(cell.text)?.text }
    try { return /\.[cm]?ts$/.test(path) ? readFileSync(path, 'utf8') : undefined } catch { return undefined }
  }

  /** Where V8 finds the code of a line, in each script that stems from the path; the place from 1. */
  generated(path: string, line: number): { at: { url: string } | { urlRegex: string }; place: Place }[] {
    if (!path.startsWith(cellPath.prefix)) {
      const place = this.#module(path)?.generated(line), url = pathToFileURL(path).href
      return place ? [{ at: { urlRegex: `^${url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(\\?v=.*)?$` }, place }] : []
    }
    return [...this.#cells.values()].filter((cell) => this.pathOf(cell) === path).flatMap((cell) => {
      const place = this.#maps(cell)?.generated(line)
      return place ? [{ at: { url: cell.url }, place }] : []
    })
  }

  /** The place as it was written of a place in generated code. */
  original(url: string, place: Place): SourcePlace | undefined {
    const cell = this.#cells.get(url)
    if (cell) {
      const found = this.#maps(cell)?.map(place)
      return found && { ...found, path: this.pathOf(cell), name: cell.label }
    }
    if (!/^file:.*\.[cm]?ts\?v=/.test(url)) return undefined
    const path = fileURLToPath(url.replace(/\?.*/, '')), found = this.#module(path)?.map(place)
    return found && { ...found, path, name: path.split(/[\\/]/).at(-1)! }
  }

  /** Paths of the cells that were announced. */
  get paths(): { path: string; name: string }[] { return [...this.#cells.values()].map((cell) => ({ path: this.pathOf(cell), name: cell.label })) }

  #maps(cell: Announced & { maps?: Maps | undefined }): Maps | undefined {
    try { return cell.maps ??= transpileCell(cell.text, cell.options) } catch { return undefined } // it never ran
  }

  /** Of the file as it is now: an edited one is transpiled anew when it is imported again. */
  #module(path: string): Maps | undefined {
    let text: string
    try { text = readFileSync(path, 'utf8') } catch { return undefined }
    const key = `${path}\n${text}`
    if (!this.#modules.has(key)) {
      let maps: Maps | undefined
      try { maps = transpileModule(text, { file: path }) } catch { /* it cannot be imported either */ }
      this.#modules.set(key, maps)
    }
    return this.#modules.get(key)
  }
}
