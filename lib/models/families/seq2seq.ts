// What all encoder–decoders share: their inputs, the pooled features, their preprocessing, and what they need to know to write.
import * as tf from '@tensorflow/tfjs'
import type { PairPreprocessing, Preprocessing, TokenizerFiles } from '../../data/index.js'
import { maskedMean } from '../blocks/pooling.js'
import type { Symbolic } from '../blocks/layer.js'
import { ModelError } from '../errors.js'
import type { Architecture, Beside, Config } from '../family.js'
import { tokenInputs } from './text.js'

/** Entries of every configuration, under transformers' names. */
export interface WritingConfig { vocab_size: number; pad_token_id: number; eos_token_id: number; decoder_start_token_id: number; /** Ids that are never written, each in a list of its own. */ bad_words_ids?: number[][] | null }

export const pairInputs = () => tokenInputs('input_ids', 'attention_mask', 'decoder_input_ids')

/** Network, features (the mean of the encoder's real tokens) and what makes it write. */
export function translating(name: string, inputs: ReturnType<typeof pairInputs>, encoded: Symbolic, scores: Symbolic, config: WritingConfig): Architecture {
  return {
    network: tf.model({ name, inputs: [inputs.input_ids, inputs.attention_mask, inputs.decoder_input_ids], outputs: scores }),
    features: maskedMean(encoded, inputs.attention_mask, 'pool'),
    writes: { source: ['input_ids', 'attention_mask'], written: 'decoder_input_ids', start: config.decoder_start_token_id, end: config.eos_token_id, pad: config.pad_token_id, never: (config.bad_words_ids ?? []).flatMap((ids) => ids.length === 1 ? ids : []) },
  }
}

/** The tokenizer beside the weights, for both sides; a `target_tokenizer.json` of its own where the target's differs. */
export async function pairPreprocessing(title: string, config: WritingConfig, longest: number, beside: Beside | undefined): Promise<PairPreprocessing> {
  const tokenizer = await beside?.('tokenizer.json')
  if (!tokenizer) throw new ModelError(`Cannot prepare texts for ${title}: there is no tokenizer.json beside its weights. Put the model's tokenizer.json there, or pass preprocessing.`)
  const settings = await beside!('tokenizer_config.json'), target = await beside!('target_tokenizer.json')
  const most = Math.min(128, longest)
  return { kind: 'pair', source: { tokenizer, ...(settings && { config: settings }) }, ...(target && { target: { tokenizer: target, ...(settings && { config: settings }) } }), maxSourceLength: most, maxTargetLength: most, decoderStart: config.decoder_start_token_id, padding: 'buckets' }
}

/** What a new model on these tokenizers has to know of them, which share one table. */
export function idsOf(p: Preprocessing | undefined): Partial<WritingConfig> {
  if (p?.kind !== 'pair') return {}
  const { pad, end } = specialIds(p.target ?? p.source)
  return { vocab_size: Math.max(vocabularyOf(p.source), vocabularyOf(p.target ?? p.source)), pad_token_id: pad, eos_token_id: end, decoder_start_token_id: p.decoderStart, bad_words_ids: [[pad]] }
}

type Special = [string, number]

/** How many rows a table for this tokenizer's ids needs. */
export function vocabularyOf({ tokenizer }: TokenizerFiles): number {
  const { vocab } = tokenizer['model'] as { vocab?: Record<string, number> | unknown[] }
  const added = (tokenizer['added_tokens'] as { id: number }[] | undefined ?? []).map(({ id }) => id)
  const ids = Array.isArray(vocab) ? [vocab.length - 1] : Object.values(vocab ?? {})
  return [...ids, ...added].reduce((most, id) => Math.max(most, id), -1) + 1
}

/** The ids that a tokenizer fills up with and that its texts end in. */
export function specialIds(files: TokenizerFiles): { pad: number; end: number } {
  const { tokenizer, config } = files, { vocab } = tokenizer['model'] as { vocab?: Record<string, number> | [string, number][] }
  const added = new Map((tokenizer['added_tokens'] as { id: number; content: string }[] | undefined ?? []).map(({ id, content }) => [content, id]))
  const idOf = (token: string) => added.get(token) ?? (Array.isArray(vocab) ? vocab.findIndex(([piece]) => piece === token) : vocab?.[token] ?? -1)
  const named = (key: string) => { const token = config?.[key] as string | { content?: string } | undefined; return typeof token === 'string' ? token : token?.content }
  const pad = [named('pad_token'), '[PAD]', '<pad>'].map((token) => token === undefined ? -1 : idOf(token)).find((id) => id >= 0) ?? 0
  const processors = [tokenizer['post_processor'] as Config | null, ...((tokenizer['post_processor'] as { processors?: Config[] } | null)?.processors ?? [])]
  const ends = processors.flatMap((processor) => {
    const last = (processor?.['single'] as { SpecialToken?: { id: string } }[] | undefined)?.at(-1)?.SpecialToken?.id
    const sep = processor?.['sep'] as Special | undefined
    return last !== undefined ? [idOf(last)] : sep ? [sep[1]] : []
  })
  const end = ends.at(-1)
  if (end === undefined || end < 0) throw new ModelError("Cannot write with this tokenizer: its texts do not end in a token of their own, so a decoder could not say that it is done. Use trainTokenizer(texts), or one whose post_processor ends in such a token.")
  return { pad, end }
}
