// Recorded steps as their users see them: variables, clones, randomness, shapes, state, slots, refusals, and what is left behind.
import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { type Engine, EngineError, recordFunction, recordTrainStep, type Rung, startEngine, type StepOptions, type TensorMap, type TrainStepOptions } from '../../lib/engine/index.js'

jest.setTimeout(60_000) // the machine may be busy

let engine: Engine, before: number[]
const alive = () => [tf.memory().numTensors, engine.numTensors()]
beforeAll(() => { engine = startEngine() })
beforeEach(() => { before = alive() })
afterEach(() => {
  tf.disposeVariables()
  expect(alive()).toEqual(before)
})

const rungs: Rung[] = ['tensorflow', 'tensorflow.js', 'op by op']
const variable = (shape: number[], seed = 1) => tf.tidy(() => tf.variable(tf.randomNormal(shape, 0, 0.5, 'float32', seed)))
const at = (step: number, learningRate = 0.1): StepOptions => ({ step, learningRate })

/** Linear regression on 16 rows, with whatever else the test wants. */
function linear(options: Partial<TrainStepOptions> = {}) {
  const w = variable([4, 1]), x = tf.randomNormal([16, 4], 0, 1, 'float32', 2), y = tf.randomNormal([16, 1], 0, 1, 'float32', 3)
  const notes: string[] = []
  const step = recordTrainStep({
    loss: ({ x, y }) => ({ loss: tf.mean(tf.square(tf.sub(tf.matMul(x as tf.Tensor2D, w as tf.Tensor as tf.Tensor2D), y!))) as tf.Scalar }),
    groups: [{ name: 'all', variables: [w] }], optimizer: { name: 'sgd' }, onNote: (text) => notes.push(text), ...options,
  })
  const dispose = () => { step.dispose(); tf.dispose([x, y]) }
  return { w, x, y, step, notes, dispose, inputs: { x, y } as TensorMap }
}

