// Texts behind rows: tokens for batches, lengths, samples, fingerprints and faults.
import { createHash } from 'node:crypto'
import { DataError } from '../errors.js'
import { escapeHtml } from '../look/html.js'
import { randomStream } from '../random.js'
import type { AssembleRequest, Assembled, Content, Fault, Fingerprint, SimpleFeatures } from '../store.js'
import type { BatchOptions, FindingRow, TextPreprocessing } from '../types.js'
import { checkAugment } from '../augment/draw.js'
import { dropTokens } from '../augment/sequences.js'
import { textFaults, wordsOf } from './faults.js'
import { textFeatures } from './features.js'
import { KeptTokens } from './kept-tokens.js'
import { gatherByLength, rectangle, widthOf } from './padding.js'
import { tokenizerOf, type TokenIds, type Tokenizer } from './tokenizer.js'

export class TextContent implements Content {
  readonly #kept = new KeptTokens()
  constructor(private readonly texts: readonly string[], private readonly seconds: readonly string[] | undefined) {}

  protected encode(id: number, p: TextPreprocessing, tokenizer: Tokenizer): TokenIds { return tokenizer.encode(this.texts[id]!, this.seconds?.[id], p.maxLength) }

  protected tokensOf(id: number, p: TextPreprocessing, tokenizer: Tokenizer): TokenIds {
    return this.#kept.of(id, p.tokenizer.tokenizer, p.maxLength, () => this.encode(id, p, tokenizer))
  }

  async assemble({ ids, size, preprocessing: p, augment, epoch }: AssembleRequest): Promise<Assembled> {
    if (p.kind !== 'text') throw new DataError('Cannot prepare texts: the preprocessing is not for texts.')
    const tokenizer = tokenizerOf(p.tokenizer)
    const encoded = Array.from(ids, (id) => this.tokensOf(id, p, tokenizer))
    const width = widthOf(Math.max(1, ...encoded.map(({ ids }) => ids.length)), p.maxLength, p.padding ?? 'buckets', p.lengths)
    const shape = [size, width], rows = (sequences: readonly ArrayLike<number>[], fill: number) => ({ data: rectangle(sequences, size, width, fill), shape })
    const inputs = { input_ids: rows(encoded.map(({ ids }) => ids), tokenizer.padId), attention_mask: rows(encoded.map(({ ids }) => ids.map(() => 1)), 0), token_type_ids: rows(encoded.map(({ types }) => types), 0) }
    if (!augment?.tokenDropout || tokenizer.unknownId === undefined) return { inputs }
    checkAugment(augment)
    const dropped = encoded.map((tokens, place) => drawDropped(tokens.ids, augment.tokenDropout!, tokenizer.special, randomStream(augment.seed ?? 0, epoch, ids[place]!)))
    return { inputs, change: { apply: dropTokens, inputs: { dropped: rows(dropped, 0), unknown: { data: Int32Array.of(tokenizer.unknownId), shape: [1] } } } }
  }

  arrange(ids: Int32Array, { batchSize, shuffle, preprocessing }: BatchOptions): Int32Array {
    if (preprocessing.kind !== 'text' || preprocessing.padding === 'max') return ids.map((_, place) => place)
    const tokenizer = tokenizerOf(preprocessing.tokenizer)
    return gatherByLength(ids.map((id) => this.tokensOf(id, preprocessing, tokenizer).ids.length), batchSize, [shuffle?.seed ?? 0, shuffle?.epoch ?? 0, 3])
  }

  async sizes(ids: Int32Array): Promise<Record<string, number[]>> {
    return { characters: Array.from(ids, (id) => this.texts[id]!.length), words: Array.from(ids, (id) => this.texts[id]!.split(/\s+/).filter((word) => word !== '').length) }
  }

  async samples(ids: Int32Array): Promise<string[]> {
    return Array.from(ids, (id) => `<div style="margin:2px 0;padding-left:8px;border-left:3px solid rgba(128,128,128,.35)">${escapeHtml(cut(this.texts[id]!, 200))}${this.seconds ? ` <span style="opacity:.7">· ${escapeHtml(cut(this.seconds[id]!, 200))}</span>` : ''}</div>`)
  }

  async fingerprint(id: number): Promise<Fingerprint> {
    const whole = this.seconds ? `${this.texts[id]}\n${this.seconds[id]}` : this.texts[id]!
    return { exact: createHash('sha1').update(whole).digest('base64'), words: wordsOf(whole) }
  }

  readonly faultChecks = ['format', 'encoding'] as const

  async features(ids: Int32Array): Promise<SimpleFeatures> { return textFeatures(Array.from(ids, (id) => this.seconds ? `${this.texts[id]}\n${this.seconds[id]}` : this.texts[id]!)) }

  shortly(id: number): string { return cut(this.texts[id]!, 80) }

  async faults(ids: Int32Array, where: (id: number) => FindingRow): Promise<Fault[]> {
    return textFaults.flatMap(({ check, text, advice, test }) => {
      const rows = Array.from(ids).filter((id) => test(this.texts[id]!) || (this.seconds !== undefined && test(this.seconds[id]!)))
      return rows.length === 0 ? [] : [{ check, advice, rows: rows.map(where), text: `${rows.length} ${rows.length === 1 ? 'text has' : 'texts have'} ${text}.` }]
    })
  }
}

const cut = (text: string, most: number) => text.length > most ? `${text.slice(0, most - 1)}…` : text

/** 1 for each token that becomes the unknown token; special tokens stay. */
const drawDropped = (ids: readonly number[], chance: number, special: ReadonlySet<number>, random: () => number): number[] => ids.map((id) => random() < chance && !special.has(id) ? 1 : 0)
