// Sentence pairs behind rows: tokens for encoder and decoder, lengths, samples, fingerprints.
import { createHash } from 'node:crypto'
import { DataError } from '../errors.js'
import { escapeHtml } from '../look/html.js'
import type { AssembleRequest, Assembled, Content, Fault, Fingerprint, SimpleFeatures } from '../store.js'
import { textFaults, wordsOf } from '../texts/faults.js'
import { textFeatures } from '../texts/features.js'
import { KeptTokens } from '../texts/kept-tokens.js'
import { gatherByLength, rectangle, widthOf } from '../texts/padding.js'
import { tokenizerOf } from '../texts/tokenizer.js'
import { misfits } from './alignment.js'
import type { BatchOptions, FindingRow, PairPreprocessing, TextPreprocessing } from '../types.js'

export class PairContent implements Content {
  readonly #read = new KeptTokens()
  readonly #written = new KeptTokens()
  constructor(private readonly sources: readonly string[], private readonly targets: readonly string[]) {}

  #source(id: number, p: PairPreprocessing): number[] {
    return this.#read.of(id, p.source.tokenizer, p.maxSourceLength, () => tokenizerOf(p.source).encode(this.sources[id]!, undefined, p.maxSourceLength)).ids
  }

  #target(id: number, p: PairPreprocessing): number[] {
    const writer = p.target ?? p.source
    return this.#written.of(id, writer.tokenizer, p.maxTargetLength, () => tokenizerOf(writer).encode(this.targets[id]!, undefined, p.maxTargetLength)).ids
  }

  async assemble({ ids, size, preprocessing: p }: AssembleRequest): Promise<Assembled> {
    if (p.kind === 'text') return this.#besides(ids, size, p)
    if (p.kind !== 'pair') throw new DataError('Cannot prepare pairs: the preprocessing is not for pairs.')
    const reader = tokenizerOf(p.source), writer = tokenizerOf(p.target ?? p.source)
    const read = Array.from(ids, (id) => this.#source(id, p)), written = Array.from(ids, (id) => this.#target(id, p))
    const longest = (sequences: number[][]) => Math.max(1, ...sequences.map(({ length }) => length))
    const width = widthOf(longest(read), p.maxSourceLength, p.padding ?? 'buckets', p.lengths), targetWidth = widthOf(longest(written), p.maxTargetLength, p.padding ?? 'buckets', p.lengths)
    const shape = [size, width], targetShape = [size, targetWidth]
    return {
      inputs: {
        input_ids: { data: rectangle(read, size, width, reader.padId), shape },
        attention_mask: { data: rectangle(read.map((sequence) => sequence.map(() => 1)), size, width, 0), shape },
        // the decoder reads what it should have written so far: its start token, then the target without its last token
        decoder_input_ids: { data: rectangle(written.map((sequence) => [p.decoderStart, ...sequence.slice(0, -1)]), size, targetWidth, writer.padId), shape: targetShape },
      },
      labels: { data: rectangle(written, size, targetWidth, -100), shape: targetShape },
    }
  }

  /** For encoders that learn which texts belong together: all sources, then all targets, as `[2 · size, tokens]`. */
  #besides(ids: Int32Array, size: number, p: TextPreprocessing): Assembled {
    const tokenizer = tokenizerOf(p.tokenizer), blank = new Array<number[]>(size - ids.length).fill([])
    const both = [this.sources, this.targets].flatMap((side) => [...Array.from(ids, (id) => tokenizer.encode(side[id]!, undefined, p.maxLength).ids), ...blank])
    const width = widthOf(Math.max(1, ...both.map(({ length }) => length)), p.maxLength, p.padding ?? 'buckets', p.lengths), shape = [2 * size, width]
    return {
      inputs: {
        input_ids: { data: rectangle(both, 2 * size, width, tokenizer.padId), shape },
        attention_mask: { data: rectangle(both.map((sequence) => sequence.map(() => 1)), 2 * size, width, 0), shape },
        token_type_ids: { data: new Int32Array(2 * size * width), shape },
      },
    }
  }

  arrange(ids: Int32Array, { batchSize, shuffle, preprocessing }: BatchOptions): Int32Array {
    if (preprocessing.kind !== 'pair' || preprocessing.padding === 'max') return ids.map((_, place) => place)
    return gatherByLength(ids.map((id) => this.#source(id, preprocessing).length + this.#target(id, preprocessing).length), batchSize, [shuffle?.seed ?? 0, shuffle?.epoch ?? 0, 5])
  }

  async sizes(ids: Int32Array): Promise<Record<string, number[]>> {
    return { 'characters of the source': Array.from(ids, (id) => this.sources[id]!.length), 'characters of the target': Array.from(ids, (id) => this.targets[id]!.length) }
  }

  async samples(ids: Int32Array): Promise<string[]> {
    return Array.from(ids, (id) => `<div style="margin:3px 0;padding-left:8px;border-left:3px solid rgba(128,128,128,.35)">${escapeHtml(this.sources[id]!.slice(0, 200))}<br><span style="opacity:.75">${escapeHtml(this.targets[id]!.slice(0, 200))}</span></div>`)
  }

  /** Rows leak by their source: the same sentence in two parts is a leak, whatever its translation. */
  async fingerprint(id: number): Promise<Fingerprint> {
    return { exact: createHash('sha1').update(this.sources[id]!).digest('base64'), words: wordsOf(this.sources[id]!) }
  }

  readonly faultChecks = ['format', 'encoding', 'label errors'] as const

  async features(ids: Int32Array): Promise<SimpleFeatures> { return textFeatures(Array.from(ids, (id) => `${this.sources[id]}\n${this.targets[id]}`)) }

  shortly(id: number): string { return this.sources[id]!.slice(0, 80) }

  async faults(ids: Int32Array, where: (id: number) => FindingRow): Promise<Fault[]> {
    const checks = [
      ...textFaults.filter(({ text }) => !text.startsWith('HTML')).map((fault) => ({ ...fault, bad: (id: number) => fault.test(this.sources[id]!) || fault.test(this.targets[id]!) })),
      { check: 'format' as const, text: 'a target equal to its source', advice: 'Names may stay as they are; sentences were probably not translated.', bad: (id: number) => this.sources[id] === this.targets[id] && /\s/.test(this.sources[id]!) },
      { check: 'format' as const, text: 'a target more than 4 times as long or short as its source', advice: 'Check that the lines are aligned.', bad: (id: number) => { const [a, b] = [this.sources[id]!.length + 10, this.targets[id]!.length + 10]; return a > 4 * b || b > 4 * a } },
    ]
    const strange = misfits(Array.from(ids, (id) => this.sources[id]!), Array.from(ids, (id) => this.targets[id]!))
    const wrong: Fault[] = strange.length === 0 ? [] : [{
      check: 'label errors', severity: strange.length > ids.length / 100 ? 'warning' : 'note', rows: strange.map(({ pair, score }) => ({ ...where(ids[pair]!), detail: this.targets[ids[pair]!]!.slice(0, 80), score })),
      text: `${strange.length} of ${ids.length} translations fit their source no better than another sentence's would, by the words that usually go together.`,
      advice: 'Look at the first ones: lines may be out of step, or the translation very free.',
    }]
    return [...wrong, ...checks.flatMap(({ check, text, advice, bad }) => {
      const rows = Array.from(ids).filter(bad)
      return rows.length === 0 ? [] : [{ check, advice, rows: rows.map(where), text: `${rows.length} ${rows.length === 1 ? 'pair has' : 'pairs have'} ${text}.` }]
    })]
  }
}
