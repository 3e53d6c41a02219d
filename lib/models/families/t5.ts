// T5 (Raffel et al. 2020), also its later form (v1.1, Flan-T5), with transformers' names and configuration.
//
//   source [n] ─► words ─► encoder block 1 … L (norm ─► attention + distance bias, norm ─► feed forward, each added) ─► norm ───────┐
//   written [m] ─► the same words ─► decoder block 1 … L (attention to what is written + bias, attention to the source ◄┘, feed forward) ─► norm ─► scores
//
import { activate, product } from '../blocks/activation.js'
import { attention, causalMask, paddingMask } from '../blocks/attention.js'
import { sum } from '../blocks/convolution.js'
import { dropout } from '../blocks/dropout.js'
import { SharedTable } from '../blocks/embedding.js'
import { dense } from '../blocks/encoder.js'
import { rootMeanSquareNorm } from '../blocks/layer-norm.js'
import type { Symbolic } from '../blocks/layer.js'
import { distanceBias } from '../blocks/positions.js'
import { ModelError } from '../errors.js'
import type { Family } from '../family.js'
import { idsOf, pairInputs, pairPreprocessing, translating, type WritingConfig } from './seq2seq.js'
import { checkedCounts } from './text.js'

interface T5Config extends WritingConfig {
  d_model: number
  d_kv: number
  d_ff: number
  num_layers: number
  num_decoder_layers: number
  num_heads: number
  relative_attention_num_buckets: number
  relative_attention_max_distance: number
  feed_forward_proj: string
  dropout_rate: number
  layer_norm_epsilon: number
  tie_word_embeddings: boolean
}

/** The first two are what transformers knows the saved model by. */
const defaults = { model_type: 't5', architectures: ['T5ForConditionalGeneration'], vocab_size: 8000, d_model: 256, d_kv: 64, d_ff: 512, num_layers: 3, num_heads: 4, relative_attention_num_buckets: 32, relative_attention_max_distance: 128, feed_forward_proj: 'gated-gelu', dropout_rate: 0.1, layer_norm_epsilon: 1e-6, tie_word_embeddings: true, pad_token_id: 0, eos_token_id: 1 }

/** norm ─► attention ─►(+ x) */
function attended(x: Symbolic, to: Symbolic | undefined, name: string, part: string, biases: Symbolic[], config: T5Config): Symbolic {
  const inner = config.num_heads * config.d_kv, normed = rootMeanSquareNorm(x, `${name}.layer_norm`, config.layer_norm_epsilon)
  const [q, k, v] = [[normed, 'q'], [to ?? normed, 'k'], [to ?? normed, 'v']].map(([from, leaf]) => dense(from as Symbolic, `${name}.${part}.${leaf as string}`, inner, false)) as [Symbolic, Symbolic, Symbolic]
  // T5 does not scale its scores; its initial weights do.
  const y = dense(attention(`${name}.${part}.attention`, { q, k, v, biases }, { heads: config.num_heads, dropout: config.dropout_rate, scale: 1 }), `${name}.${part}.o`, config.d_model, false)
  return sum(x, dropout(y, `${name}.dropout`, config.dropout_rate), `${name}.sum`)
}

function feedForward(x: Symbolic, name: string, config: T5Config): Symbolic {
  const normed = rootMeanSquareNorm(x, `${name}.layer_norm`, config.layer_norm_epsilon), part = `${name}.DenseReluDense`
  const [, gated, kind] = /^(gated-)?(\w+)$/.exec(config.feed_forward_proj)!
  // What transformers calls gated-gelu is the form with tanh.
  const act = gated && kind === 'gelu' ? 'gelu_new' : kind!
  const inner = gated
    ? product(activate(dense(normed, `${part}.wi_0`, config.d_ff, false), `${part}.activation`, act), dense(normed, `${part}.wi_1`, config.d_ff, false), `${part}.gate`)
    : activate(dense(normed, `${part}.wi`, config.d_ff, false), `${part}.activation`, act)
  const y = dense(dropout(inner, `${part}.dropout`, config.dropout_rate), `${part}.wo`, config.d_model, false)
  return sum(x, dropout(y, `${name}.dropout`, config.dropout_rate), `${name}.sum`)
}

