// ResNet 18, 34, 50, 101 and 152 (He et al. 2016) with torchvision's names.
//
//   image [s, s, 3] ─► stem 7×7/2, 64 ─► max 3×3/2 ─► layer 1 … layer 4 (residual blocks, 64 to 512 channels) ─► mean ─► head
//
// Checkpoints: torchvision's resnet18 … resnet152. Pixels are scaled by ImageNet's mean and deviation.
import * as tf from '@tensorflow/tfjs'
import { convolution, meanOverPixels, type Symbolic } from '../blocks/convolution.js'
import { Dense } from '../blocks/dense.js'
import { residual, type Residual } from '../blocks/residual.js'
import type { Family } from '../family.js'
import { imageInput, imagePreprocessing, imagenetScale, positiveSize } from './image.js'

interface ResNetConfig { block: Residual['kind']; depths: number[]; widths: number[]; stem: { filters: number; kernel: number; stride: number }; image_size: number }

const sizes: Record<number, [Residual['kind'], number[]]> = {
  18: ['basic', [2, 2, 2, 2]], 34: ['basic', [3, 4, 6, 3]], 50: ['bottleneck', [3, 4, 6, 3]], 101: ['bottleneck', [3, 4, 23, 3]], 152: ['bottleneck', [3, 8, 36, 3]],
}

/** PyTorch's `MaxPool2d(3, 2, 1)`: a border below every value, then windows without padding of their own. */
function pool(x: Symbolic): Symbolic {
  // After relu nothing is below 0, so a border of zeros never wins against a real value.
  const padded = tf.layers.zeroPadding2d({ name: 'stem.pool.padding', padding: [[1, 1], [1, 1]] as never }).apply(x)
  return tf.layers.maxPooling2d({ name: 'stem.pool', poolSize: 3, strides: 2, padding: 'valid' }).apply(padded) as Symbolic
}

function resNet(size: number): Family<ResNetConfig> {
  const [block, depths] = sizes[size]!
  return {
    name: `resnet${size}`,
    title: `ResNet-${size}`,
    inputs: 'image',
    head: 'fc',
    configure({ imageSize, given }) {
      const config = { block, depths, widths: [64, 128, 256, 512], stem: { filters: 64, kernel: 7, stride: 2 }, image_size: 224, ...given }
      return { ...config, image_size: positiveSize(imageSize ?? config.image_size, 16) }
    },
    build(config, { outputs, statistics }) {
      const style = { padding: 'symmetric', epsilon: 1e-5, momentum: 0.1, statistics } as const
      const input = imageInput(config.image_size)
      let x = pool(convolution(input, { name: 'conv1', norm: 'bn1', ...config.stem, activation: 'relu' }, style))
      config.depths.forEach((depth, layer) => {
        for (let i = 0; i < depth; i++) x = residual(x, { name: `layer${layer + 1}.${i}`, filters: config.widths[layer]!, stride: layer > 0 && i === 0 ? 2 : 1, kind: config.block }, style)
      })
      const features = meanOverPixels(x, 'pool')
      const logits = new Dense({ name: 'fc', units: outputs }).apply(features) as Symbolic
      return { network: tf.model({ name: `resnet${size}`, inputs: input, outputs: logits }), features }
    },
    group(layer) {
      const [, stage, index] = /^layer(\d+)\.(\d+)\./.exec(layer) ?? []
      return stage ? `layer ${stage}, block ${Number(index) + 1}` : layer.startsWith('fc') ? 'head' : 'stem'
    },
    checkpointName: (weight) => weight,
    recognize(weights) {
      const has = (layer: number, i: number) => weights.has(`layer${layer + 1}.${i}.conv${block === 'basic' ? 2 : 3}.weight`)
      const kind = weights.has('layer1.0.conv3.weight') ? 'bottleneck' : 'basic'
      const matches = kind === block && weights.has('fc.weight') && depths.every((depth, layer) => has(layer, depth - 1) && !has(layer, depth))
      return matches ? {} : undefined
    },
    preprocessing: ({ image_size: pixels }) => imagePreprocessing(pixels, imagenetScale),
  }
}

export const resNets = Object.keys(sizes).map(Number).map(resNet)
