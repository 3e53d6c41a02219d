// Texts to token ids by a `tokenizer.json` (WordPiece, BPE, Unigram), with the cutting that the JavaScript tokenizers leave out. No batches here.
import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Tokenizer as HubTokenizer } from '@huggingface/tokenizers'
import { DataError, shown } from '../errors.js'
import type { TokenizerFiles } from '../types.js'

interface Encoded { ids: number[]; token_type_ids?: number[] }
/** The part of @huggingface/tokenizers that is used; its own types are lost under nodenext. */
interface Encoder {
  encode(text: string, o?: { text_pair?: string | null; add_special_tokens?: boolean; return_token_type_ids?: boolean }): Encoded
  decode(ids: number[], o?: { skip_special_tokens?: boolean }): string
  token_to_id(token: string): number | undefined
  get_vocab(added?: boolean): Map<string, number>
}

/** What stands before, between and after the texts, with token types. */
interface Frame { before: number[]; between: number[]; after: number[]; types: { first: number; second: number; after: number; between: number } }

export interface TokenIds { ids: number[]; types: number[]; /** Of words that were given one by one: where each begins; those that were cut off are missing. */ starts?: number[] }

export class Tokenizer {
  readonly padId: number
  readonly unknownId: number | undefined
  readonly vocabularySize: number
  readonly #encoder: Encoder
  readonly #lowers: boolean
  /** What stands in front of a word so that it becomes what it is within a text. */
  #glue: string | undefined
  #single: Frame | undefined
  #pair: Frame | undefined
  constructor(files: TokenizerFiles) {
    const model = files.tokenizer['model'] as { type?: string; unk_token?: string; vocab?: unknown; unk_id?: number } | undefined
    if (!model || model.vocab === undefined) throw new DataError(`Cannot read the tokenizer: tokenizer.json must have a model with a vocabulary, got ${model ? Object.keys(model).join(', ') : Object.keys(files.tokenizer).slice(0, 8).join(', ') || 'nothing'}. Take the file that was saved with the model.`)
    try {
      this.#encoder = new HubTokenizer(files.tokenizer, files.config ?? {}) as unknown as Encoder
    } catch (error) {
      throw new DataError(`Cannot read the tokenizer (model ${shown(model.type)}): ${(error as Error).message}. Take the tokenizer.json that was saved with the model.`, { cause: error })
    }
    this.#lowers = /"lowercase":true|"type":"Lowercase"/.test(JSON.stringify(files.tokenizer['normalizer'] ?? null))
    const padding = files.tokenizer['padding'] as { pad_id?: number } | null | undefined
    const name = (key: string) => { const token = files.config?.[key] as string | { content?: string } | undefined; return typeof token === 'string' ? token : token?.content }
    const idOf = (...tokens: (string | undefined)[]) => tokens.map((token) => token === undefined ? undefined : this.#encoder.token_to_id(token)).find((id) => id !== undefined)
    this.padId = idOf(name('pad_token')) ?? padding?.pad_id ?? idOf('[PAD]', '<pad>') ?? 0
    this.unknownId = idOf(name('unk_token'), model.unk_token) ?? model.unk_id
    this.vocabularySize = this.#encoder.get_vocab(true).size
  }

  #plain(text: string): number[] {
    // JavaScript lowers a final Σ to ς, the reference lowers every character alone
    return this.#encoder.encode(this.#lowers ? text.replaceAll('Σ', 'σ') : text, { add_special_tokens: false }).ids
  }

