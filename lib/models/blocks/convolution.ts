// Convolution → batch norm → activation, the brick of every image family, with TensorFlow's or PyTorch's padding.
import * as tf from '@tensorflow/tfjs'
import { BatchNorm, type Statistics } from './batch-norm.js'
import type { Symbolic } from './layer.js'
import { lateZeros } from './zeros.js'

export type { Symbolic }

/** What the layers of one image network share. */
export interface ConvolutionStyle {
  /** 'same' is TensorFlow's (an odd pixel goes to the bottom and right), 'symmetric' PyTorch's `padding: kernel // 2`. */
  padding: 'same' | 'symmetric'
  epsilon: number
  momentum: number
  statistics: Statistics
}

export interface Convolution { name: string; /** Layer name of the batch norm. */ norm: string; /** Absent: depthwise. */ filters?: number; kernel: number; stride?: number; activation?: 'relu' | 'relu6' }

/** Pads by kernel // 2 on each side where 'same' would not do that. */
function padded(x: Symbolic, { name, kernel, stride = 1 }: Convolution, style: ConvolutionStyle): { x: Symbolic; padding: 'same' | 'valid' } {
  if (style.padding === 'same' || kernel === 1 || stride === 1) return { x, padding: 'same' }
  const pad = Math.floor(kernel / 2)
  return { x: tf.layers.zeroPadding2d({ name: `${name}.padding`, padding: [[pad, pad], [pad, pad]] as never }).apply(x) as Symbolic, padding: 'valid' }
}

/** `[b, h, w, c]` → `[b, h / stride, w / stride, filters]`, without a bias in front of the batch norm. */
export function convolution(input: Symbolic, o: Convolution, style: ConvolutionStyle): Symbolic {
  const { x, padding } = padded(input, o, style)
  const common = { name: o.name, kernelSize: o.kernel, strides: o.stride ?? 1, padding, useBias: false } as const
  const layer = o.filters === undefined
    ? tf.layers.depthwiseConv2d({ ...common, depthwiseInitializer: lateZeros() })
    : tf.layers.conv2d({ ...common, filters: o.filters, kernelInitializer: lateZeros() })
  const y = new BatchNorm({ name: o.norm, ...style }).apply(layer.apply(x)) as Symbolic
  return o.activation ? activation(y, o.activation, `${o.name}.${o.activation}`) : y
}

export const activation = (x: Symbolic, kind: 'relu' | 'relu6', name: string): Symbolic => tf.layers.activation({ name, activation: kind }).apply(x) as Symbolic

export const sum = (a: Symbolic, b: Symbolic, name: string): Symbolic => tf.layers.add({ name }).apply([a, b]) as Symbolic

/** `[b, h, w, c]` → `[b, c]` */
export const meanOverPixels = (x: Symbolic, name: string): Symbolic => tf.layers.globalAveragePooling2d({ name, dataFormat: 'channelsLast' }).apply(x) as Symbolic
