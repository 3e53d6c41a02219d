// Random numbers inside a step: TensorFlow's stateless ops with (seed, step) and the order of the draw. No state, no JavaScript loops.
import * as tf from '@tensorflow/tfjs'
import { AttributeKind } from './attributes.js'
import type { Backend } from './backend.js'
import { DType } from './dtypes.js'
import { EngineError } from './errors.js'
import type { StepRandom } from './types.js'

/** Spreads consecutive draws over the seeds (2³² / golden ratio, odd). */
const golden = 0x9e3779b1 | 0

/** @param key int32 tensor [seed, step] */
export function stepRandom(backend: Backend, key: tf.Tensor): StepRandom {
  let draws = 0
  const draw = (op: string, shape: number[]) => tf.tidy(() => {
    const bad = shape.find((length) => !Number.isInteger(length) || length < 0)
    if (bad !== undefined) throw new EngineError(`Cannot draw random numbers of shape [${shape}]: every length must be a whole number of at least 0: got ${bad}.`)
    const own = tf.add(key, tf.tensor1d([Math.imul(++draws, golden), draws], 'int32'))
    const type = (name: string, value: number) => ({ name, type: AttributeKind.type, value })
    return backend.executeSingleOutput(op, [type('dtype', DType.float32), type('T', DType.int32), type('Tseed', DType.int32)], [tf.tensor1d(shape, 'int32'), own])
  })
  const uniform = (shape: number[], min = 0, max = 1) => tf.tidy(() => {
    const unit = draw('StatelessRandomUniform', shape)
    return min === 0 && max === 1 ? unit : tf.add(tf.mul(unit, max - min), min)
  })
  return {
    uniform,
    normal: (shape, mean = 0, std = 1) => tf.tidy(() => {
      const unit = draw('StatelessRandomNormal', shape)
      return mean === 0 && std === 1 ? unit : tf.add(tf.mul(unit, std), mean)
    }),
    dropout(x, rate) {
      if (!(rate >= 0 && rate < 1)) throw new EngineError(`Cannot drop out a share of ${rate}: it must be at least 0 and below 1.`)
      if (rate === 0) return x.clone()
      return tf.tidy(() => tf.mul(x, tf.mul(tf.cast(tf.greaterEqual(uniform(x.shape), rate), 'float32'), 1 / (1 - rate)))) as typeof x
    },
  }
}

let current: StepRandom | undefined

/** While f runs, TensorFlow.js' own dropout and random tensors (also those of its layers) draw from `random`. */
export function withRandom<T>(random: StepRandom, f: () => T): T {
  const before = current
  current = random
  try {
    return f()
  } finally {
    current = before
  }
}

type Exports = Record<'dropout' | 'randomUniform' | 'randomNormal', (...values: never[]) => tf.Tensor>

/**
 * TensorFlow.js draws in JavaScript loops, which are slow and cannot be recorded. Its layers look these functions up in
 * tfjs-core when they are called; inside a step they find ours. Elsewhere nothing changes.
 */
export function redirectRandom(core: Exports): void {
  const { dropout, randomUniform, randomNormal } = core
  const stateless = (dtype: string | undefined) => dtype === undefined || dtype === 'float32'
  core.dropout = ((x: tf.Tensor, rate: number, noiseShape?: number[], seed?: number) => {
    if (!current || seed !== undefined || !(x instanceof tf.Tensor)) return (dropout as (...values: unknown[]) => tf.Tensor)(x, rate, noiseShape, seed)
    const random = current
    return noiseShape ? tf.tidy(() => tf.mul(x, random.dropout(tf.ones(noiseShape), rate))) : random.dropout(x, rate)
  }) as Exports['dropout']
  core.randomUniform = ((shape: number[], min?: number, max?: number, dtype?: string, seed?: number) =>
    current && seed === undefined && stateless(dtype) ? current.uniform(shape, min, max) : (randomUniform as (...values: unknown[]) => tf.Tensor)(shape, min, max, dtype, seed)) as Exports['randomUniform']
  core.randomNormal = ((shape: number[], mean?: number, std?: number, dtype?: string, seed?: number) =>
    current && seed === undefined && stateless(dtype) ? current.normal(shape, mean, std) : (randomNormal as (...values: unknown[]) => tf.Tensor)(shape, mean, std, dtype, seed)) as Exports['randomNormal']
}
