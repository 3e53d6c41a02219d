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
