// The ledger: who holds memory, by name and by cell, and what came since; and what happens when there is none left.
import { afterEach, beforeAll, expect, jest, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { type Engine, EngineError, recordTrainStep, startEngine } from '../../lib/engine/index.js'

jest.setTimeout(60_000) // the machine may be busy

let engine: Engine
const session = Symbol.for('afinar.session')
const inCell = (cell: number) => { (globalThis as Record<symbol, unknown>)[session] = { cell } }
beforeAll(() => { engine = startEngine() })
afterEach(() => { delete (globalThis as Record<symbol, unknown>)[session] })

test('weights and optimizer state go by name, other tensors by the cell that made them', () => {
  inCell(3)
  const w = tf.tidy(() => tf.variable(tf.ones([4, 2]), true, 'dense/kernel')), x = tf.tidy(() => tf.add(tf.ones([5, 4]), 0))
  const step = recordTrainStep({ optimizer: { name: 'adamw' }, groups: [{ name: 'all', variables: [w] }], loss: ({ x }) => ({ loss: tf.mean(tf.square(tf.matMul(x as tf.Tensor2D, w as tf.Tensor as tf.Tensor2D))) as tf.Scalar }) })
  step.run({ x }, { step: 1, learningRate: 0.1 })
  const before = engine.ledger()
  const held = (kind: string) => before.holdings.filter((one) => one.kind === kind)
  expect(held('weight')).toEqual([{ kind: 'weight', name: 'dense/kernel', cell: undefined, tensors: 1, bytes: 32 }])
  expect(held('optimizer').map(({ name, bytes }) => [name, bytes]).sort()).toEqual([['dense/kernel/m', 32], ['dense/kernel/v', 32]])
  expect(held('tensor')).toEqual([{ kind: 'tensor', name: 'float32 [5, 4]', cell: 3, tensors: 1, bytes: 80 }])
  expect([before.bytes, before.tensors]).toEqual([176, 4])
  inCell(7)
  const leaked = [1, 2].map((i) => tf.tidy(() => tf.add(x, i)))
  for (let i = 2; i < 5; i++) step.run({ x }, { step: i, learningRate: 0.1 })
  const since = engine.ledger().since(before)
  expect(since.holdings).toEqual([{ kind: 'tensor', name: 'float32 [5, 4]', cell: 7, tensors: 2, bytes: 160 }])
  expect(String(since)).toMatch(/0\.2 KiB in 2 tensors\n.*2 × tensor {4}float32 \[5, 4\], made in cell 7/)
  step.dispose()
  tf.dispose([w, x, leaked])
  expect(engine.ledger().holdings).toEqual([])
})

test('out of memory is an error with its code and a remedy; the weights stay, what was gathered is forgotten, and a smaller batch goes on', () => {
  const w = tf.tidy(() => tf.variable(tf.ones([1])))
  // The square of a column against itself: rows² numbers, which no machine has for the large batch.
  const step = recordTrainStep({ optimizer: { name: 'sgd' }, groups: [{ name: 'all', variables: [w] }], loss: ({ x }) => ({ loss: tf.mean(tf.square(tf.mul(tf.mul(x!, w), tf.transpose(x!)))) as tf.Scalar }) })
  const few = tf.ones([4, 1]), many = tf.ones([2 ** 23, 1])
  step.run({ x: few }, { step: 1, learningRate: 0.1, gather: true })
  let error: unknown
  try { step.run({ x: many }, { step: 2, learningRate: 0.1, gather: false }) } catch (thrown) { error = thrown }
  expect(error).toBeInstanceOf(EngineError)
  expect(error).toMatchObject({ code: 8, message: expect.stringMatching(/Use a smaller batch/) })
  expect([...w.dataSync()]).toEqual([1])
  expect(step.run({ x: few }, { step: 3, learningRate: 0.1 }).updated).toBe(true)
  expect(w.dataSync()[0]).toBeCloseTo(0.8, 5)
  expect(step.rung).toBe('tensorflow')
  step.dispose()
  tf.dispose([w, few, many])
})
