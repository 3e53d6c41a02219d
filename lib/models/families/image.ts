// What all image families share: their input, their preprocessing and the rules for sizes.
import * as tf from '@tensorflow/tfjs'
import type { ImagePreprocessing } from '../../data/index.js'
import { ModelError } from '../errors.js'

export const imageInput = (size: number): tf.SymbolicTensor => tf.input({ shape: [size, size, 3], name: 'images' })

export function positiveSize(size: unknown, least: number): number {
  if (!Number.isSafeInteger(size) || (size as number) < least || (size as number) > 4096) throw new ModelError(`Cannot use images of ${String(size)} pixels: imageSize must be a whole number from ${least} to 4096.`)
  return size as number
}

/** `scale` works on pixel values 0 … 255. */
export function imagePreprocessing(size: number, scale: { mean: number[]; std: number[] }, interpolation: 'bilinear' | 'bicubic' = 'bilinear'): ImagePreprocessing {
  return { kind: 'image', height: size, width: size, channels: 3, scale, interpolation, fit: 'crop' }
}

/** ImageNet's mean and deviation, as torchvision's weights want them. */
export const imagenetScale = { mean: [0.485, 0.456, 0.406].map((v) => v * 255), std: [0.229, 0.224, 0.225].map((v) => v * 255) }
