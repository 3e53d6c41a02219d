// traceGraph: what is written down, which sizes stay free, and what it refuses. That others run such graphs with equal results is in tests/models/export.
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { startEngine, traceGraph } from '../../lib/engine/index.js'
import { solve } from '../../lib/engine/trace-shapes.js'

beforeAll(() => { startEngine() })

const batch = { node: 'x', axis: 0, first: 2, second: 3 }, length = { node: 'x', axis: 1, first: 5, second: 7 }

test.each([
  [2, 3, { dimensions: [batch], factor: 1, offset: 0 }], [24, 36, { dimensions: [batch], factor: 12, offset: 0 }], [7, 9, { dimensions: [length], factor: 1, offset: 2 }],
  [10, 21, { dimensions: [batch, length], factor: 1, offset: 0 }], [40, 84, { dimensions: [batch, length], factor: 4, offset: 0 }], [4, 100, undefined],
])('%d and %d are what they were computed from', (x, y, expected) => { expect(solve(x, y, [batch, length])).toEqual(expected) })

const inputs = (rows: number) => ({ x: tf.ones([rows, 4]) })

test('weights keep their names, the batch stays free, and nothing leaks', () => {
  const weight = tf.variable(tf.randomNormal([4, 3]))
  const examples = [inputs(2), inputs(3)] as const
  const before = tf.memory().numTensors
  const graph = traceGraph(({ x }) => ({ y: tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D).relu().reshape([-1, 3, 1]).tile([1, 1, 2]) }), examples, (variable) => variable === weight ? 'layer.weight' : undefined)
  expect(tf.memory().numTensors).toBe(before)
  expect(graph.inputs).toEqual([{ name: 'x', dtype: 1, shape: [null, 4] }])
  expect(graph.outputs).toEqual([{ name: 'y', dtype: 1, shape: [null, 3, 2] }])
  expect(graph.constants.find(({ name }) => name === 'layer.weight')!.values()).toEqual(weight.dataSync())
  expect(graph.nodes.map(({ op }) => op)).toEqual(['BatchMatMulV2', 'Relu', 'Reshape', 'Tile', 'Identity'])
  const reshape = graph.nodes.find(({ op }) => op === 'Reshape')!
  expect([...graph.constants.find(({ name }) => name === reshape.inputs[1])!.values()]).toEqual([-1, 3, 1])
  weight.dispose()
})

test('a size that is needed twice is read from the input', () => {
  const graph = traceGraph(({ x }) => ({ y: tf.concat([tf.tile(tf.ones([1, 4]), [x!.shape[0]!, 1]), x!]) }), [inputs(2), inputs(3)])
  expect(graph.nodes.map(({ op }) => op)).toEqual(expect.arrayContaining(['Shape', 'StridedSlice', 'Pack', 'Tile', 'ConcatV2']))
})

test.each([
  ['reads values', ({ x }: tf.NamedTensorMap) => ({ y: x!.mul(x!.dataSync()[0]!) }), 'reads a tensor'],
  ['branches on a size', ({ x }: tf.NamedTensorMap) => ({ y: x!.shape[0] === 2 ? x!.relu() : x!.square().relu() }), 'other ops for inputs of other sizes'],
  ['computes numbers from a size', ({ x }: tf.NamedTensorMap) => ({ y: x!.mul(Math.sqrt(x!.shape[0]!)) }), 'makes float32 numbers in JavaScript'],
  ['computes a size in another way', ({ x }: tf.NamedTensorMap) => ({ y: tf.tile(tf.ones([1, 4]), [2 ** x!.shape[0]!, 1]).sum().add(x!) }), 'cannot be written as ops'],
])('a function that %s is refused', (_, f, message) => { expect(() => traceGraph(f as never, [inputs(2), inputs(3)])).toThrow(message) })
