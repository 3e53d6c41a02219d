// What a recording sounds like in 242 numbers, without a model, and the bits that find nearly equal ones.
import { mix, normal, randomStream } from '../random.js'
import { logMel } from './mel.js'

const bands = 40, stretches = 6

export interface SoundPrint { /** 40 bands in 6 stretches, loudness taken out. */ shape: Float32Array; /** The shape, the loudness, and the length on a log scale. */ features: Float32Array }

/** Mean log-mel bands between 60 Hz and 3.6 kHz over sixths of the recording; at most its first five minutes. */
export function soundFeatures(all: Float32Array, rate: number): SoundPrint {
  const samples = all.subarray(0, rate * 300), window = Math.max(16, Math.round(rate * 0.032)), fft = 2 ** Math.ceil(Math.log2(window))
  const padded = samples.length > fft ? samples : Float32Array.from({ length: fft + 1 }, (_, i) => samples[i] ?? 0)
  const { data, frames } = logMel(padded, rate, { type: 'log-mel', fft, window, hop: Math.max(8, Math.round(rate * 0.01)), bands, lowest: Math.min(60, rate / 8), highest: Math.min(3600, rate * 0.45), floor: 1e-5 })
  const shape = new Float32Array(bands * stretches)
  for (let stretch = 0; stretch < stretches; stretch++) {
    const first = Math.min(frames - 1, Math.floor((stretch * frames) / stretches)), end = Math.max(first + 1, Math.floor(((stretch + 1) * frames) / stretches))
    for (let frame = first; frame < end; frame++) for (let band = 0; band < bands; band++) shape[stretch * bands + band]! += data[frame * bands + band]! / (end - first)
  }
  const level = shape.reduce((sum, value) => sum + value, 0) / shape.length
  for (let i = 0; i < shape.length; i++) shape[i]! -= level
  return { shape, features: Float32Array.from([...shape, level, Math.log(samples.length / rate)]) }
}

let planes: Float32Array | undefined

/** SimHash (Charikar 2002): on which side of 63 random planes the shape lies. */
export function soundHash(shape: Float32Array): readonly [number, number] {
  if (planes?.length !== shape.length * 63) {
    const random = randomStream(mix(63))
    planes = Float32Array.from({ length: shape.length * 63 }, () => normal(random))
  }
  const side = (plane: number) => {
    let sum = 0
    for (let i = 0, at = plane * shape.length; i < shape.length; i++, at++) sum += planes![at]! * shape[i]!
    return sum > 0 ? 1 : 0
  }
  let low = 0, high = 0
  for (let i = 0; i < 32; i++) low |= side(i) << i
  for (let i = 0; i < 31; i++) high |= side(32 + i) << i
  return [low, high]
}
