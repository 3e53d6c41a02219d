// wav2vec 2.0 (Baevski et al. 2020) with transformers' names and configuration: waveforms to letters, frame by frame, or to classes.
//
//   samples [n] ─► convolutions with strides: 320 samples a frame ─► norm ─► projection ─►(+ grouped convolution: positions)─► norm
//               ─► layer 1 … layer L (attention, feed forward) ─► head for each frame (connectionist temporal classification)
//                                                            └─► mean of the frames ─► head for classes, or unit length
//
// HuBERT and WavLM have other names and are not read here.
import * as tf from '@tensorflow/tfjs'
import { activate } from '../blocks/activation.js'
import { attention } from '../blocks/attention.js'
import { sum } from '../blocks/convolution.js'
import { dropout } from '../blocks/dropout.js'
import { dense } from '../blocks/encoder.js'
import { layerNorm } from '../blocks/layer-norm.js'
import type { Symbolic } from '../blocks/layer.js'
import { meanOverFrames, unitLength } from '../blocks/pooling.js'
import { channelNorm, normedGroupConvolution, oneChannel, sequenceConvolution } from '../blocks/sequence-convolution.js'
import type { SoundPreprocessing, TranscriptSymbols } from '../../data/index.js'
import { ModelError } from '../errors.js'
import type { Beside, Family } from '../family.js'
import { checkedCounts, checkedHeads } from './text.js'

interface Wav2Vec2Config {
  hidden_size: number
  num_hidden_layers: number
  num_attention_heads: number
  intermediate_size: number
  conv_dim: number[]
  conv_kernel: number[]
  conv_stride: number[]
  conv_bias: boolean
  num_conv_pos_embeddings: number
  num_conv_pos_embedding_groups: number
  /** 'group': the first convolution alone is normalized, over its length; 'layer': every one, over its channels. */
  feat_extract_norm: 'group' | 'layer'
  feat_extract_activation: string
  hidden_act: string
  /** Norms before attention and feed forward instead of after. */
  do_stable_layer_norm: boolean
  layer_norm_eps: number
  hidden_dropout: number
  attention_dropout: number
  activation_dropout: number
  feat_proj_dropout: number
  final_dropout: number
  pad_token_id: number
  /** Length of an example in seconds; ours. */
  seconds: number
}

const defaults: Wav2Vec2Config = {
  hidden_size: 256, num_hidden_layers: 4, num_attention_heads: 4, intermediate_size: 1024, conv_dim: [128, 128, 128, 128, 128, 128, 128], conv_kernel: [10, 3, 3, 3, 3, 2, 2], conv_stride: [5, 2, 2, 2, 2, 2, 2], conv_bias: false,
  num_conv_pos_embeddings: 128, num_conv_pos_embedding_groups: 16, feat_extract_norm: 'group', feat_extract_activation: 'gelu', hidden_act: 'gelu', do_stable_layer_norm: false, layer_norm_eps: 1e-5,
  hidden_dropout: 0.1, attention_dropout: 0.1, activation_dropout: 0.1, feat_proj_dropout: 0, final_dropout: 0, pad_token_id: 0, seconds: 4,
}
const sampleRate = 16000

/** Samples → frames `[b, frames, channels]`. */
function frames(samples: Symbolic, config: Wav2Vec2Config): Symbolic {
  let x = oneChannel(samples, 'samples.channel')
  config.conv_dim.forEach((filters, i) => {
    const name = `wav2vec2.feature_extractor.conv_layers.${i}`
    x = sequenceConvolution(x, `${name}.conv`, { filters, kernel: config.conv_kernel[i]!, stride: config.conv_stride[i]!, bias: config.conv_bias })
    if (config.feat_extract_norm === 'layer') x = layerNorm(x, `${name}.layer_norm`, 1e-5)
    else if (i === 0) x = channelNorm(x, `${name}.layer_norm`, 1e-5)
    x = activate(x, `${name}.activation`, config.feat_extract_activation)
  })
  return x
}

