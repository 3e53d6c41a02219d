// Five steps of training equal PyTorch's, on every rung, under every optimizer: losses, weights, batch-norm averages.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { type Engine, type OptimizerSpec, recordTrainStep, type Rung, startEngine, type TensorMap, type TrainStepOptions } from '../../lib/engine/index.js'
import { fixture, largestDifference, type Stored, tensor, under } from './support/fixtures.js'
import { bert, mbconv } from './support/networks.js'

jest.setTimeout(60_000) // the machine may be busy

const optimizers: Record<string, { optimizer: OptimizerSpec; rate: number; clipNorm?: number }> = {
  sgd: { optimizer: { name: 'sgd' }, rate: 0.1 },
  sgd_momentum_nesterov_wd: { optimizer: { name: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0.01 }, rate: 0.05 },
  adam: { optimizer: { name: 'adam' }, rate: 1e-3 },
  adamw_wd: { optimizer: { name: 'adamw', weightDecay: 0.1 }, rate: 1e-3 },
  adamw_warmup_clip: { optimizer: { name: 'adamw' }, rate: 2e-3, clipNorm: 1 },
}

interface Family {
  loss(v: Record<string, tf.Variable>, running: Record<string, tf.Variable>, inputs: TensorMap): { logits: tf.Tensor; loss: tf.Scalar }
  tolerance: { loss: number; weight: number }
  unstable: string[]
}
const families: Record<string, Family> = {
  bert_cls: { loss: (v, _, inputs) => bert(v, inputs), tolerance: { loss: 1e-4, weight: 3e-4 }, unstable: ['encoder.encoder.layer.0.attention.self.key.bias', 'encoder.encoder.layer.1.attention.self.key.bias'] },
  ...Object.fromEntries(['same', 'sym'].flatMap((padding) => ['train', 'eval'].map((mode) => [`mbconv_${padding}_bn_${mode}`, {
    loss: (v, running, inputs) => mbconv(v, running, inputs, { training: mode === 'train', padding: padding === 'same' ? 'same' : 'symmetric' }),
    tolerance: { loss: 5e-4, weight: 1e-3 }, unstable: ['blocks.0.bn2.bias', 'blocks.1.bn2.bias', 'blocks.2.bn2.bias'],
  } satisfies Family]))),
}

let engine: Engine
beforeAll(() => { engine = startEngine() })
afterAll(() => tf.disposeVariables())

function train(name: string, optimizerName: string, rung: Rung) {
  const family = families[name]!, stored = fixture(name), { optimizer, rate, clipNorm } = optimizers[optimizerName]!
  const variables = (part: Record<string, Stored>) => Object.fromEntries(Object.entries(part).map(([key, one]) => [key, tf.tidy(() => tf.variable(tensor(one)))]))
  const weights = variables(under(stored, 'param/')), running = variables(under(stored, 'buffer/'))
  const inputs = Object.fromEntries(Object.entries(under(stored, 'input/')).map(([key, one]) => [key, tensor(one)]))
  const notes: string[] = []
  const options: TrainStepOptions = {
    loss: (given) => { const { loss, logits } = family.loss(weights, running, given); return { loss, outputs: { logits } } },
    groups: [{ name: 'all', variables: Object.values(weights) }], state: Object.values(running), optimizer, rung, onNote: (text) => notes.push(text), ...(clipNorm === undefined ? {} : { clipNorm }),
  }
  const step = recordTrainStep(options)
  const rates = stored[`traj/${optimizerName}/lr`]?.values
  const losses = [1, 2, 3, 4, 5].map((i) => {
    const { loss, outputs } = step.run(inputs, { learningRate: rates?.[i - 1] ?? rate, step: i })
    if (i === 1) expect(largestDifference(outputs['logits']!.dataSync(), stored['output/logits']!.values)).toBeLessThan(5e-5)
    tf.dispose(outputs)
    return loss
  })
  expect(notes).toEqual([])
  expect(step.rung).toBe(rung)
  expect(largestDifference(losses, stored[`traj/${optimizerName}/loss`]!.values)).toBeLessThan(family.tolerance.loss)
  const far = [...Object.entries(weights).map(([key, value]) => [`param/${key}`, value] as const), ...Object.entries(running).map(([key, value]) => [`buffer/${key}`, value] as const)]
    .filter(([key]) => !family.unstable.some((one) => key.endsWith(one)))
    .flatMap(([key, value]) => {
      const want = stored[`traj/${optimizerName}/${key}`]
      const apart = want ? largestDifference(value.dataSync(), want.values) : 0
      return apart > family.tolerance.weight ? [`${key}: ${apart}`] : []
    })
  expect(far).toEqual([])
  step.dispose()
  tf.dispose([weights, running, inputs])
}

describe('recorded, TensorFlow differentiates', () => {
  test.each(Object.keys(optimizers))('BERT with a classification head, %s', (name) => train('bert_cls', name, 'tensorflow'))
  test.each(Object.keys(families).filter((name) => name.startsWith('mbconv')))('%s, AdamW and Nesterov', (name) => {
    train(name, 'adamw_wd', 'tensorflow')
    train(name, 'sgd_momentum_nesterov_wd', 'tensorflow')
  })
})

describe("recorded with TensorFlow.js' gradients", () => {
  test.each(['bert_cls', 'mbconv_same_bn_train'])('%s, AdamW', (name) => train(name, 'adamw_wd', 'tensorflow.js'))
})

describe('op by op', () => {
  test.each(['bert_cls', 'mbconv_same_bn_train'])('%s, AdamW', (name) => train(name, 'adamw_wd', 'op by op'))
})

test('nothing is left behind', () => {
  expect(tf.memory().numTensors).toBe(0)
  expect(engine.numTensors()).toBe(0)
})
