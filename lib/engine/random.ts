// Random numbers inside a step: TensorFlow's stateless ops with (seed, step) and the order of the draw. No state, no JavaScript loops.
import * as tf from '@tensorflow/tfjs'
import { AttributeKind } from './attributes.js'
import type { Backend } from './backend.js'
import { DType } from './dtypes.js'
import { EngineError } from './errors.js'
import type { StepRandom } from './types.js'

/** Spreads consecutive draws over the seeds (2³² / golden ratio, odd). */
const golden = 0x9e3779b1 | 0

/** One worker's part of a step's rows: draws over rows are its part of what one worker with all rows would draw. */
export interface RowShare { rank: number; size: number; rows: number }

/** @param key int32 tensor [seed, step] */
export function stepRandom(backend: Backend, key: tf.Tensor, share?: RowShare): StepRandom {
  let draws = 0
  const draw = (op: string, shape: number[]) => tf.tidy(() => {
    const bad = shape.find((length) => !Number.isInteger(length) || length < 0)
    if (bad !== undefined) throw new EngineError(`Cannot draw random numbers of shape [${shape}]: every length must be a whole number of at least 0: got ${bad}.`)
    const own = tf.add(key, tf.tensor1d([Math.imul(++draws, golden), draws], 'int32'))
    const type = (name: string, value: number) => ({ name, type: AttributeKind.type, value })
    const numbers = (of: number[]) => backend.executeSingleOutput(op, [type('dtype', DType.float32), type('T', DType.int32), type('Tseed', DType.int32)], [tf.tensor1d(of, 'int32'), own])
    const [lead = 0, ...rest] = shape
    if (!share || !share.rows || lead === 0 || lead % share.rows !== 0) return numbers(shape)
    const skipped = partOf(backend, op, shape, own, share)
    return skipped ?? tf.slice(numbers([lead * share.size, ...rest]), [lead * share.rank, ...rest.map(() => 0)], shape)
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

/** Numbers that one step of Philox' counter makes (Salmon et al. 2011), and TensorFlow's name for the algorithm. */
const perCount = 4, philox = 1

/** The same draw for all rows, from where this worker's rows begin; undefined where they do not begin with a new count. */
function partOf(backend: Backend, op: string, shape: number[], seed: tf.Tensor, { rank }: RowShare): tf.Tensor | undefined {
  const before = rank * shape.reduce((size, length) => size * length, 1)
  if (before % perCount !== 0 || before / perCount > 0x7fffffff) return undefined
  const { runtime } = backend, type = (name: string, value: number) => ({ name, type: AttributeKind.type, value })
  const made = [runtime.create([2], DType.uint64, [before / perCount, 0]), runtime.create([], DType.int32, [philox]), runtime.create([shape.length], DType.int32, Int32Array.from(shape))]
  const [skip, algorithm, dims] = made as [number, number, number]
  const [key, counter] = runtime.execute('StatelessRandomGetKeyCounter', [type('Tseed', DType.int32)], backend.getInputTensorIds([seed]), 2).map(({ id }) => id) as [number, number]
  const from = runtime.execute('AddV2', [type('T', DType.uint64)], [counter, skip], 1)[0]!.id
  const [drawn] = runtime.execute(`${op}V2`, [type('dtype', DType.float32), type('Tshape', DType.int32)], [dims, key, from, algorithm], 1)
  for (const id of [...made, key, counter, from]) runtime.delete(id)
  return backend.createOutputTensor(drawn!)
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
