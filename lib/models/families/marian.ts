// Marian (Junczys-Dowmunt et al. 2018), the translators of OPUS-MT, with transformers' names and configuration.
//
//   source [n] ─► words · √d + sines ─► encoder layer 1 … L (attention, feed forward, each: sum ─► norm) ──────────────┐
//   written [m] ─► the same words + sines ─► decoder layer 1 … L (attention to what is written, attention to the source ◄┘, feed forward) ─► scores by the words' own table + bias
//
import { activate } from '../blocks/activation.js'
import { attention, causalMask, paddingMask } from '../blocks/attention.js'
import { sum } from '../blocks/convolution.js'
import { dropout } from '../blocks/dropout.js'
import { addedVector, scaled, SharedTable } from '../blocks/embedding.js'
import { dense } from '../blocks/encoder.js'
import { layerNorm } from '../blocks/layer-norm.js'
import type { Symbolic } from '../blocks/layer.js'
import { sinePositions } from '../blocks/positions.js'
import type { Family } from '../family.js'
import { marianTokenizer, readSentencePiece } from '../formats/sentencepiece.js'
import { idsOf, pairInputs, pairPreprocessing, translating, type WritingConfig } from './seq2seq.js'
import { checkedCounts, checkedHeads } from './text.js'

interface MarianConfig extends WritingConfig {
  d_model: number
  encoder_layers: number
  decoder_layers: number
  encoder_attention_heads: number
  decoder_attention_heads: number
  encoder_ffn_dim: number
  decoder_ffn_dim: number
  max_position_embeddings: number
  activation_function: string
  scale_embedding: boolean
  dropout: number
  attention_dropout: number
}

/** The first two are what transformers knows the saved model by. */
const defaults = { model_type: 'marian', architectures: ['MarianMTModel'], vocab_size: 8000, d_model: 256, encoder_layers: 3, decoder_layers: 3, encoder_attention_heads: 4, encoder_ffn_dim: 1024, max_position_embeddings: 512, activation_function: 'swish', scale_embedding: true, dropout: 0.1, attention_dropout: 0, pad_token_id: 0, eos_token_id: 2 }

/** One sublayer: what is attended to, then the sum, then the norm. */
function attended(x: Symbolic, to: Symbolic, name: string, norm: string, biases: Symbolic[], { heads, config }: { heads: number; config: MarianConfig }): Symbolic {
  const [q, k, v] = [[x, 'q'], [to, 'k'], [to, 'v']].map(([from, part]) => dense(from as Symbolic, `${name}.${part as string}_proj`, config.d_model)) as [Symbolic, Symbolic, Symbolic]
  const y = dense(attention(`${name}.attention`, { q, k, v, biases }, { heads, dropout: config.attention_dropout }), `${name}.out_proj`, config.d_model)
  return layerNorm(sum(x, dropout(y, `${name}.dropout`, config.dropout), `${name}.sum`), norm, 1e-5)
}

function feedForward(x: Symbolic, name: string, inner: number, config: MarianConfig): Symbolic {
  const y = dense(activate(dense(x, `${name}.fc1`, inner), `${name}.activation`, config.activation_function), `${name}.fc2`, config.d_model)
  return layerNorm(sum(x, dropout(y, `${name}.dropout`, config.dropout), `${name}.sum`), `${name}.final_layer_norm`, 1e-5)
}

