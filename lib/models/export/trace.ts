// A model's forward pass as a graph: what both exports write. Batch and lengths stay free.
import * as tf from '@tensorflow/tfjs'
import { type TensorMap, traceGraph, type TracedGraph } from '../../engine/index.js'
import { ModelError } from '../errors.js'
import type { NeuralModel } from '../model.js'
import type { Model } from '../types.js'

/** Sizes of the free axes in the two examples: batch first, then a length. No size is a multiple of another. */
const free = [[2, 5], [3, 7]] as const

function exampleInputs(network: tf.LayersModel, sizes: readonly number[]): TensorMap {
  return Object.fromEntries(network.inputs.map(({ shape, dtype }, i) => {
    const full = shape.map((size, axis) => size ?? sizes[Math.min(axis, sizes.length - 1)]!)
    return [network.inputNames[i]!, tf.ones(full, dtype)]
  }))
}

/** Inputs by the names of `model.forward`, one output: 'logits', or 'embedding' for a model without a head. */
export function traceModel(model: Model): TracedGraph {
  if (!('parts' in model)) throw new ModelError('Cannot export this model: it was not made by loadModel or buildModel.')
  const own = model as NeuralModel, name = own.task === 'embedding' ? 'embedding' : 'logits'
  const names = new Map(own.all.map(({ variable, name: weight }) => [variable, weight]))
  const examples = free.map((sizes) => exampleInputs(own.network, sizes)) as [TensorMap, TensorMap]
  try {
    return traceGraph((inputs) => ({ [name]: own.forward(inputs, { training: false }) }), examples, (variable) => names.get(variable))
  } finally {
    tf.dispose(examples)
  }
}