describe.each(rungs)('%s', (rung) => {
  test('a variable shows its new value, its clones keep the old one, and an assigned value counts', () => {
    const { w, step, inputs, dispose } = linear({ rung })
    const start = w.clone(), before = w.dataSync().slice()
    step.run(inputs, at(1))
    const after = w.dataSync().slice()
    expect(after).not.toEqual(before)
    expect(start.dataSync()).toEqual(before)
    const first = w.clone()
    step.run(inputs, at(2))
    expect(first.dataSync()).toEqual(after)
    w.assign(start as tf.Tensor<tf.Rank>)
    step.run(inputs, at(3))
    expect(w.dataSync()).toEqual(after)
    expect(start.dataSync()).toEqual(before)
    tf.dispose([start, first])
    dispose()
  })

  test('random draws depend on seed and step only', () => {
    const masks = (seed: number, steps: number[]) => {
      const w = variable([3])
      const step = recordTrainStep({
        rung, seed, groups: [{ name: 'all', variables: [w] }],
        loss: (_, { random }) => {
          const drawn = tf.concat([random.uniform([4], -1, 1), random.normal([4], 5, 0.1), random.dropout(tf.ones([8]), 0.5)])
          return { loss: tf.mean(tf.mul(w, drawn.slice(0, 3))) as tf.Scalar, outputs: { drawn } }
        },
      })
      const drawn = steps.map((i) => { const { outputs } = step.run({}, at(i)); const values = [...outputs['drawn']!.dataSync()]; tf.dispose(outputs); return values })
      expect(step.rung).toBe(rung)
      step.dispose()
      return drawn
    }
    const [one, two, again] = masks(7, [1, 2, 1])
    expect(one).toEqual(again)
    expect(one).not.toEqual(two)
    expect(masks(8, [1])[0]).not.toEqual(one)
    expect(masks(7, [2])[0]).toEqual(two)
    expect(one!.slice(0, 4).every((value) => value >= -1 && value < 1)).toBe(true)
    expect(one!.slice(4, 8).every((value) => Math.abs(value - 5) < 1)).toBe(true)
    expect(one!.slice(8).every((value) => value === 0 || value === 2)).toBe(true)
  })

  test('groups have rates and decays of their own; what the loss does not touch stays', () => {
    const [a, b, c] = [variable([3]), variable([3]), variable([3])]
    const before = [a, b, c].map((one) => [...one!.dataSync()])
    const step = recordTrainStep({
      rung, optimizer: { name: 'sgd' }, loss: () => ({ loss: tf.add(tf.sum(a!), tf.sum(b!)) as tf.Scalar }),
      groups: [{ name: 'a', variables: [a!], rate: 0.1, weightDecay: 0.5 }, { name: 'b', variables: [b!, c!] }],
    })
    step.run({}, at(1, 1))
    step.run({}, { step: 2, learningRate: 0, rates: [0, 2] })
    const close = (one: tf.Variable, want: number[]) => one.dataSync().forEach((value, i) => expect(value).toBeCloseTo(want[i]!, 5))
    close(a!, before[0]!.map((value) => value - 0.1 * (1 + 0.5 * value)))
    close(b!, before[1]!.map((value) => value - 3))
    close(c!, before[2]!)
    step.dispose()
  })

  test('slots can be taken out and put back, and the run goes on as if nothing had happened', () => {
    const run = (interrupt: boolean) => {
      let { w, step, inputs, dispose } = linear({ rung, optimizer: { name: 'adamw' } })
      for (const i of [1, 2, 3]) step.run(inputs, at(i))
      if (interrupt) {
        const slots = step.slots()
        expect(Object.keys(slots).sort()).toEqual([`${w.name}/m`, `${w.name}/v`, 'updates'].sort())
        step.dispose()
        step = recordTrainStep({ rung, optimizer: { name: 'adamw' }, groups: [{ name: 'all', variables: [w] }], loss: ({ x, y }) => ({ loss: tf.mean(tf.square(tf.sub(tf.matMul(x as tf.Tensor2D, w as tf.Tensor as tf.Tensor2D), y!))) as tf.Scalar }) })
        step.restoreSlots(slots)
        tf.dispose(slots)
        dispose = () => { step.dispose(); tf.dispose(inputs) }
      }
      for (const i of [4, 5]) step.run(inputs, at(i))
      const values = [...w.dataSync()]
      dispose()
      w.dispose()
      return values
    }
    expect(run(true)).toEqual(run(false))
  })

  test('the last batch may be smaller', () => {
    const { step, inputs, dispose, notes } = linear({ rung })
    const few = { x: inputs['x']!.slice([0, 0], [5, 4]), y: inputs['y']!.slice([0, 0], [5, 1]) }
    for (const i of [1, 2, 3]) for (const batch of [inputs, few]) expect(step.run(batch, at(i)).loss).toBeGreaterThan(0)
    expect([step.rung, notes]).toEqual([rung, []])
    tf.dispose(few)
    dispose()
  })
})

test('off the event loop the timers go on, and steps wait for each other', async () => {
  const w = variable([400, 400]), x = tf.randomNormal([400, 400], 0, 1, 'float32', 5)
  const step = recordTrainStep({ groups: [{ name: 'all', variables: [w] }], loss: () => {
    let y: tf.Tensor = x
    for (let i = 0; i < 12; i++) y = tf.mul(tf.matMul(y as tf.Tensor2D, w as tf.Tensor as tf.Tensor2D), 0.05)
    return { loss: tf.mean(tf.square(y)) as tf.Scalar }
  } })
  await step.runAsync({}, at(1, 1e-4))
  let ticks = 0
  const timer = setInterval(() => { ticks++ }, 2)
  const results = await Promise.all([2, 3, 4, 5].map((i) => step.runAsync({}, at(i, 1e-4)))).finally(() => clearInterval(timer))
  expect(ticks).toBeGreaterThan(4)
  expect(results.map(({ loss }) => loss)).toEqual(results.map(({ loss }) => loss).sort((a, b) => b - a))
  const running = step.runAsync({}, at(6, 1e-4))
  await Promise.resolve().then(() => Promise.resolve())
  expect(() => step.run({}, at(7))).toThrow(/await runAsync first/)
  await running
  step.dispose()
  x.dispose()
})

