// Recommenders against PyTorch: scores, every parameter's gradient under the task's own loss, five recorded steps; and room for new users.
import { beforeAll, expect, test } from '@jest/globals'
import * as tf from '@tensorflow/tfjs'
import { recordTrainStep } from '../../lib/engine/index.js'
import { addItems, addUsers, buildModel, loadModel, type Model } from '../../lib/models/index.js'
import { objectiveFor } from '../../lib/train/index.js'
import { engine } from './engine.js'
import { fixture, largestDifference, parameters, savedFolder, tensor, type Stored } from './support.js'

beforeAll(engine)
const ids = (count: number, letter: string) => Array.from({ length: count }, (_, i) => `${letter}${i}`)
const preprocessing = { kind: 'interaction' as const, users: ids(6, 'u'), items: ids(7, 'i'), mean: 3.5, relevant: 4 }
const cases = {
  'matrix-factorization': { file: 'matrix_factorization', config: { users: 6, items: 7, width: 4, dropout: 0, mean: 3.5, layers: [] } },
  'two-tower': { file: 'two_tower', config: { users: 6, items: 7, width: 4, dropout: 0, mean: 3.5, layers: [5, 3] } },
}
const names = Object.keys(cases) as (keyof typeof cases)[]
const load = (name: keyof typeof cases, stored: Record<string, Stored>) => loadModel(savedFolder(parameters(stored, (n) => n), cases[name].config, { family: name, task: 'recommendation', classes: [] }, preprocessing))
const inputsOf = (stored: Record<string, Stored>) => ({ user: tensor(stored['input/user']!, 'int32'), item: tensor(stored['input/item']!, 'int32') })
const lossOf = (model: Model) => objectiveFor(model, {}, { labelSmoothing: 0, classWeights: undefined }).loss
const layout = (name: string, stored: Stored) => name.includes('.layers.') && stored.shape.length === 2 ? tensor(stored).transpose([1, 0]) : tensor(stored)

test.each(names)('%s equals PyTorch, gradient by gradient', async (name) => {
  const stored = fixture(cases[name].file), model = await load(name, stored), inputs = inputsOf(stored), loss = lossOf(model)
  let scores: tf.Tensor | undefined
  const { value, grads } = tf.variableGrads(() => {
    scores = tf.keep(model.forward(inputs, { training: true }))
    return loss(scores, tensor(stored['input/rating']!), tf.ones([12]))
  }, model.trainable)
  expect(largestDifference(scores!, tensor(stored['output/scores']!))).toBeLessThan(1e-5)
  expect(Math.abs(value.dataSync()[0]! - stored['output/loss']!.data[0]!)).toBeLessThan(1e-5)
  const differences = model.trainable.map((variable) => [model.nameOf(variable), largestDifference(grads[variable.name]!, layout(model.nameOf(variable), stored[`grad/${model.nameOf(variable)}`]!))] as const)
  expect(differences.filter(([, difference]) => !(difference < 1e-5))).toEqual([])
  expect(differences.length).toBe(Object.keys(stored).filter((key) => key.startsWith('grad/')).length)
  expect(model.groups().map((group) => group.name).sort()).toEqual(['items', 'users'])
  model.dispose()
})

const optimizers = { sgd_small: { spec: { name: 'sgd' }, learningRate: 0.005 }, adamw_wd: { spec: { name: 'adamw', weightDecay: 0.1 }, learningRate: 1e-3 } } as const

test.each(names.flatMap((name) => (Object.keys(optimizers) as (keyof typeof optimizers)[]).map((optimizer) => ({ name, optimizer }))))('$name: five recorded steps of $optimizer end where PyTorch’s do', async ({ name, optimizer }) => {
  const stored = fixture(cases[name].file), model = await load(name, stored), { spec, learningRate } = optimizers[optimizer], loss = lossOf(model)
  const step = recordTrainStep({ loss: ({ rating, weights, ...inputs }, context) => ({ loss: loss(model.forward(inputs, context), rating!, weights!) }), groups: [{ name: 'all', variables: model.trainable }], optimizer: spec })
  const losses = [1, 2, 3, 4, 5].map((n) => step.run({ ...inputsOf(stored), rating: tensor(stored['input/rating']!), weights: tf.ones([12]) }, { learningRate, step: n }).loss)
  expect(step.rung).toBe('tensorflow')
  expect(Math.max(...losses.map((value, i) => Math.abs(value - stored[`traj/${optimizer}/loss`]!.data[i]!)))).toBeLessThan(1e-4)
  const compared = Object.entries(model.weights()).flatMap(([weight, variable]) => {
    const after = stored[`traj/${optimizer}/param/${weight}`]
    // a shift of all items alike changes no choice: its gradient is rounding, which Adam makes large
    return after && !/items\.layers\.\d\.bias/.test(weight) ? [[weight, largestDifference(variable, layout(weight, after))] as const] : []
  })
  expect(compared.filter(([, difference]) => !(difference < 1e-4))).toEqual([])
  expect(compared.length).toBe(optimizer === 'adamw_wd' ? model.trainable.filter((variable) => !/items\.layers\.\d\.bias/.test(model.nameOf(variable))).length : 0)
  step.dispose()
  model.dispose()
})

test.each(names)('%s has room for new users, who begin as the mean, and for new items', async (name) => {
  const stored = fixture(cases[name].file), model = await load(name, stored), inputs = inputsOf(stored)
  const wider = addItems(addUsers(model, ['u2', 'new', 'new', 'other']), ['i9'])
  expect(wider.preprocessing).toMatchObject({ users: [...preprocessing.users, 'new', 'other'], items: [...preprocessing.items, 'i9'] })
  const vectors = wider.weights()['users.vectors.weight']!
  expect(vectors.shape).toEqual([8, 4])
  expect(largestDifference(tf.slice(vectors, [6, 0], [1, 4]).reshape([4]), model.weights()['users.vectors.weight']!.mean(0))).toBeLessThan(1e-6)
  if (name === 'matrix-factorization') expect(largestDifference(wider.forward(inputs, { training: false }), model.forward(inputs, { training: false }))).toBe(0)
  for (const one of [model, wider]) one.dispose()
})

test('what makes no sense is refused', () => {
  expect(() => buildModel('two-tower', {})).toThrow('interactions.preprocessing(data)')
  expect(() => buildModel('two-tower', { preprocessing, config: { layers: [0] } })).toThrow('layers is [0]')
  expect(() => buildModel('matrix-factorization', { preprocessing, config: { dropout: 1 } })).toThrow('dropout is 1')
})
