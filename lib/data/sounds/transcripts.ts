// What is said in recordings, as symbols: which there are, and a transcript as their numbers.
import { DataError } from '../errors.js'
import type { TranscriptSymbols } from '../types.js'

/** One form for what sounds the same: spaces single, case as the symbols have it. */
const plain = (text: string, letters: TranscriptSymbols['letters']) => {
  const spaced = text.normalize('NFC').replace(/\s+/g, ' ').trim()
  return letters === 'upper' ? spaced.toUpperCase() : letters === 'lower' ? spaced.toLowerCase() : spaced
}

/**
 * The symbols that transcripts need: nothing (0), the space, and every character that occurs.
 *
 * @param o `letters`: 'lower' (default) or 'upper' makes one of both cases; `maxLength`: longest transcript in symbols, default the longest of these
 * @example const model = buildModel('wav2vec2', { transcript: transcriptSymbols(data.train.rows.map(({ text }) => text)) })
 */
export function transcriptSymbols(texts: readonly string[], o: { letters?: 'upper' | 'lower'; maxLength?: number } = {}): TranscriptSymbols {
  const letters = o.letters ?? 'lower', all = texts.map((text) => plain(text, letters))
  const characters = [...new Set(all.flatMap((text) => [...text]))].filter((character) => character !== ' ' && character !== '|').sort()
  if (characters.length === 0) throw new DataError(`Cannot list the symbols of transcripts: the ${texts.length} texts hold no character.`)
  return { symbols: ['<pad>', '|', ...characters], blank: 0, space: '|', letters, maxLength: o.maxLength ?? Math.max(1, ...all.map((text) => [...text].length)) }
}

const placesOf = new WeakMap<readonly string[], Map<string, number>>()

/** Numbers of a transcript's symbols. */
export function spell(text: string, t: TranscriptSymbols): number[] {
  const places = placesOf.get(t.symbols) ?? new Map(t.symbols.map((symbol, id) => [symbol, id]))
  placesOf.set(t.symbols, places)
  return [...plain(text, t.letters)].flatMap((character) => places.get(character === ' ' ? t.space : character) ?? t.unknown ?? []).slice(0, t.maxLength)
}
