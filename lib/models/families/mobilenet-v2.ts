// MobileNetV2 (Sandler et al. 2018) with torchvision's names and padding.
//
//   image [s, s, 3] ─► stem 3×3/2, 32 ─► block 1 … block 17 (inverted residuals in 7 stages) ─► top 1×1, 1280 ─► mean ─► dropout ─► head
//
// Checkpoints: torchvision's mobilenet_v2. Pixels are scaled by ImageNet's mean and deviation.
import * as tf from '@tensorflow/tfjs'
import { Dense } from '../blocks/dense.js'
import { Dropout } from '../blocks/dropout.js'
import { mobileBackbone, mobileGroup, type MobileConfig, type Stage } from '../blocks/inverted-residual.js'
import type { Family } from '../family.js'
import { imageInput, imagePreprocessing, imagenetScale, positiveSize } from './image.js'

interface MobileNetConfig extends MobileConfig { image_size: number; dropout: number; norm: { epsilon: number; momentum: number } }

const stages: Stage[] = [
  { repeats: 1, kernel: 3, stride: 1, expand: 1, filters: 16 },
  { repeats: 2, kernel: 3, stride: 2, expand: 6, filters: 24 },
  { repeats: 3, kernel: 3, stride: 2, expand: 6, filters: 32 },
  { repeats: 4, kernel: 3, stride: 2, expand: 6, filters: 64 },
  { repeats: 3, kernel: 3, stride: 1, expand: 6, filters: 96 },
  { repeats: 3, kernel: 3, stride: 2, expand: 6, filters: 160 },
  { repeats: 1, kernel: 3, stride: 1, expand: 6, filters: 320 },
]
const blocks = ({ stages: all }: MobileConfig) => all.flatMap(({ repeats, ...stage }) => Array<Omit<Stage, 'repeats'>>(repeats).fill(stage))

export const mobileNetV2: Family<MobileNetConfig> = {
  name: 'mobilenet-v2',
  title: 'MobileNetV2',
  inputs: 'image',
  head: 'head',
  configure({ imageSize, given }) {
    const config = { stem: 32, stages, top: 1280, dropout: 0.2, image_size: 224, norm: { epsilon: 1e-5, momentum: 0.1 }, ...given }
    return { ...config, image_size: positiveSize(imageSize ?? config.image_size, 8) }
  },
  build(config, { outputs, statistics }) {
    const input = imageInput(config.image_size)
    const features = mobileBackbone(input, config, { padding: 'symmetric', ...config.norm, statistics })
    const dropped = new Dropout({ name: 'dropout', rate: config.dropout }).apply(features)
    const logits = new Dense({ name: 'head', units: outputs }).apply(dropped) as tf.SymbolicTensor
    return { network: tf.model({ name: 'mobilenet-v2', inputs: input, outputs: logits }), features }
  },
  group: mobileGroup,
  checkpointName,
  recognize(weights) {
    const stem = weights.get('features.0.0.weight'), top = weights.get('features.18.0.weight')
    const plain = stages.flatMap(({ repeats, filters }) => Array<number>(repeats).fill(filters))
    const project = (block: number) => weights.get(`features.${block + 1}.conv.${block === 0 ? 1 : 2}.weight`)?.shape[0]
    return stem?.shape[0] === 32 && top?.shape[0] === 1280 && plain.every((n, block) => project(block) === n) ? {} : undefined
  },
  preprocessing: ({ image_size: size }) => imagePreprocessing(size, imagenetScale),
}

/** 'blocks.3.expand.conv.weight' → 'features.4.conv.0.0.weight'; a block without expansion counts one place less. */
function checkpointName(weight: string, config: MobileNetConfig): string {
  const [, number, part, leaf] = /^(?:blocks\.(\d+)\.)?(.+)\.(\w+)$/.exec(weight)!
  const all = blocks(config)
  if (number === undefined) return `${{ 'stem.conv': 'features.0.0', 'stem.bn': 'features.0.1', 'top.conv': `features.${all.length + 1}.0`, 'top.bn': `features.${all.length + 1}.1`, head: 'classifier.1' }[part!]}.${leaf}`
  const expands = all[Number(number)]!.expand !== 1 ? 1 : 0
  const place = { 'expand.conv': '0.0', 'expand.bn': '0.1', 'depthwise.conv': `${expands}.0`, 'depthwise.bn': `${expands}.1`, 'project.conv': `${expands + 1}`, 'project.bn': `${expands + 2}` }[part!]
  return `features.${Number(number) + 1}.conv.${place}.${leaf}`
}
