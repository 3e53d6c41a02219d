// Vision transformer (Dosovitskiy et al. 2021) with the names and configuration of transformers' ViTForImageClassification.
//
//   image [s, s, 3] ─► patches p×p ─► class token + patches + positions ─► layer 1 … layer L (norm ─► attention, norm ─► feed forward) ─► norm
//                   ─► class token ─► head
//
import * as tf from '@tensorflow/tfjs'
import { dropout } from '../blocks/dropout.js'
import { dense, encoderBlock } from '../blocks/encoder.js'
import { layerNorm } from '../blocks/layer-norm.js'
import { patchEmbedding } from '../blocks/patches.js'
import { firstToken } from '../blocks/pooling.js'
import { ModelError } from '../errors.js'
import type { Family } from '../family.js'
import { imageInput, imagePreprocessing, positiveSize } from './image.js'
import { checkedCounts, checkedHeads } from './text.js'

interface ViTConfig { hidden_size: number; num_hidden_layers: number; num_attention_heads: number; intermediate_size: number; image_size: number; patch_size: number; hidden_act: string; layer_norm_eps: number; hidden_dropout_prob: number; attention_probs_dropout_prob: number }
const defaults: ViTConfig = { hidden_size: 192, num_hidden_layers: 12, num_attention_heads: 3, intermediate_size: 768, image_size: 224, patch_size: 16, hidden_act: 'gelu', layer_norm_eps: 1e-12, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 }

export const vit: Family<ViTConfig> = {
  name: 'vit',
  title: 'ViT',
  inputs: 'image',
  head: 'head',
  ignored: /^(vit\.)?pooler\./,
  configure({ imageSize, given }) {
    const config = checkedCounts('ViT', { ...defaults, ...given }, ['hidden_size', 'num_hidden_layers', 'num_attention_heads', 'intermediate_size', 'patch_size'])
    checkedHeads('ViT', config.hidden_size, config.num_attention_heads)
    const size = positiveSize(imageSize ?? config.image_size, config.patch_size)
    if (size % config.patch_size !== 0) throw new ModelError(`Cannot cut images of ${size} pixels into patches of ${config.patch_size}: imageSize must be a multiple of ${config.patch_size}.`)
    return { ...config, image_size: size }
  },
  resized: (config, what, size) => what === 'imageSize' ? { ...config, image_size: size } : undefined,
  build(config, { outputs }) {
    const input = imageInput(config.image_size)
    let x = dropout(patchEmbedding(input, 'embeddings', { patch: config.patch_size, width: config.hidden_size }), 'embeddings.dropout', config.hidden_dropout_prob)
    const style = { heads: config.num_attention_heads, inner: config.intermediate_size, activation: config.hidden_act, epsilon: config.layer_norm_eps, dropout: config.hidden_dropout_prob, attentionDropout: config.attention_probs_dropout_prob, order: 'norm before' as const }
    for (let i = 0; i < config.num_hidden_layers; i++) x = encoderBlock(x, `encoder.layer.${i}`, style)
    const features = firstToken(layerNorm(x, 'norm', config.layer_norm_eps), 'pool')
    return { network: tf.model({ name: 'vit', inputs: input, outputs: dense(features, 'head', outputs) }), features }
  },
  group(layer) {
    const [, number] = /^encoder\.layer\.(\d+)\./.exec(layer) ?? []
    return number ? `layer ${Number(number) + 1}` : layer.startsWith('embeddings') ? 'embeddings' : layer === 'norm' ? 'norm' : 'head'
  },
  checkpointName: (weight) => weight.startsWith('head.') ? weight.replace('head', 'classifier') : `vit.${weight
    .replace('embeddings.projection.', 'embeddings.patch_embeddings.projection.').replace('embeddings.class.', 'embeddings.').replace('embeddings.positions.', 'embeddings.')
    .replace('.attention.output.LayerNorm.', '.layernorm_before.').replace('.output.LayerNorm.', '.layernorm_after.').replace('.attention.self.', '.attention.attention.').replace(/^norm\./, 'layernorm.')}`,
  readConfig: (json) => json['model_type'] === 'vit' ? json : undefined,
  published: (config) => ({ config: { ...config, model_type: 'vit', architectures: ['ViTForImageClassification'] }, prefix: '', head: 'classifier' }),
  preprocessing: ({ image_size: size }) => imagePreprocessing(size, { mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5] }),
}