describe('a rung down is said once, with its reason', () => {
  test('values read in JavaScript', () => {
    const { step, inputs, notes, dispose, w } = linear()
    const other = recordTrainStep({ groups: [{ name: 'all', variables: [w] }], onNote: (text) => notes.push(text), loss: ({ x, y }) => {
      const error = tf.mean(tf.square(tf.sub(tf.matMul(x as tf.Tensor2D, w as tf.Tensor as tf.Tensor2D), y!))) as tf.Scalar
      return { loss: error.dataSync()[0]! > 1e9 ? tf.mul(error, 2) as tf.Scalar : error }
    } })
    const losses = [1, 2].map((i) => other.run(inputs, at(i)).loss)
    expect(losses[1]).toBeLessThan(losses[0]!)
    expect([other.rung, notes.length]).toEqual(['op by op', 1])
    expect(notes[0]).toMatch(/op by op, which is slow: the step cannot be recorded: it reads a tensor's values in JavaScript .*after Mean/)
    step.run(inputs, at(1))
    other.dispose()
    dispose()
  })
  test('numbers drawn in JavaScript', () => {
    const w = variable([3]), notes: string[] = []
    const step = recordTrainStep({ groups: [{ name: 'all', variables: [w] }], onNote: (text) => notes.push(text), loss: () => ({ loss: tf.mean(tf.mul(w, tf.tensor1d([Math.random(), 1, 2]))) as tf.Scalar }) })
    for (const i of [1, 2]) step.run({}, at(i))
    expect(step.rungReason).toMatch(/makes other numbers in JavaScript in each call \(a \[3\] tensor.*context\.random/)
    expect(notes).toHaveLength(1)
    step.dispose()
  })
  test('a gradient of the user\'s own, of ops that TensorFlow would differentiate otherwise', () => {
    const w = variable([3]), notes: string[] = []
    const reversed = tf.customGrad((x) => ({ value: tf.mul(x as tf.Tensor, 1), gradFunc: (dy) => tf.mul(dy as tf.Tensor, -2) as tf.Tensor }))
    const step = recordTrainStep({ optimizer: { name: 'sgd' }, groups: [{ name: 'all', variables: [w] }], onNote: (text) => notes.push(text), loss: () => ({ loss: tf.sum(reversed(w)) as tf.Scalar }) })
    const before = w.dataSync().slice()
    step.run({}, at(1, 1))
    w.dataSync().forEach((value, i) => expect(value).toBeCloseTo(before[i]! + 2, 5))
    expect(notes[0]).toMatch(/with TensorFlow.js' gradients.*the gradient of .* has norm/)
    step.dispose()
  })
  test('an op that TensorFlow cannot differentiate is recorded with TensorFlow.js, by name', () => {
    const w = variable([3]), notes: string[] = []
    const double = tf.customGrad((x) => ({ value: tf.round(tf.mul(x as tf.Tensor, 2)), gradFunc: (dy) => tf.mul(dy as tf.Tensor, 2) as tf.Tensor }))
    const step = recordTrainStep({ groups: [{ name: 'all', variables: [w] }], onNote: (text) => notes.push(text), loss: () => ({ loss: tf.mean(double(w)) as tf.Scalar }) })
    const before = w.dataSync()[0]!
    step.run({}, at(1, 1e-2))
    expect(w.dataSync()[0]).toBeLessThan(before)
    expect([step.rung, notes.length]).toEqual(['tensorflow.js', 1])
    expect(notes[0]).toMatch(/round/i)
    step.dispose()
  })
})

describe('what cannot be trained is refused with the rule and the value', () => {
  const refused = (options: Partial<TrainStepOptions>, run: Partial<StepOptions> = {}): string => {
    const w = variable([2, 1])
    try {
      const step = recordTrainStep({ loss: () => ({ loss: tf.mean(w) as tf.Scalar }), groups: [{ name: 'head', variables: [w] }], ...options })
      try { step.run({}, { step: 1, learningRate: 0.1, ...run }) } finally { step.dispose() }
    } catch (error) {
      expect(error).toBeInstanceOf(EngineError)
      return (error as Error).message
    }
    return 'nothing was refused'
  }
  test.each<[string, RegExp, Partial<TrainStepOptions>, Partial<StepOptions>]>([
    ['no variables', /groups hold no variables/, { groups: [] }, {}],
    ['a negative rate', /learning rate must be a number of at least 0: got -1/, {}, { learningRate: -1 }],
    ['a rate that is not a number', /got NaN/, {}, { learningRate: NaN }],
    ['too few rates', /each of the 1 groups: got 2/, {}, { rates: [1, 2] }],
    ['a loss that is not one number', /must be one number: got a tensor of shape \[3\]/, { loss: () => ({ loss: tf.ones([3]) as unknown as tf.Scalar }) }, {}],
    ['a loss without the variables', /depends on none of the variables/, { loss: () => ({ loss: tf.scalar(1) }) }, {}],
    ['no loss', /must return \{ loss, outputs\? \}/, { loss: () => ({}) as never }, {}],
    ['an unknown optimizer', /"adagrad": it must be one of sgd, adam, adamw/, { optimizer: { name: 'adagrad' as never } }, {}],
    ['a momentum of 1', /momentum must be at least 0 and below 1: got 1/, { optimizer: { name: 'sgd', momentum: 1 } }, {}],
    ['a clipping norm of 0', /norm of 0: it must be above 0/, { clipNorm: 0 }, {}],
  ])('%s', (_, message, options, run) => expect(refused(options, run)).toMatch(message))
})

test('2,000 steps leave no handle, no tensor and no memory behind', () => {
  const { step, inputs, dispose } = linear({ optimizer: { name: 'adamw' }, clipNorm: 1 })
  for (let i = 1; i <= 100; i++) step.run(inputs, at(i, 1e-3))
  const handles = engine.numTensors(), tensors = tf.memory().numTensors, before = process.memoryUsage().rss
  for (let i = 101; i <= 2100; i++) step.run(inputs, at(i, 1e-3))
  expect([engine.numTensors(), tf.memory().numTensors]).toEqual([handles, tensors])
  expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(40)
  dispose()
})

describe("a recording has TensorFlow's fused ops", () => {
  const operations = (loss: TrainStepOptions['loss'], w: tf.Variable[], state: tf.Variable[] = []) => {
    const step = recordTrainStep({ groups: [{ name: 'all', variables: w }], state, loss })
    step.run({}, at(1, 1e-3))
    const { operations, rung } = step
    step.dispose()
    expect(rung).toBe('tensorflow')
    return operations
  }
  test('for batch normalization, whether the averages are moved before it or after it', () => {
    const [w, gamma, beta, average] = [variable([4, 3, 3, 2]), variable([2]), variable([2]), variable([2])]
    for (const before of [true, false]) {
      const found = operations(() => {
        const { mean, variance } = tf.moments(w, [0, 1, 2]), move = () => average.assign(tf.add(tf.mul(average, 0.9), tf.mul(mean, 0.1)))
        if (before) move()
        const y = tf.batchNorm(w as tf.Tensor as tf.Tensor4D, mean as tf.Tensor1D, variance as tf.Tensor1D, beta as tf.Tensor as tf.Tensor1D, gamma as tf.Tensor as tf.Tensor1D, 1e-3)
        if (!before) move()
        return { loss: tf.mean(tf.square(tf.sub(y, 1))) as tf.Scalar }
      }, [w, gamma, beta], [average])
      expect(found).toMatchObject({ FusedBatchNormV3: 1, FusedBatchNormGradV3: 1 })
    }
  })
  test.each<[string, (x: tf.Tensor) => tf.Tensor]>([
    ['moments', (x) => { const { mean, variance } = tf.moments(x, -1, true); return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-6))) }],
    ['its own difference', (x) => { const d = tf.sub(x, tf.mean(x, -1, true)); return tf.mul(d, tf.rsqrt(tf.add(tf.mean(tf.square(d), -1, true), 1e-6))) }],
  ])('for layer normalization, written with %s', (_, norm) => {
    const w = variable([2, 3, 6])
    expect(operations(() => ({ loss: tf.mean(tf.pow(norm(w), 3)) as tf.Scalar }), [w])).toMatchObject({ FusedBatchNormV3: 1, FusedBatchNormGradV3: 1 })
  })
  test('for products of matrices, also of many rows with one matrix', () => {
    const [w, x] = [variable([4, 5]), variable([2, 3, 4])]
    const found = operations(() => ({ loss: tf.mean(tf.square(tf.matMul(x, w))) as tf.Scalar }), [w, x])
    expect(found['MatMul']).toBe(3)
    expect(found['BatchMatMulV2']).toBeUndefined()
  })
})

