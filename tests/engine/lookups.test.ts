// Tables of which a step updates only the rows that it looks up: torch.optim.SparseAdam's trajectory, on every rung; what stays, and what it costs.
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { type Engine, type OptimizerSpec, recordTrainStep, type Rung, startEngine, type TrainStepOptions } from '../../lib/engine/index.js'
import { fixture, largestDifference, tensor } from './support/fixtures.js'

jest.setTimeout(60_000) // the machine may be busy

let engine: Engine
beforeAll(() => { engine = startEngine() })
afterEach(() => {
  tf.disposeVariables()
  expect([tf.memory().numTensors, engine.numTensors()]).toEqual([0, 0])
})

const stored = fixture('gradients')
const idsOf = (step: number) => tf.tensor2d([...stored['sparse_adam/ids']!.values].slice(12 * step, 12 * step + 12), [4, 3], 'int32')

/** Six steps on the fixture's lookups. */
function train(optimizer: OptimizerSpec, sparse: boolean, rate: number, options: Partial<TrainStepOptions> = {}, also?: (table: tf.Tensor) => tf.Tensor) {
  const table = tf.tidy(() => tf.variable(tensor(stored['sparse_adam/start']!))), target = tensor(stored['sparse_adam/target']!), notes: string[] = []
  const step = recordTrainStep({
    optimizer, groups: [{ name: 'table', variables: [table], sparse }], onNote: (text) => notes.push(text),
    loss: ({ ids }) => {
      const loss = tf.mean(tf.squaredDifference(tf.gather(table as tf.Tensor, ids as tf.Tensor2D), target))
      return { loss: (also ? tf.add(loss, also(table)) : loss) as tf.Scalar }
    }, ...options,
  })
  const losses = [0, 1, 2, 3, 4, 5].map((i) => {
    const ids = idsOf(i), { loss } = step.run({ ids }, { step: i + 1, learningRate: rate })
    ids.dispose()
    return loss
  })
  const slots = step.slots(), end = table.dataSync().slice(), { rung, operations } = step
  const kept = Object.fromEntries(Object.entries(slots).map(([name, slot]) => [name.slice(name.lastIndexOf('/') + 1), slot.dataSync().slice()]))
  step.dispose()
  tf.dispose([target, table, slots])
  expect(notes).toEqual([])
  return { losses, end, slots: kept, rung, operations }
}

describe.each<Rung>(['tensorflow', 'tensorflow.js', 'op by op'])('%s', (rung) => {
  test("Adam goes torch.optim.SparseAdam's way", () => {
    const { losses, end, rung: used } = train({ name: 'adam' }, true, 0.05, { rung })
    expect(used).toBe(rung)
    expect(largestDifference(losses, stored['sparse_adam/losses']!.values)).toBeLessThan(1e-5)
    expect(largestDifference(end, stored['sparse_adam/end']!.values)).toBeLessThan(1e-5)
  })
  test('plain SGD is the same as over the whole table; with momentum, decay, clipping and accumulation the rungs agree', () => {
    expect(largestDifference(train({ name: 'sgd' }, true, 0.5, { rung }).end, train({ name: 'sgd' }, false, 0.5, { rung }).end)).toBeLessThan(1e-6)
    for (const [optimizer, options] of [[{ name: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0.1 }, {}], [{ name: 'adamw', weightDecay: 0.1 }, { clipNorm: 0.1 }], [{ name: 'adamw' }, { accumulate: 2 }], [{ name: 'adamw' }, { average: 0.9 }]] satisfies [OptimizerSpec, Partial<TrainStepOptions>][]) {
      const [mine, other] = [train(optimizer, true, 0.05, { rung, ...options }), train(optimizer, true, 0.05, { rung: 'op by op', ...options })]
      expect(largestDifference(mine.end, other.end)).toBeLessThan(2e-6)
    }
  })
  test('the table may be used in other ways as well', () => {
    const also = (table: tf.Tensor) => tf.mean(tf.square(tf.matMul(table as tf.Tensor2D, tf.slice(table, [0, 0], [2, 4]) as tf.Tensor2D, false, true)))
    const [mine, other] = [train({ name: 'adamw' }, true, 0.05, { rung }, also), train({ name: 'adamw' }, false, 0.05, { rung }, also)]
    expect(largestDifference(mine.end, other.end)).toBeLessThan(2e-5)                    // every row has a gradient
  })
})

test('rows that are not looked up keep their values and slots; without `sparse` AdamW decays them', () => {
  const seen = new Set(stored['sparse_adam/ids']!.values.slice(0, 12)), start = stored['sparse_adam/start']!.values
  for (const sparse of [true, false]) {
    const table = tf.tidy(() => tf.variable(tensor(stored['sparse_adam/start']!))), ids = idsOf(0)
    const step = recordTrainStep({ groups: [{ name: 'table', variables: [table], sparse, weightDecay: 0.1 }], loss: ({ ids }) => ({ loss: tf.mean(tf.square(tf.gather(table as tf.Tensor, ids as tf.Tensor2D))) as tf.Scalar }) })
    step.run({ ids }, { step: 1, learningRate: 0.1 })
    const values = table.dataSync()
    for (let row = 0; row < 11; row++) for (let i = 0; i < 4; i++) if (!seen.has(row)) expect(values[4 * row + i] === start[4 * row + i]).toBe(sparse)
    expect([...seen].every((row) => values[4 * row] !== start[4 * row])).toBe(true)
    step.dispose()
    tf.dispose([table, ids])
  }
})

test('of a large table only the rows at work are touched: no gradient of all of it, no copy, and steps that do not grow with it', () => {
  const time = (rows: number, sparse: boolean) => {
    const table = tf.tidy(() => tf.variable(tf.fill([rows, 32], 0.5))), ids = tf.tensor1d([5, 1, 5, 77], 'int32'), before = process.resourceUsage().maxRSS
    const step = recordTrainStep({ groups: [{ name: 'table', variables: [table], sparse }], loss: ({ ids }) => ({ loss: tf.mean(tf.square(tf.gather(table as tf.Tensor, ids as tf.Tensor1D))) as tf.Scalar }) })
    for (const i of [1, 2, 3]) step.run({ ids }, { step: i, learningRate: 0.1 })
    const grown = (process.resourceUsage().maxRSS - before) / 1024, began = performance.now()
    for (let i = 4; i < 14; i++) step.run({ ids }, { step: i, learningRate: 0.1 })
    const took = performance.now() - began
    step.dispose()
    tf.dispose([table, ids])
    return { took, grown }
  }
  time(1000, true)
  const few = time(400_000, true), all = time(400_000, false)                            // 49 MiB, and as much for each of two slots
  expect(few.took).toBeLessThan(all.took / 4)
  expect(few.grown).toBeLessThan(220)
})

test('Adafactor and numbers without rows are refused', () => {
  const w = tf.tidy(() => tf.variable(tf.ones([3, 2]))), one = tf.tidy(() => tf.variable(tf.scalar(1))), loss = () => ({ loss: tf.sum(w) as tf.Scalar })
  expect(() => recordTrainStep({ optimizer: { name: 'adafactor' }, groups: [{ name: 'all', variables: [w], sparse: true }], loss })).toThrow(/Cannot update the group "all" by rows: Adafactor/)
  expect(() => recordTrainStep({ groups: [{ name: 'all', variables: [one], sparse: true }], loss })).toThrow(/by rows: it has none/)
  tf.dispose([w, one])
})
