// Translation catalogues of programs (gettext .po and .mo) as sentence pairs, also straight out of Python wheels. Files only; data sets are made in index.ts.
import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isArchive, zipEntries } from '../archive.js'
import { DataError, shown } from '../errors.js'
import { filesBelow } from '../folders.js'

export interface CataloguePair { source: string; target: string; /** The catalogue's path. */ file: string }

/** Compiled catalogues: two tables of (length, offset), in either byte order. */
export function parseMo(bytes: Buffer, file: string): CataloguePair[] {
  const magic = bytes.length >= 28 ? bytes.readUInt32LE(0) : 0
  if (magic !== 0x950412de && magic !== 0xde120495) throw new DataError(`Cannot read the catalogue ${shown(file)}: it is no .mo file (its first bytes are ${bytes.subarray(0, 4).toString('hex')}). Fetch it again.`)
  const number = (at: number) => magic === 0x950412de ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
  const count = number(8), sources = number(12), targets = number(16)
  if (Math.max(sources, targets) + count * 8 > bytes.length) throw new DataError(`Cannot read the catalogue ${shown(file)}: it names ${count} texts and ends before them. It is cut off; fetch it again.`)
  const text = (table: number, i: number) => {
    const length = number(table + i * 8), at = number(table + i * 8 + 4)
    if (at + length > bytes.length) throw new DataError(`Cannot read the catalogue ${shown(file)}: text ${i} lies outside the file. It is damaged; fetch it again.`)
    return bytes.toString('utf8', at, at + length)
  }
  return Array.from({ length: count }, (_, i) => pairOf(text(sources, i), text(targets, i), file)).filter((pair) => pair !== undefined)
}

/** A context stands before \x04, plurals are separated by \0: the singular is taken. The header has an empty source. */
function pairOf(source: string, target: string, file: string): CataloguePair | undefined {
  const plain = source.slice(source.indexOf('\u0004') + 1).split('\0')[0]!, translated = target.split('\0')[0]!
  return plain.trim() === '' || translated.trim() === '' ? undefined : { source: plain, target: translated, file }
}

const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', '"': '"', '\\': '\\' }

/** Source catalogues; entries marked fuzzy or obsolete are left out. */
export function parsePo(content: string, file: string): CataloguePair[] {
  const pairs: CataloguePair[] = []
  for (const entry of content.replace(/^\ufeff/, '').split(/\r?\n\s*\r?\n/)) {
    if (/^#,.*\bfuzzy\b/m.test(entry)) continue
    const parts: Record<string, string> = {}
    let key = ''
    for (const line of entry.split(/\r?\n/)) {
      const start = /^(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?)\s+"/.exec(line)
      if (start) key = start[1]!
      const quoted = /^(?:msg\w+(?:\[\d+\])?\s+)?"((?:[^"\\]|\\.)*)"\s*$/.exec(line)
      if (quoted && key) parts[key] = (parts[key] ?? '') + quoted[1]!.replace(/\\(.)/g, (_, c: string) => escapes[c] ?? c)
    }
    const pair = pairOf(parts['msgid'] ?? '', parts['msgstr'] ?? parts['msgstr[0]'] ?? '', file)
    if (pair) pairs.push(pair)
  }
  return pairs
}

/** Pairs of a file, folder, zip or wheel, catalogues of one language (its folder's name, e.g. 'pt_BR'). Where both .po and .mo are there, .po is read. */
export async function readCatalogues(path: string, language: string | undefined): Promise<CataloguePair[]> {
  const found = await stat(resolve(path)).catch(() => undefined)
  if (!found) throw new DataError(`Cannot read catalogues from ${shown(path)}: there is no such file or folder. Check the path.`)
  const wanted = (name: string) => /\.(po|mo)$/.test(name) && (language === undefined || name.split(/[\\/]/).some((step) => step.replace(/\.(po|mo)$/, '').replace('-', '_') === language.replace('-', '_')))
  const single = found.isFile() && !isArchive(path)
  const contents = single ? new Map([[path, await readFile(path)]])
    : found.isFile() ? await zipEntries(path, wanted)
      : new Map(await Promise.all((await filesBelow(resolve(path), '')).filter(wanted).map(async (name) => [name, await readFile(join(path, name))] as const)))
  const names = [...contents.keys()].filter((name) => !(name.endsWith('.mo') && contents.has(name.replace(/mo$/, 'po')))).sort()
  return names.flatMap((name) => name.endsWith('.mo') ? parseMo(contents.get(name)!, name) : parsePo(contents.get(name)!.toString('utf8'), name))
}
