// Places in generated code, as V8 reports them, turned into places in cells and .ts files. Not here: the layout of tracebacks.
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Place, Transpiled } from '../language/transpile.js'
import { Map, process, undisturbed, URL } from './intrinsics.js'

/** A source that ran: `label` is what messages call it. */
export interface Source { label: string; text: string; map: Transpiled['map'] }

const sources = new Map<string, Source>()
const remembered = 2000

/** The URL under which V8 knows a cell. */
export const cellURL = (id: number) => `afinar:cell/${id}`

export function rememberSource(url: string, source: Source) {
  sources.set(url, source)
  if (sources.size > remembered) for (const oldest of sources.keys()) { sources.delete(oldest); break }
}

/** Where new sources are fetched from before a lookup: modules are transpiled in another thread. */
let collect = () => {}
export const setCollector = (collector: () => void) => { collect = collector }

export interface SourcePlace extends Place { source: Source }

export function sourcePlace(url: string, place: Place): SourcePlace | undefined {
  collect()
  const source = sources.get(url)
  const original = source && undisturbed(() => source.map(place))
  return source && original ? { source, ...original } : undefined
}

export const sourceByLabel = (label: string): Source | undefined => {
  collect()
  let found: Source | undefined
  for (const source of sources.values()) if (source.label === label) found = source
  return found
}

/** How messages name a file: relative to the notebook where it lies below it. */
export function fileLabel(file: string): string {
  const path = file.startsWith('file:') ? fileURLToPath(file) : file
  const near = relative(process.cwd(), path)
  return near.startsWith('..') ? path : `./${near}`
}

const generated = /(afinar:cell\/\d+|file:\/\/[^\s()]+?\?v=[\w-]+):(\d+)(?::(\d+))?/g

/** Node 20 keeps the asynchronous context on promises in properties that inspect shows. */
export function withoutScopes(text: string): string {
  if (!text.includes('[Symbol(async_id_symbol)]')) return text
  return text.replace(/,?\s*\[Symbol\((?:async_id_symbol|trigger_async_id_symbol|kResourceStore)\)\]: (?:\d+|Cell \d+)/g, '')
    .replace(/Promise \{\s+(.{0,60}?)\s+\}/g, 'Promise { $1 }')
}

/** Replaces every place in generated code in a text by the one in its source. Below them the frames of whoever runs the cell are left out. */
export function mapPlaces(text: string): string {
  if (!text.includes('afinar:cell/') && !text.includes('?v=')) return text
  return withoutKernelFrames(text).replace(generated, (whole, url: string, line: string, column?: string) => {
    const place = sourcePlace(url, { line: +line, column: +(column ?? 1) })
    return place ? `${place.source.label}:${place.line}:${place.column}` : whole
  })
}

const kernelFolder = new URL('.', import.meta.url)
const kernelPlaces = ['node:inspector:', kernelFolder.href, fileURLToPath(kernelFolder)]

/** Below a cell's own frames of an error stand those of whoever runs the cell. */
function withoutKernelFrames(text: string): string {
  if (!kernelPlaces.some((place) => text.includes(place))) return text
  let cutting = false
  const kept: string[] = []
  for (const line of text.split('\n')) {
    const frame = /^\s+at /.test(line)
    if (!frame) cutting = false
    else if (kernelPlaces.some((place) => line.includes(place))) cutting = true
    if (!cutting) kept.push(line)
    else if (line.endsWith(' {') && kept.length > 0) kept[kept.length - 1] += ' {' // the error's properties follow
  }
  return kept.join('\n')
}