describe('recorded functions', () => {
  test('read the variables as they are at each call', () => {
    const w = variable([3]), x = tf.tensor1d([1, 2, 3])
    const f = recordFunction(({ x }) => ({ y: tf.mul(x!, w), x: x! }))
    for (const factor of [1, 2, 3]) {
      tf.tidy(() => w.assign(tf.fill([3], factor)))
      const { y, x: same } = f.run({ x })
      expect([...y!.dataSync(), ...same!.dataSync()]).toEqual([factor, 2 * factor, 3 * factor, 1, 2, 3])
      tf.dispose([y!, same!])
    }
    expect(f.rung).toBe('tensorflow')
    f.dispose()
    x.dispose()
  })
  test('see what a step trained, and run off the event loop', async () => {
    const { w, step, inputs, dispose, x } = linear()
    const f = recordFunction(({ x }) => ({ y: tf.matMul(x as tf.Tensor2D, w as tf.Tensor as tf.Tensor2D) }))
    for (const i of [1, 2, 3]) {
      step.run(inputs, at(i))
      const { y } = await f.runAsync({ x })
      const want = tf.tidy(() => tf.matMul(x as tf.Tensor2D, w as tf.Tensor as tf.Tensor2D).dataSync())
      y!.dataSync().forEach((value, i) => expect(value).toBeCloseTo(want[i]!, 5))
      y!.dispose()
    }
    f.dispose()
    dispose()
  })
  test('that blow rounding up are not blamed for it', () => {
    const notes: string[] = [], rows = 60
    const targets = tf.tidy(() => tf.oneHot(tf.range(0, rows).toInt().mod(3).toInt() as tf.Tensor1D, 3).toFloat()), share = tf.fill([rows, 1], 1 / rows), x = tf.zeros([rows, 3])
    // Adam's first step on the bias of balanced classes: the gradient is nothing but rounding, and is divided by itself.
    const f = recordFunction(({ x, targets, share }) => { const g = tf.sum(tf.mul(tf.sub(tf.softmax(x!), targets!), share!), 0); return { b: tf.div(g, tf.add(tf.sqrt(tf.square(g)), 1e-12)) } }, { onNote: (text) => notes.push(text) })
    for (let i = 0; i < 2; i++) tf.dispose(f.run({ x, targets, share }))
    expect([f.rung, notes]).toEqual(['tensorflow', []])
    f.dispose()
    tf.dispose([x, targets, share])
  })
  test('with values read in JavaScript they run op by op and say so', () => {
    const notes: string[] = [], x = tf.tensor1d([3, 1, 2])
    const f = recordFunction(({ x }) => ({ y: tf.tensor1d([...x!.dataSync()].sort()) }), { onNote: (text) => notes.push(text) })
    for (let i = 0; i < 2; i++) { const { y } = f.run({ x }); expect([...y!.dataSync()]).toEqual([1, 2, 3]); y!.dispose() }
    expect([f.rung, notes.length]).toEqual(['op by op', 1])
    f.dispose()
    x.dispose()
  })
})