export const marian: Family<MarianConfig> = {
  name: 'marian',
  title: 'Marian',
  inputs: 'pair',
  task: 'sequence',
  head: 'lm_head',
  ignored: /^(model\.(encoder|decoder)\.embed_(tokens|positions)\.weight|lm_head\.weight)$/,
  alternatives: (stored) => stored === 'model.shared.weight' ? ['model.encoder.embed_tokens.weight', 'lm_head.weight'] : [],
  configure({ given, preprocessing }) {
    const merged = { ...defaults, ...idsOf(preprocessing), ...given } as unknown as MarianConfig
    const config = checkedCounts('Marian', { ...merged, decoder_attention_heads: merged.decoder_attention_heads ?? merged.encoder_attention_heads, decoder_ffn_dim: merged.decoder_ffn_dim ?? merged.encoder_ffn_dim, decoder_start_token_id: merged.decoder_start_token_id ?? merged.pad_token_id }, ['vocab_size', 'd_model', 'encoder_layers', 'decoder_layers', 'encoder_attention_heads', 'decoder_attention_heads', 'encoder_ffn_dim', 'decoder_ffn_dim', 'max_position_embeddings'])
    for (const heads of [config.encoder_attention_heads, config.decoder_attention_heads]) checkedHeads('Marian', config.d_model, heads)
    return config
  },
  resized: (config, what, rows) => what === 'tokens' ? { ...config, vocab_size: rows } : what === 'positions' ? { ...config, max_position_embeddings: rows } : undefined,
  build(config) {
    const inputs = pairInputs(), words = new SharedTable('model.shared', config.vocab_size, config.d_model, config.pad_token_id)
    const read = (ids: Symbolic, name: string) => dropout(sinePositions(scaled(words.look(ids), `${name}.scale`, config.scale_embedding ? Math.sqrt(config.d_model) : 1), `${name}.embed_positions`), `${name}.dropout`, config.dropout)
    const unpadded = paddingMask(inputs.attention_mask, 'mask')
    let x = read(inputs.input_ids, 'model.encoder')
    for (let i = 0; i < config.encoder_layers; i++) {
      const name = `model.encoder.layers.${i}`
      x = feedForward(attended(x, x, `${name}.self_attn`, `${name}.self_attn_layer_norm`, [unpadded], { heads: config.encoder_attention_heads, config }), name, config.encoder_ffn_dim, config)
    }
    let y = read(inputs.decoder_input_ids, 'model.decoder')
    const before = causalMask(y, 'causal_mask'), style = { heads: config.decoder_attention_heads, config }
    for (let i = 0; i < config.decoder_layers; i++) {
      const name = `model.decoder.layers.${i}`
      y = attended(y, y, `${name}.self_attn`, `${name}.self_attn_layer_norm`, [before], style)
      y = attended(y, x, `${name}.encoder_attn`, `${name}.encoder_attn_layer_norm`, [unpadded], style)
      y = feedForward(y, name, config.decoder_ffn_dim, config)
    }
    const scores = addedVector(words.score(y, 'scores'), 'lm_head', { leaf: 'final_logits_bias', row: true, trained: false })
    return translating('marian', inputs, x, scores, config)
  },
  group(layer) {
    const [, side, number] = /^model\.(encoder|decoder)\.layers\.(\d+)\./.exec(layer) ?? []
    return side ? `${side} layer ${Number(number) + 1}` : 'embeddings'
  },
  checkpointName: (weight) => weight === 'lm_head.final_logits_bias' ? 'final_logits_bias' : weight,
  readConfig: (json) => json['model_type'] === 'marian' ? json : undefined,
  published: (config) => ({ config: { ...config, model_type: 'marian', architectures: ['MarianMTModel'], is_encoder_decoder: true, tie_word_embeddings: true }, prefix: '', head: 'lm_head' }),
  async preprocessing(config, beside) {
    const whole = () => pairPreprocessing('Marian', config, config.max_position_embeddings, beside)
    if (!beside || await beside('tokenizer.json')) return whole()
    const [source, target, vocabulary] = [await beside.bytes('source.spm'), await beside.bytes('target.spm'), await beside('vocab.json') as Record<string, number> | undefined]
    if (!source || !target || !vocabulary) return whole()
    const settings = { config: { pad_token: '<pad>', unk_token: '<unk>', eos_token: '</s>', clean_up_tokenization_spaces: false } }
    const side = (bytes: Uint8Array, name: string) => ({ tokenizer: marianTokenizer(readSentencePiece(bytes, name), vocabulary, name), ...settings })
    const most = Math.min(128, config.max_position_embeddings)
    return { kind: 'pair', source: side(source, 'source.spm'), target: side(target, 'target.spm'), maxSourceLength: most, maxTargetLength: most, decoderStart: config.decoder_start_token_id, padding: 'buckets' }
  },
}
