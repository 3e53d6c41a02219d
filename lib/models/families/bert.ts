// BERT (Devlin et al. 2019) and what has its shape: MiniLM, RoBERTa, and DistilBERT. Names and configuration are those of transformers.
//
//   tokens [n] ─► word + position + type vectors ─► norm ─► layer 1 … layer L (attention, feed forward, each: sum ─► norm)
//          ─► one vector: mean of the real tokens | first token ─► (pooler) ─► dropout ─► head
//
// Without classes and without a head of its own the model gives the pooled vector at unit length (a sentence embedding); for the task 'token' the
// head stands on every token.
import * as tf from '@tensorflow/tfjs'
import { activate } from '../blocks/activation.js'
import { paddingMask } from '../blocks/attention.js'
import { sum } from '../blocks/convolution.js'
import { dropout } from '../blocks/dropout.js'
import { embedding, learnedPositions, sharedVector } from '../blocks/embedding.js'
import { dense, encoderBlock } from '../blocks/encoder.js'
import { layerNorm } from '../blocks/layer-norm.js'
import type { Symbolic } from '../blocks/layer.js'
import { firstToken, maskedMean, unitLength } from '../blocks/pooling.js'
import type { Config, Family, Published } from '../family.js'
import type { Task } from '../types.js'
import { pooledHead, pooledHeadClass, pooledHeadFile } from './pooled-head.js'
import { checkedCounts, checkedHeads, share, textPreprocessing, tokenInputs } from './text.js'

export interface BertConfig {
  vocab_size: number
  hidden_size: number
  num_hidden_layers: number
  num_attention_heads: number
  intermediate_size: number
  max_position_embeddings: number
  type_vocab_size: number
  hidden_act: string
  layer_norm_eps: number
  hidden_dropout_prob: number
  attention_probs_dropout_prob: number
  /** 'pooler' is BERT's own: the first token through a dense layer and tanh. */
  pooling: 'mean' | 'first' | 'pooler'
  /** transformers' class, as its configuration says it. */
  architectures?: readonly string[]
}
export interface Variant { name: string; title: string; type: string; /** How transformers' classes begin. */ class: string; prefixes: string[]; /** First row of the position table that is used. */ firstPosition: number; /** Token types: an input, one that all tokens share, or none. */ types: 'input' | 'shared' | 'none'; checkpointName?(weight: string): string; read?(json: Config): Config; /** The other way. */ write?(config: BertConfig): Config }

export const bertDefaults: BertConfig = { vocab_size: 30522, hidden_size: 384, num_hidden_layers: 6, num_attention_heads: 12, intermediate_size: 1536, max_position_embeddings: 512, type_vocab_size: 2, hidden_act: 'gelu', layer_norm_eps: 1e-12, hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1, pooling: 'mean' }

export interface BertInputs { ids: Symbolic; /** Token types; absent: all are of the first. */ types?: Symbolic | undefined; bias: Symbolic }

export const bertStyle = (config: BertConfig) => ({ heads: config.num_attention_heads, inner: config.intermediate_size, activation: config.hidden_act, epsilon: config.layer_norm_eps, dropout: config.hidden_dropout_prob, attentionDropout: config.attention_probs_dropout_prob, order: 'norm after' as const })

/** Ids → hidden states `[b, n, d]`. `part` stands in front of every layer's name. */
export function bertEncoder(config: BertConfig, { types, firstPosition }: Variant, inputs: BertInputs, part = ''): Symbolic {
  const name = (rest: string) => `${part}embeddings.${rest}`
  let x = embedding(inputs.ids, name('word_embeddings'), config.vocab_size, config.hidden_size)
  if (types === 'shared') x = sharedVector(x, name('token_type_embeddings'))
  if (types === 'input') x = inputs.types
    ? sum(x, embedding(inputs.types, name('token_type_embeddings'), config.type_vocab_size, config.hidden_size), name('sum'))
    : sharedVector(x, name('token_type_embeddings'), config.type_vocab_size)
  x = learnedPositions(x, name('position_embeddings'), config.max_position_embeddings, firstPosition)
  x = dropout(layerNorm(x, name('LayerNorm'), config.layer_norm_eps), name('dropout'), config.hidden_dropout_prob)
  for (let i = 0; i < config.num_hidden_layers; i++) x = encoderBlock(x, `${part}encoder.layer.${i}`, bertStyle(config), [inputs.bias])
  return x
}

function pooled(config: BertConfig, hidden: Symbolic, mask: Symbolic): Symbolic {
  if (config.pooling === 'mean') return maskedMean(hidden, mask, 'pool')
  const first = firstToken(hidden, 'pool')
  return config.pooling === 'first' ? first : activate(dense(first, 'pooler.dense', config.hidden_size), 'pooler.activation', 'tanh')
}

