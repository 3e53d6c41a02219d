// How tensors read where something prints them.
import { inspect } from 'node:util'
import { expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { startEngine } from '../../lib/engine/index.js'

test('a tensor reads by its kind, type and shape, also inside of objects, and its values stay where they are', () => {
  startEngine()
  const loss = tf.scalar(1), weights = tf.variable(tf.ones([500, 3])), before = tf.memory().numTensors
  expect(inspect({ loss, weights })).toBe('{ loss: Tensor float32 [], weights: Variable float32 [500, 3] }')
  expect(tf.memory().numTensors).toBe(before)
  loss.dispose()
  expect(inspect(loss)).toBe('Tensor float32 [] (disposed)')
})
