// The head alone gives what the whole network gives, on the same weights.
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { startEngine } from '../../lib/engine/index.js'
import { buildModel } from '../../lib/models/index.js'

beforeAll(() => { startEngine() })

test('features, then head, equal forward to the last bit', () => {
  const model = buildModel('small-cnn', { classes: ['a', 'b', 'c'], imageSize: 16, seed: 1 })
  const images = tf.randomNormal([4, 16, 16, 3], 0, 1, 'float32', 7)
  const whole = model.forward({ images }, { training: false })
  const parts = model.head(model.features({ images }), { training: false })
  expect(model.hasHead).toBe(true)
  expect([...parts.dataSync()]).toEqual([...whole.dataSync()])
  expect(model.groups().at(-1)!.variables).toHaveLength(2)
  model.dispose()
})
