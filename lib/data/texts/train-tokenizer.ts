// A tokenizer learned from texts: byte-pair encoding (Sennrich et al. 2016) on words with their leading space, as Hugging Face's `tokenizers` trains it.
import { DataError, shown } from '../errors.js'
import type { TokenizerFiles } from '../types.js'

export interface TrainTokenizerOptions {
  /** Entries of the vocabulary, special tokens included. Fewer come out where the texts hold no more. Default 8000. */
  vocabularySize?: number
  /** Pairs seen less often than this are not merged. Default 2. */
  least?: number
  /** Default false: case is kept, as a text that is to be written needs it. */
  lowercase?: boolean
}

const space = '▁', special = ['<pad>', '<unk>', '</s>']

/**
 * Learns a tokenizer from texts, for a decoder that is to write such texts. Ids 0, 1, 2 are `<pad>`, `<unk>`, `</s>`; every text ends in `</s>`.
 *
 * @throws DataError when the texts hold nothing, or the vocabulary has no room for their characters
 * @example const portuguese = trainTokenizer(sentences.train.rows.map(({ target }) => target), { vocabularySize: 4000 })
 */
export function trainTokenizer(texts: readonly string[], o: TrainTokenizerOptions = {}): TokenizerFiles {
  const { vocabularySize = 8000, least = 2, lowercase = false } = o
  const words = new Map<string, number>()
  for (const text of texts) for (const word of wordsOf(lowercase ? text.normalize('NFC').toLowerCase() : text.normalize('NFC'))) words.set(word, (words.get(word) ?? 0) + 1)
  if (words.size === 0) throw new DataError(`Cannot train a tokenizer: the ${texts.length} texts hold no word.`)
  const characters = [...new Set([...words.keys()].flatMap((word) => [...word]))].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!)
  if (!Number.isSafeInteger(vocabularySize) || vocabularySize < special.length + characters.length) throw new DataError(`Cannot train a tokenizer of ${shown(vocabularySize)} entries: the texts hold ${characters.length} different characters, and each needs one. Use for example vocabularySize: ${special.length + characters.length + 1000}.`)
  const { vocabulary, merges } = learnMerges(words, [...special, ...characters], vocabularySize, least)
  const id = (token: string) => special.indexOf(token)
  return {
    tokenizer: {
      version: '1.0', truncation: null, padding: null,
      added_tokens: special.map((content) => ({ id: id(content), content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true })),
      normalizer: lowercase ? { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'Lowercase' }] } : { type: 'NFC' },
      pre_tokenizer: { type: 'Metaspace', replacement: space, prepend_scheme: 'always', split: true },
      post_processor: { type: 'TemplateProcessing', single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }], pair: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }, { Sequence: { id: 'B', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }], special_tokens: { '</s>': { id: '</s>', ids: [2], tokens: ['</s>'] } } },
      decoder: { type: 'Metaspace', replacement: space, prepend_scheme: 'always', split: true },
      model: { type: 'BPE', dropout: null, unk_token: '<unk>', continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: true, byte_fallback: false, ignore_merges: false, vocab: Object.fromEntries(vocabulary.map((token, at) => [token, at])), merges },
    },
    config: { tokenizer_class: 'PreTrainedTokenizerFast', pad_token: '<pad>', unk_token: '<unk>', eos_token: '</s>', clean_up_tokenization_spaces: false },
  }
}

/** As the Metaspace pre-tokenizer cuts: each space becomes ▁ and begins a word; so does the text. */
const wordsOf = (text: string): string[] => {
  if (text === '') return []
  const marked = text.replaceAll(' ', space)
  return (marked.startsWith(space) ? marked : space + marked).split(/(?=▁)/)
}

interface Word { ids: number[]; count: number }