export const t5: Family<T5Config> = {
  name: 't5',
  title: 'T5',
  inputs: 'pair',
  task: 'sequence',
  head: 'lm_head',
  ignored: /^((encoder|decoder)\.embed_tokens\.weight|lm_head\.weight|decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight)$/,
  alternatives: (stored) => stored === 'shared.weight' ? ['encoder.embed_tokens.weight'] : [],
  configure({ given, preprocessing }) {
    const merged = { ...defaults, ...idsOf(preprocessing), ...given } as unknown as T5Config
    if (!/^(gated-)?\w+$/.test(merged.feed_forward_proj)) throw new ModelError(`Cannot configure T5: feed_forward_proj is ${JSON.stringify(merged.feed_forward_proj)} and must be such as 'relu' or 'gated-gelu'.`)
    return checkedCounts('T5', { ...merged, num_decoder_layers: merged.num_decoder_layers ?? merged.num_layers, decoder_start_token_id: merged.decoder_start_token_id ?? merged.pad_token_id }, ['vocab_size', 'd_model', 'd_kv', 'd_ff', 'num_layers', 'num_decoder_layers', 'num_heads', 'relative_attention_num_buckets', 'relative_attention_max_distance'])
  },
  resized: (config, what, rows) => what === 'tokens' ? { ...config, vocab_size: rows } : undefined,
  build(config) {
    const inputs = pairInputs(), words = new SharedTable('shared', config.vocab_size, config.d_model)
    const drop = (x: Symbolic, name: string) => dropout(x, name, config.dropout_rate)
    const distances = (both: boolean) => ({ buckets: config.relative_attention_num_buckets, farthest: config.relative_attention_max_distance, both })
    const unpadded = paddingMask(inputs.attention_mask, 'mask')
    let x = drop(words.look(inputs.input_ids), 'encoder.dropout')
    const near = distanceBias(x, 'encoder.block.0.layer.0.SelfAttention.relative_attention_bias', config.num_heads, distances(true))
    for (let i = 0; i < config.num_layers; i++) x = feedForward(attended(x, undefined, `encoder.block.${i}.layer.0`, 'SelfAttention', [near, unpadded], config), `encoder.block.${i}.layer.1`, config)
    x = drop(rootMeanSquareNorm(x, 'encoder.final_layer_norm', config.layer_norm_epsilon), 'encoder.final_dropout')
    let y = drop(words.look(inputs.decoder_input_ids), 'decoder.dropout')
    const behind = distanceBias(y, 'decoder.block.0.layer.0.SelfAttention.relative_attention_bias', config.num_heads, distances(false)), before = causalMask(y, 'causal_mask')
    for (let i = 0; i < config.num_decoder_layers; i++) {
      const name = `decoder.block.${i}.layer`
      y = attended(y, undefined, `${name}.0`, 'SelfAttention', [behind, before], config)
      y = feedForward(attended(y, x, `${name}.1`, 'EncDecAttention', [unpadded], config), `${name}.2`, config)
    }
    y = drop(rootMeanSquareNorm(y, 'decoder.final_layer_norm', config.layer_norm_epsilon), 'decoder.final_dropout')
    const scores = config.tie_word_embeddings ? words.score(y, 'scores', config.d_model ** -0.5) : dense(y, 'lm_head', config.vocab_size, false)
    return translating('t5', inputs, x, scores, config)
  },
  group(layer) {
    const [, side, number] = /^(encoder|decoder)\.block\.(\d+)\./.exec(layer) ?? []
    if (side) return `${side} layer ${Number(number) + 1}`
    return layer === 'lm_head' ? 'head' : /^(encoder|decoder)\.final/.test(layer) ? `${layer.slice(0, 7)} norm` : 'embeddings'
  },
  checkpointName: (weight) => weight,
  readConfig: (json) => json['model_type'] === 't5' || json['model_type'] === 'mt5' ? json : undefined,
  published: (config) => ({ config: { model_type: 't5', architectures: ['T5ForConditionalGeneration'], ...config, is_encoder_decoder: true }, prefix: '', head: 'lm_head' }),
  preprocessing: (config, beside) => pairPreprocessing('T5', config, 512, beside),
}