function bertFamily(variant: Variant): Family<BertConfig> {
  const { name, title } = variant
  return {
    name, title, inputs: 'text', head: 'head', prefixes: variant.prefixes,
    ignored: /^(pooler\.|[a-z]+\.pooler\.|cls\.|lm_head\.|vocab_(transform|layer_norm|projector)\.|classifier\.|pre_classifier\.)/,
    configure({ given }) {
      const config = checkedCounts(title, { ...bertDefaults, ...given }, ['vocab_size', 'hidden_size', 'num_hidden_layers', 'num_attention_heads', 'intermediate_size', 'max_position_embeddings', 'type_vocab_size'])
      checkedHeads(title, config.hidden_size, config.num_attention_heads)
      return config
    },
    resized: (config, what, rows) => what === 'tokens' ? { ...config, vocab_size: rows } : what === 'positions' ? { ...config, max_position_embeddings: rows + variant.firstPosition } : undefined,
    build(config, { outputs, task }) {
      const { input_ids: ids, attention_mask: mask } = tokenInputs('input_ids', 'attention_mask'), types = variant.types === 'input' ? tokenInputs('token_type_ids').token_type_ids : undefined
      const inputs = [ids, mask, ...(types ? [types] : [])]
      const hidden = bertEncoder(config, variant, { ids, types, bias: paddingMask(mask, 'mask') })
      if (task === 'token') {
        const features = maskedMean(hidden, mask, 'pool')
        return { network: tf.model({ name, inputs, outputs: dense(dropout(hidden, 'dropout', config.hidden_dropout_prob), 'head', outputs) }), features }
      }
      const features = pooled(config, hidden, mask)
      const output = outputs === 0 ? unitLength(features, 'embedding') : dense(dropout(features, 'dropout', config.hidden_dropout_prob), 'head', outputs)
      return { network: tf.model({ name, inputs, outputs: output }), features }
    },
    group(layer) {
      const [, number] = /^encoder\.layer\.(\d+)\./.exec(layer) ?? []
      return number ? `layer ${Number(number) + 1}` : layer.startsWith('embeddings.') ? 'embeddings' : layer.startsWith('pooler.') ? 'pooler' : 'head'
    },
    checkpointName: (weight, { pooling, architectures }) => {
      const named = pooling === 'pooler' || architectures?.[0]?.endsWith('ForTokenClassification') ? weight.replace(/^head\./, 'classifier.') : weight
      return variant.checkpointName?.(named) ?? named
    },
    readConfig(json) {
      if (json['model_type'] !== variant.type) return undefined
      const architecture = (json['architectures'] as string[] | undefined)?.[0] ?? ''
      const pooling = variant.type === 'bert' && architecture.endsWith('ForSequenceClassification') ? 'pooler' : 'mean'
      return { ...json, pooling, ...variant.read?.(json) }
    },
    published: (config, { outputs, task }) => published(variant, config, outputs, task),
    preprocessing: (config, beside) => textPreprocessing(title, config.max_position_embeddings - variant.firstPosition, beside),
  }
}

/** transformers' own class where the head is BERT's; else one that is written beside the weights. */
function published({ type, class: named, prefixes, types, write }: Variant, config: BertConfig, outputs: number, task: Task): Published {
  const { pooling, ...sizes } = config
  const tags = task === 'token', own = outputs > 0 && pooling !== 'pooler' && !tags
  const architecture = outputs === 0 ? `${named}Model` : tags ? `${named}ForTokenClassification` : own ? pooledHeadClass(named) : `${named}ForSequenceClassification`
  return {
    config: {
      ...sizes, ...(types === 'shared' && { type_vocab_size: 1 }), ...write?.(config), pooling, model_type: type, architectures: [architecture],
      ...(outputs > 0 && !tags && { problem_type: { 'multi-label': 'multi_label_classification', regression: 'regression' }[task as string] ?? 'single_label_classification' }),
      ...(own && { auto_map: { AutoModelForSequenceClassification: `${pooledHeadFile.replace('.py', '')}.${architecture}` } }),
    },
    prefix: outputs > 0 ? prefixes[0]! : '',
    head: own ? 'head' : 'classifier',
    ...(own && { files: { [pooledHeadFile]: pooledHead(named, prefixes[0]!.slice(0, -1), pooling) } }),
  }
}

/** DistilBERT's names for the same parts. */
const distilled = (weight: string) => weight
  .replace(/^encoder\.layer/, 'transformer.layer')
  .replace('.attention.self.query.', '.attention.q_lin.').replace('.attention.self.key.', '.attention.k_lin.').replace('.attention.self.value.', '.attention.v_lin.').replace('.attention.output.dense.', '.attention.out_lin.')
  .replace('.attention.output.LayerNorm.', '.sa_layer_norm.').replace('.intermediate.dense.', '.ffn.lin1.').replace(/(layer\.\d+)\.output\.dense\./, '$1.ffn.lin2.').replace(/(layer\.\d+)\.output\.LayerNorm\./, '$1.output_layer_norm.')

export const bertVariants: readonly Variant[] = [
  { name: 'bert', title: 'BERT', type: 'bert', class: 'Bert', prefixes: ['bert.'], firstPosition: 0, types: 'input' },
  { name: 'roberta', title: 'RoBERTa', type: 'roberta', class: 'Roberta', prefixes: ['roberta.'], firstPosition: 2, types: 'shared' },
  {
    name: 'distilbert', title: 'DistilBERT', type: 'distilbert', class: 'DistilBert', prefixes: ['distilbert.'], firstPosition: 0, types: 'none', checkpointName: distilled,
    read: (json) => ({ hidden_size: json['dim'], num_hidden_layers: json['n_layers'], num_attention_heads: json['n_heads'], intermediate_size: json['hidden_dim'], hidden_act: json['activation'], layer_norm_eps: 1e-12, hidden_dropout_prob: share(json, 'dropout', 0.1), attention_probs_dropout_prob: share(json, 'attention_dropout', 0.1), type_vocab_size: 1 }),
    write: (config) => ({ dim: config.hidden_size, n_layers: config.num_hidden_layers, n_heads: config.num_attention_heads, hidden_dim: config.intermediate_size, activation: config.hidden_act, dropout: config.hidden_dropout_prob, attention_dropout: config.attention_probs_dropout_prob }),
  },
]

export const bertFamilies = bertVariants.map(bertFamily)
