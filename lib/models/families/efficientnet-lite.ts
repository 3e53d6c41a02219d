// EfficientNet-Lite 0 to 4: EfficientNet without squeeze-and-excitation, relu6 throughout (github.com/tensorflow/tpu, efficientnet/lite).
//
//   image [s, s, 3] ─► stem 3×3/2, 32 ─► block 1 … block 16 (inverted residuals in 7 stages) ─► top 1×1, 1280 ─► mean ─► dropout ─► head
//
// Weight names are those of the PyPI package efficientnet-lite-pytorch. Padding is TensorFlow's SAME; pixels come as (v − 127) / 128.
import * as tf from '@tensorflow/tfjs'
import { mobileBackbone, mobileGroup, type MobileConfig, type Stage } from '../blocks/inverted-residual.js'
import { Dense } from '../blocks/dense.js'
import { Dropout } from '../blocks/dropout.js'
import type { Family } from '../family.js'
import { imageInput, imagePreprocessing, positiveSize } from './image.js'

interface EfficientNetLiteConfig extends MobileConfig { image_size: number; dropout: number }

const stages: readonly Stage[] = [
  { repeats: 1, kernel: 3, stride: 1, expand: 1, filters: 16 },
  { repeats: 2, kernel: 3, stride: 2, expand: 6, filters: 24 },
  { repeats: 2, kernel: 5, stride: 2, expand: 6, filters: 40 },
  { repeats: 3, kernel: 3, stride: 2, expand: 6, filters: 80 },
  { repeats: 3, kernel: 5, stride: 1, expand: 6, filters: 112 },
  { repeats: 4, kernel: 5, stride: 2, expand: 6, filters: 192 },
  { repeats: 1, kernel: 3, stride: 1, expand: 6, filters: 320 },
]
/** Width and depth multipliers, image size and dropout of each size. */
const sizes = [[1, 1, 224, 0.2], [1, 1.1, 240, 0.2], [1.1, 1.2, 260, 0.3], [1.2, 1.4, 280, 0.3], [1.4, 1.8, 300, 0.3]] as const

/** Channels go to the nearest multiple of 8, never down by more than a tenth. */
function roundFilters(filters: number, width: number): number {
  const wanted = filters * width, rounded = Math.max(8, Math.floor((wanted + 4) / 8) * 8)
  return rounded < 0.9 * wanted ? rounded + 8 : rounded
}

function scaled(width: number, depth: number): Stage[] {
  return stages.map((stage, i) => ({ ...stage, filters: roundFilters(stage.filters, width), repeats: i === 0 || i === stages.length - 1 ? stage.repeats : Math.ceil(stage.repeats * depth) }))
}

function liteFamily(size: number): Family<EfficientNetLiteConfig> {
  const [width, depth, imageSize, dropout] = sizes[size]!
  return {
    name: `efficientnet-lite${size}`,
    title: `EfficientNet-Lite${size}`,
    inputs: 'image',
    head: 'head',
    configure: ({ imageSize: wanted, given }) => {
      const config = { stem: 32, stages: scaled(width, depth), top: 1280, dropout, image_size: imageSize, ...given }
      return { ...config, image_size: positiveSize(wanted ?? config.image_size, 8) }
    },
    build(config, { outputs, statistics }) {
      const input = imageInput(config.image_size)
      const features = mobileBackbone(input, config, { padding: 'same', epsilon: 1e-3, momentum: 0.01, statistics })
      const dropped = new Dropout({ name: 'dropout', rate: config.dropout }).apply(features)
      const logits = new Dense({ name: 'head', units: outputs }).apply(dropped) as tf.SymbolicTensor
      return { network: tf.model({ name: `efficientnet-lite${size}`, inputs: input, outputs: logits }), features }
    },
    group: mobileGroup,
    checkpointName,
    recognize(weights) {
      const stem = weights.get('_conv_stem.weight'), fc = weights.get('_fc.weight')
      if (!stem || !fc) return undefined
      const filters = (stage: Stage[]) => stage.flatMap(({ repeats, filters: n }) => Array<number>(repeats).fill(n))
      const expected = filters(scaled(width, depth))
      const matches = expected.every((n, block) => weights.get(`_blocks.${block}._project_conv.weight`)?.shape[0] === n)
      return matches && !weights.has(`_blocks.${expected.length}._project_conv.weight`) ? {} : undefined
    },
    preprocessing: ({ image_size: pixels }) => imagePreprocessing(pixels, { mean: [127, 127, 127], std: [128, 128, 128] }, 'bicubic'),
  }
}

/** 'blocks.3.expand.conv.weight' → '_blocks.3._expand_conv.weight' */
function checkpointName(weight: string): string {
  const [, block, part, leaf] = /^(?:blocks\.(\d+)\.)?(.+)\.(\w+)$/.exec(weight)!
  const inside = block === undefined
    ? { 'stem.conv': '_conv_stem', 'stem.bn': '_bn0', 'top.conv': '_conv_head', 'top.bn': '_bn1', head: '_fc' }[part!]
    : { 'expand.conv': '_expand_conv', 'expand.bn': '_bn0', 'depthwise.conv': '_depthwise_conv', 'depthwise.bn': '_bn1', 'project.conv': '_project_conv', 'project.bn': '_bn2' }[part!]
  return `${block === undefined ? '' : `_blocks.${block}.`}${inside}.${leaf}`
}

export const efficientNetLite = sizes.map((_, size) => liteFamily(size))
