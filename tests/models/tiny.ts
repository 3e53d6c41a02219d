// Every family at a size that a test can build and differentiate, with inputs that it takes.
import * as tf from '@tensorflow/tfjs'
import { transcriptSymbols, trainTokenizer } from '../../lib/data/index.js'
import { buildModel, type BuildOptions, type Model } from '../../lib/models/index.js'

const classes = ['ant', 'bee', 'wasp']
const bert = { vocab_size: 40, hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 24, max_position_embeddings: 20, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 }
const tokenizer = trainTokenizer(['one ant and two bees', 'a wasp is no bee'], { vocabularySize: 40 })
const pair = { kind: 'pair' as const, source: tokenizer, maxSourceLength: 16, maxTargetLength: 16, decoderStart: 0 }

const shop = { kind: 'interaction' as const, users: ['u', 'v', 'w'], items: ['a', 'b', 'c', 'd'], mean: 3, relevant: 4 }

const options: Record<string, Partial<BuildOptions>> = {
  resnet: { config: { widths: [8, 16, 24, 32] } },
  vit: { config: { hidden_size: 24, num_hidden_layers: 2, intermediate_size: 32 } },
  bert: { config: bert, preprocessing: { kind: 'text', tokenizer, maxLength: 16 } },
  marian: { preprocessing: pair, config: { d_model: 16, encoder_layers: 2, decoder_layers: 2, encoder_attention_heads: 2, encoder_ffn_dim: 24, dropout: 0 } },
  t5: { preprocessing: pair, config: { d_model: 16, d_kv: 4, d_ff: 24, num_layers: 2, num_heads: 2, dropout_rate: 0 } },
  'encoder-decoder': { preprocessing: pair, config: { encoder: bert, decoder: { ...bert, hidden_size: 24, vocab_size: undefined } } },
  wav2vec2: { seconds: 0.05, transcript: transcriptSymbols(['one ant', 'two bees']), config: { hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 24, conv_dim: [8, 8], conv_kernel: [10, 4], conv_stride: [5, 2], num_conv_pos_embeddings: 4, num_conv_pos_embedding_groups: 2, hidden_dropout: 0, attention_dropout: 0, activation_dropout: 0 } },
  'speaker-encoder': { classes, seconds: 0.1, config: { bands: 8, hidden_size: 6 } },
  'log-mel': { classes, seconds: 0.1, config: { bands: 8 } },
  'matrix-factorization': { preprocessing: shop, config: { width: 4, dropout: 0 } },
  'two-tower': { preprocessing: shop, config: { width: 4, dropout: 0, layers: [4] } },
}

export const optionsOf = (family: string): Partial<BuildOptions> => options[family] ?? options[Object.keys(options).find((name) => family.startsWith(name) || (name === 'bert' && family.includes('bert'))) ?? ''] ?? {}

export function tinyModel(family: string, more: Partial<BuildOptions> = {}): Model {
  const own = optionsOf(family), kind = own.seconds ? 'sound' : own.preprocessing?.kind ?? 'image'
  return buildModel(family, { ...(kind === 'image' || kind === 'text' ? { classes } : {}), ...(kind === 'image' ? { imageSize: 32 } : {}), ...own, ...more })
}

const ids = (rows: number, length: number, most: number) => tf.tensor2d(Int32Array.from({ length: rows * length }, (_, i) => 3 + (i * 7) % (most - 3)), [rows, length], 'int32')

/** Two rows that the model takes. */
export function inputsOf(model: Model): Record<string, tf.Tensor> {
  const p = model.preprocessing
  switch (p.kind) {
    case 'image': return { images: tf.randomNormal([2, p.height, p.width, 3]) }
    case 'text': return { input_ids: ids(2, 7, 19), attention_mask: tf.ones([2, 7], 'int32'), token_type_ids: tf.zeros([2, 7], 'int32') }
    case 'pair': return { input_ids: ids(2, 7, 19), attention_mask: tf.ones([2, 7], 'int32'), decoder_input_ids: ids(2, 5, 19) }
    case 'sound': return { sounds: tf.randomNormal(p.features.type === 'waveform' ? [2, Math.round(p.seconds * p.sampleRate)] : [2, 11, p.features.bands]) }
    case 'interaction': return { user: tf.tensor1d([0, 2], 'int32'), item: tf.tensor1d([1, 3], 'int32') }
  }
}