function block(x: Symbolic, name: string, config: Wav2Vec2Config): Symbolic {
  const norm = (y: Symbolic, part: string) => layerNorm(y, `${name}.${part}`, config.layer_norm_eps)
  const attend = (y: Symbolic) => {
    const [q, k, v] = ['q', 'k', 'v'].map((part) => dense(y, `${name}.attention.${part}_proj`, config.hidden_size)) as [Symbolic, Symbolic, Symbolic]
    return dropout(dense(attention(`${name}.attention.attention`, { q, k, v }, { heads: config.num_attention_heads, dropout: config.attention_dropout }), `${name}.attention.out_proj`, config.hidden_size), `${name}.dropout`, config.hidden_dropout)
  }
  const feed = (y: Symbolic) => {
    const part = `${name}.feed_forward`
    const inner = dropout(activate(dense(y, `${part}.intermediate_dense`, config.intermediate_size), `${part}.activation`, config.hidden_act), `${part}.intermediate_dropout`, config.activation_dropout)
    return dropout(dense(inner, `${part}.output_dense`, config.hidden_size), `${part}.output_dropout`, config.hidden_dropout)
  }
  if (config.do_stable_layer_norm) {
    const y = sum(x, attend(norm(x, 'layer_norm')), `${name}.attention.sum`)
    return sum(y, feed(norm(y, 'final_layer_norm')), `${name}.sum`)
  }
  const y = norm(sum(x, attend(x), `${name}.attention.sum`), 'layer_norm')
  return norm(sum(y, feed(y), `${name}.sum`), 'final_layer_norm')
}

/** The letters of a published model, from its vocab.json. */
async function publishedSymbols(config: Wav2Vec2Config, beside: Beside): Promise<TranscriptSymbols | undefined> {
  const vocabulary = await beside('vocab.json') as Record<string, number> | undefined
  if (!vocabulary) return undefined
  const settings = await beside('tokenizer_config.json'), symbols: string[] = []
  for (const [symbol, id] of Object.entries(vocabulary)) if (Number.isSafeInteger(id) && id >= 0 && id < 100_000) symbols[id] = symbol
  const all = Array.from(symbols, (symbol) => symbol ?? ''), letters = all.filter((symbol) => symbol.length === 1 && /\p{L}/u.test(symbol))
  const unknown = all.indexOf('<unk>'), space = settings?.['word_delimiter_token']
  const one = (of: (text: string) => string) => letters.length > 0 && letters.every((letter) => of(letter) === letter)
  return { symbols: all, blank: config.pad_token_id, space: typeof space === 'string' ? space : '|', ...(unknown >= 0 ? { unknown } : {}), ...(one((text) => text.toUpperCase()) ? { letters: 'upper' as const } : one((text) => text.toLowerCase()) ? { letters: 'lower' as const } : {}), maxLength: 200 }
}

const lists = ['conv_dim', 'conv_kernel', 'conv_stride'] as const