  #frame(pair: boolean): Frame {
    const known = pair ? this.#pair : this.#single
    if (known) return known
    const { ids, token_type_ids: types = ids.map(() => 0) } = this.#encoder.encode('a', { text_pair: pair ? 'b' : null, return_token_type_ids: true })
    const place = (part: number[], from: number) => ids.findIndex((_, at) => at >= from && part.every((id, k) => ids[at + k] === id))
    const a = this.#plain('a'), b = pair ? this.#plain('b') : []
    const first = place(a, 0), second = pair ? place(b, first + a.length) : first + a.length
    const frame = {
      before: ids.slice(0, first), between: ids.slice(first + a.length, second), after: ids.slice(second + b.length),
      types: { first: types[first] ?? 0, between: types[first + a.length] ?? 0, second: types[second] ?? 0, after: types.at(-1) ?? 0 },
    }
    return pair ? this.#pair = frame : this.#single = frame
  }

  /** Token ids of a text or a pair, special tokens included, cut to maxLength: the longer text loses its end first. */
  encode(text: string, second: string | undefined, maxLength: number): TokenIds {
    const { before, between, after, types } = this.#frame(second !== undefined)
    let a = this.#plain(text), b = second === undefined ? [] : this.#plain(second)
    const room = maxLength - before.length - between.length - after.length
    if (room < 1) throw new DataError(`Cannot encode texts: maxLength must leave room for the ${before.length + between.length + after.length} special tokens, got ${shown(maxLength)}. Use for example 128.`)
    if (a.length + b.length > room) {
      const [keptA, keptB] = cutLongest(a.length, b.length, room)
      a = a.slice(0, keptA)
      b = b.slice(0, keptB)
    }
    return {
      ids: [...before, ...a, ...between, ...b, ...after],
      types: [...[...before, ...a].map(() => types.first), ...between.map(() => types.between), ...b.map(() => types.second), ...after.map(() => types.after)],
    }
  }

  /** Token ids of a text given as words, as of the words with spaces between them, cut to maxLength. A word that the tokenizer makes nothing of becomes the unknown token. */
  encodeWords(words: readonly string[], maxLength: number): TokenIds {
    const { before, between, after, types } = this.#frame(false), room = maxLength - before.length - after.length
    if (room < 1) throw new DataError(`Cannot encode texts: maxLength must leave room for the ${before.length + after.length} special tokens, got ${shown(maxLength)}. Use for example 128.`)
    const glue = this.#glue ??= [' ', ''].find((space) => String([...this.#plain('a'), ...this.#plain(`${space}b`)]) === String(this.#plain('a b'))) ?? ' '
    const pieces: number[] = [], starts: number[] = []
    for (const [i, word] of words.entries()) {
      if (pieces.length >= room) break
      starts.push(before.length + pieces.length)
      const own = this.#plain(i === 0 ? word : glue + word)
      pieces.push(...own.length === 0 ? [this.unknownId ?? this.padId] : own)
    }
    const ids = [...before, ...pieces.slice(0, room), ...between, ...after]
    return { ids, types: ids.map((_, at) => at < ids.length - after.length ? types.first : types.after), starts }
  }

  /** Text of token ids, special tokens left out. */
  decode(ids: readonly number[]): string { return ids.length === 0 ? '' : this.#encoder.decode([...ids], { skip_special_tokens: true }) }

  /** Ids that frame a text and say nothing themselves. */
  get special(): ReadonlySet<number> { const { before, after } = this.#frame(false); return new Set([...before, ...after, this.padId]) }
}

/** 'longest_first' as Hugging Face's tokenizers do it: the shorter keeps what it has, unless both are long; then each gets half. */
function cutLongest(a: number, b: number, room: number): [number, number] {
  let short = Math.min(a, b), long = short > room ? short : Math.max(short, room - short)
  if (short + long > room) {
    short = Math.floor(room / 2)
    long = room - short
  }
  return a <= b ? [short, long] : [long, short]
}

const made = new WeakMap<object, Tokenizer>()

/** The tokenizer of these files; made once per object. */
export function tokenizerOf(files: TokenizerFiles): Tokenizer {
  const known = made.get(files.tokenizer)
  if (known) return known
  const tokenizer = new Tokenizer(files)
  made.set(files.tokenizer, tokenizer)
  return tokenizer
}

/** Reads `tokenizer.json` (and `tokenizer_config.json`) of a folder, or the `vocab.txt` of a BERT model. */
export async function readTokenizer(path: string): Promise<TokenizerFiles> {
  const folder = resolve(path)
  const found = await stat(folder).catch(() => undefined)
  if (!found) throw new DataError(`Cannot read the tokenizer from ${shown(path)}: there is no such file or folder.`)
  const read = (name: string) => readFile(found.isFile() ? folder : join(folder, name), 'utf8').catch(() => undefined)
  const parse = (text: string, name: string) => {
    try { return JSON.parse(text) as Record<string, unknown> } catch (error) { throw new DataError(`Cannot read the tokenizer from ${shown(path)}: ${name} is not JSON (${(error as Error).message}). Fetch it again.`) }
  }
  const config = found.isFile() ? undefined : await read('tokenizer_config.json')
  const settings = config === undefined ? undefined : parse(config, 'tokenizer_config.json')
  const json = found.isFile() && /\.txt$/i.test(folder) ? undefined : await read('tokenizer.json')
  if (json !== undefined) return { tokenizer: parse(json, 'tokenizer.json'), ...(settings ? { config: settings } : {}) }
  const vocabulary = await read('vocab.txt')
  if (vocabulary === undefined) throw new DataError(`Cannot read the tokenizer from ${shown(path)}: there is neither tokenizer.json nor vocab.txt. Take them from where the model came from.`)
  return { tokenizer: wordPiece(vocabulary, settings?.['do_lower_case'] !== false), ...(settings ? { config: settings } : {}) }
}

/** BERT's tokenizer from its vocabulary, one token a line. */
export function wordPiece(vocabulary: string, lowercase = true): Record<string, unknown> {
  const tokens = vocabulary.replace(/\r/g, '').split('\n')
  if (tokens.at(-1) === '') tokens.pop()
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]))
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'].filter((token) => token in vocab)
  const piece = (id: string, type_id: number) => ({ SpecialToken: { id, type_id } })
  return {
    version: '1.0', truncation: null, padding: null,
    added_tokens: special.map((content) => ({ id: vocab[content], content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true })),
    normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing', single: [piece('[CLS]', 0), { Sequence: { id: 'A', type_id: 0 } }, piece('[SEP]', 0)],
      pair: [piece('[CLS]', 0), { Sequence: { id: 'A', type_id: 0 } }, piece('[SEP]', 0), { Sequence: { id: 'B', type_id: 1 } }, piece('[SEP]', 1)],
      special_tokens: Object.fromEntries(['[CLS]', '[SEP]'].map((token) => [token, { id: token, ids: [vocab[token]], tokens: [token] }])),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: { type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100, vocab },
  }
}
