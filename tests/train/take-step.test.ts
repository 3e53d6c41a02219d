// A step in parts: out of memory it halves them until they fit, and what comes out is the whole step's.
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { EngineError, startEngine, type StepOptions, type StepResult, type TensorMap, type TrainStep } from '../../lib/engine/index.js'
import { Parts, takeStep } from '../../lib/train/take-step.js'

beforeAll(() => { startEngine() })

/** A device with room for `most` rows; it writes down what it was asked. */
function device(most: number) {
  const asked: { rows: number; gather: boolean | undefined }[] = []
  const step = {
    async runAsync({ x }: TensorMap, { gather }: StepOptions): Promise<StepResult> {
      const rows = x!.shape[0]!
      asked.push({ rows, gather })
      if (rows > most) throw new EngineError('OOM when allocating tensor', { code: 8 })
      return { loss: tf.tidy(() => tf.mean(x!).dataSync()[0]!), gradNorm: rows, updated: gather !== true, signals: [0, 0], outputs: { logits: x!.clone(), plain: tf.mean(x!) } }
    },
  } as unknown as TrainStep
  return { step, asked }
}

const options = { learningRate: 1, step: 1 }

test('halves until it fits, stays there, and gives loss and outputs of all rows in their order', async () => {
  const { step, asked } = device(4), parts = new Parts(1), halved: number[] = [], x = tf.range(0, 14, 1, 'float32')
  const before = tf.memory().numTensors
  for (let turn = 0; turn < 2; turn++) {
    const { loss, outputs } = await takeStep(step, { x }, options, parts, (rows) => halved.push(rows))
    expect(loss).toBeCloseTo(6.5, 5)
    expect([...outputs['logits']!.dataSync()]).toEqual(Array.from({ length: 14 }, (_, i) => i))
    expect(outputs['plain']!.dataSync()[0]).toBeCloseTo(6.5, 5)
    tf.dispose(outputs)
  }
  expect(halved).toEqual([7, 4])
  expect(asked.map(({ rows }) => rows)).toEqual([14, 7, 4, 4, 4, 2, 4, 4, 4, 2])
  expect(asked.slice(2, 6).map(({ gather }) => gather)).toEqual([true, true, true, false])
  expect(tf.memory().numTensors).toBe(before)
  x.dispose()
})

test('when not even one row fits it says so; other errors are left as they are', async () => {
  const x = tf.zeros([2])
  await expect(takeStep(device(0).step, { x }, options, new Parts(1), () => {})).rejects.toThrow('the memory is not enough for a step of one row')
  const broken = { runAsync: async () => { throw new EngineError('no', { code: 3 }) } } as unknown as TrainStep
  await expect(takeStep(broken, { x }, options, new Parts(1), () => {})).rejects.toThrow('no')
  x.dispose()
})