/** Merges the most frequent pair again and again; of equally frequent ones the pair of the lowest ids. */
function learnMerges(words: ReadonlyMap<string, number>, start: readonly string[], size: number, least: number): { vocabulary: string[]; merges: [string, string][] } {
  const vocabulary = [...start], ids = new Map(vocabulary.map((token, id) => [token, id]))
  const all: Word[] = [...words].map(([word, count]) => ({ ids: [...word].map((character) => ids.get(character)!), count }))
  const merges: [string, string][] = []
  const pairs = new Pairs()
  all.forEach((word, at) => eachPair(word.ids, (a, b) => pairs.add(a, b, word.count, at)))
  while (vocabulary.length < size) {
    const best = pairs.best()
    if (!best || best.count < Math.max(1, least)) break
    const [a, b] = [best.a, best.b], token = vocabulary[a]! + vocabulary[b]!
    const merged = ids.get(token) ?? vocabulary.push(token) - 1
    ids.set(token, merged)
    merges.push([vocabulary[a]!, vocabulary[b]!])
    for (const at of best.words) {
      const word = all[at]!
      if (!word.ids.some((id, i) => id === a && word.ids[i + 1] === b)) continue
      eachPair(word.ids, (x, y) => pairs.add(x, y, -word.count, at))
      word.ids = merge(word.ids, a, b, merged)
      eachPair(word.ids, (x, y) => pairs.add(x, y, word.count, at))
    }
    pairs.forget(best)
  }
  return { vocabulary, merges }
}

function eachPair(ids: readonly number[], use: (a: number, b: number) => void): void {
  for (let i = 0; i + 1 < ids.length; i++) use(ids[i]!, ids[i + 1]!)
}

function merge(ids: readonly number[], a: number, b: number, merged: number): number[] {
  const out: number[] = []
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === a && ids[i + 1] === b) { out.push(merged); i++ } else out.push(ids[i]!)
  }
  return out
}

interface Pair { a: number; b: number; count: number; /** Words that hold it, or held it once. */ words: Set<number> }

/** Counts of pairs; a heap of those that changed finds the most frequent. */
class Pairs {
  private readonly known = new Map<number, Pair>()
  private readonly heap: { pair: Pair; count: number }[] = []
  private readonly changed = new Set<Pair>()

  add(a: number, b: number, count: number, word: number): void {
    const key = a * 2 ** 26 + b, pair = this.known.get(key) ?? { a, b, count: 0, words: new Set() }
    this.known.set(key, pair)
    pair.count += count
    if (count > 0) pair.words.add(word)
    this.changed.add(pair)
  }

  forget({ a, b }: Pair): void { this.known.delete(a * 2 ** 26 + b) }

  best(): Pair | undefined {
    for (const pair of this.changed) if (pair.count > 0) this.push({ pair, count: pair.count })
    this.changed.clear()
    for (let top = this.pop(); top; top = this.pop()) if (top.pair.count === top.count && this.known.get(top.pair.a * 2 ** 26 + top.pair.b) === top.pair) return top.pair
    return undefined
  }

  private before(i: number, j: number): boolean {
    const [x, y] = [this.heap[i]!, this.heap[j]!]
    return x.count !== y.count ? x.count > y.count : x.pair.a !== y.pair.a ? x.pair.a < y.pair.a : x.pair.b < y.pair.b
  }

  private swap(i: number, j: number): void { [this.heap[i], this.heap[j]] = [this.heap[j]!, this.heap[i]!] }

  private push(entry: { pair: Pair; count: number }): void {
    let at = this.heap.push(entry) - 1
    for (let up = (at - 1) >> 1; at > 0 && this.before(at, up); at = up, up = (at - 1) >> 1) this.swap(at, up)
  }

  private pop(): { pair: Pair; count: number } | undefined {
    if (this.heap.length === 0) return undefined
    this.swap(0, this.heap.length - 1)
    const top = this.heap.pop()
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      const first = [left, right].reduce((best, child) => child < this.heap.length && this.before(child, best) ? child : best, at)
      if (first === at) break
      this.swap(at, first)
      at = first
    }
    return top
  }
}