export const wav2vec2: Family<Wav2Vec2Config> = {
  name: 'wav2vec2',
  title: 'wav2vec 2.0',
  inputs: 'sound',
  task: 'speech',
  head: 'lm_head',
  ignored: /^(wav2vec2\.masked_spec_embed|quantizer\.|project_(hid|q)\.|projector\.|classifier\.|lm_head\.)/,
  alternatives: (stored) => [
    ...(stored.includes('.parametrizations.weight.original') ? [stored.replace('parametrizations.weight.original0', 'weight_g').replace('parametrizations.weight.original1', 'weight_v')] : []),
  ].flatMap((name) => [name, name.replace(/^wav2vec2\./, '')]).concat(stored.startsWith('wav2vec2.') ? [stored.slice(9)] : []),
  configure({ given, seconds }) {
    const config = checkedCounts('wav2vec 2.0', { ...defaults, ...given, ...(seconds === undefined ? {} : { seconds }) } as Wav2Vec2Config, ['hidden_size', 'num_hidden_layers', 'num_attention_heads', 'intermediate_size', 'num_conv_pos_embeddings', 'num_conv_pos_embedding_groups'])
    for (const name of lists) if (!Array.isArray(config[name]) || config[name].length !== config.conv_dim.length || !config[name].every((n) => Number.isSafeInteger(n) && n > 0)) throw new ModelError(`Cannot configure wav2vec 2.0: ${name} is ${JSON.stringify(config[name])} and must be a list of ${config.conv_dim.length} positive whole numbers.`)
    checkedHeads('wav2vec 2.0', config.hidden_size, config.num_attention_heads)
    checkedHeads('wav2vec 2.0', config.hidden_size, config.num_conv_pos_embedding_groups)
    if (!(config.seconds > 0) || config.seconds > 60) throw new ModelError(`Cannot read recordings of ${String(config.seconds)} s: seconds must be above 0 and at most 60.`)
    return config
  },
  build(config, { outputs, task }) {
    const samples = tf.input({ shape: [null], name: 'sounds' })
    const projected = dense(layerNorm(frames(samples, config), 'wav2vec2.feature_projection.layer_norm', config.layer_norm_eps), 'wav2vec2.feature_projection.projection', config.hidden_size)
    let x = dropout(projected, 'wav2vec2.feature_projection.dropout', config.feat_proj_dropout)
    const places = 'wav2vec2.encoder.pos_conv_embed'
    x = sum(x, activate(normedGroupConvolution(x, `${places}.conv`, { kernel: config.num_conv_pos_embeddings, groups: config.num_conv_pos_embedding_groups }), `${places}.activation`, config.feat_extract_activation), `${places}.sum`)
    const norm = (y: Symbolic) => layerNorm(y, 'wav2vec2.encoder.layer_norm', config.layer_norm_eps), last = config.do_stable_layer_norm
    x = dropout(last ? x : norm(x), 'wav2vec2.encoder.dropout', config.hidden_dropout)
    for (let i = 0; i < config.num_hidden_layers; i++) x = block(x, `wav2vec2.encoder.layers.${i}`, config)
    if (last) x = norm(x)
    const features = meanOverFrames(x, 'pool')
    const output = outputs === 0 ? unitLength(features, 'embedding')
      : task === 'speech' ? dense(dropout(x, 'final_dropout', config.final_dropout), 'lm_head', outputs)
        : dense(dropout(features, 'final_dropout', config.final_dropout), 'lm_head', outputs)
    return { network: tf.model({ name: 'wav2vec2', inputs: samples, outputs: output }), features }
  },
  group(layer) {
    const [, number] = /^wav2vec2\.encoder\.layers\.(\d+)\./.exec(layer) ?? []
    return number ? `layer ${Number(number) + 1}` : layer.startsWith('wav2vec2.feature_extractor') ? 'waveform' : layer.startsWith('wav2vec2.') ? 'frames' : 'head'
  },
  checkpointName: (weight) => weight.replace('pos_conv_embed.conv.weight_g', 'pos_conv_embed.conv.parametrizations.weight.original0').replace('pos_conv_embed.conv.weight_v', 'pos_conv_embed.conv.parametrizations.weight.original1'),
  readConfig: (json) => json['model_type'] === 'wav2vec2' && !json['adapter_attn_dim'] && !json['add_adapter'] ? json : undefined,
  published: (config, { outputs, task }) => ({ config: { ...config, model_type: 'wav2vec2', ...(task === 'speech' ? { architectures: ['Wav2Vec2ForCTC'], vocab_size: outputs } : { architectures: ['Wav2Vec2Model'] }) }, prefix: '', head: 'lm_head' }),
  preprocessing(config, beside) {
    const plain = { kind: 'sound' as const, sampleRate, seconds: config.seconds, features: { type: 'waveform' as const, normalize: true } }
    return beside ? published(plain, config, beside) : plain
  },
}

async function published(plain: SoundPreprocessing, config: Wav2Vec2Config, beside: Beside): Promise<SoundPreprocessing> {
  const settings = await beside('preprocessor_config.json'), rate = settings?.['sampling_rate'], transcript = await publishedSymbols(config, beside)
  return { ...plain, ...(typeof rate === 'number' ? { sampleRate: rate } : {}), features: { type: 'waveform', normalize: settings?.['do_normalize'] !== false }, ...(transcript ? { transcript } : {}) }
}
