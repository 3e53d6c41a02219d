// A small convolutional network to train from scratch: the honest rival of every pre-trained model on little or unusual data.
//
//   image [s, s, 3] ─► 4 × (3×3 convolution ─► norm ─► relu ─► 2×2 max) with 32, 64, 128, 128 channels ─► mean ─► dropout ─► head
//
import * as tf from '@tensorflow/tfjs'
import { convolution, meanOverPixels, type Symbolic } from '../blocks/convolution.js'
import { Dense } from '../blocks/dense.js'
import { Dropout } from '../blocks/dropout.js'
import { ModelError } from '../errors.js'
import type { Family } from '../family.js'
import { imageInput, imagePreprocessing, positiveSize } from './image.js'

interface SmallCNNConfig { channels: number[]; image_size: number; dropout: number }

export const smallCNN: Family<SmallCNNConfig> = {
  name: 'small-cnn',
  title: 'Small CNN',
  inputs: 'image',
  fromScratch: true,
  head: 'head',
  configure({ imageSize, given }) {
    const config = { channels: [32, 64, 128, 128], dropout: 0.2, image_size: 64, ...given }
    if (!Array.isArray(config.channels) || config.channels.length === 0 || !config.channels.every((n) => Number.isSafeInteger(n) && n > 0)) throw new ModelError(`Cannot build a small CNN with channels ${JSON.stringify(config.channels)}: give one positive whole number for each block, such as [32, 64, 128].`)
    return { ...config, image_size: positiveSize(imageSize ?? config.image_size, 2 ** config.channels.length) }
  },
  build(config, { outputs, statistics }) {
    const input = imageInput(config.image_size)
    let x: Symbolic = input
    config.channels.forEach((filters, i) => {
      x = convolution(x, { name: `blocks.${i}.conv`, norm: `blocks.${i}.bn`, filters, kernel: 3, activation: 'relu' }, { padding: 'same', epsilon: 1e-5, momentum: 0.1, statistics })
      x = tf.layers.maxPooling2d({ name: `blocks.${i}.pool`, poolSize: 2, strides: 2 }).apply(x) as Symbolic
    })
    const features = meanOverPixels(x, 'pool')
    const dropped = new Dropout({ name: 'dropout', rate: config.dropout }).apply(features)
    const logits = new Dense({ name: 'head', units: outputs }).apply(dropped) as Symbolic
    return { network: tf.model({ name: 'small-cnn', inputs: input, outputs: logits }), features }
  },
  group: (layer) => {
    const block = /^blocks\.(\d+)\./.exec(layer)
    return block ? `block ${Number(block[1]) + 1}` : 'head'
  },
  checkpointName: (weight) => weight,
  preprocessing: ({ image_size: size }) => imagePreprocessing(size, { mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5] }),
}
