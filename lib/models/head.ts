// The head of a network as a network of its own, on the same weights: from the features to the outputs.
import * as tf from '@tensorflow/tfjs'

/** Applies the layers behind `features` once more, to an input of their shape; undefined when they also look at something before it. */
export function headNetwork(name: string, network: tf.LayersModel, features: tf.SymbolicTensor): tf.LayersModel | undefined {
  const output = network.outputs[0]!
  if (output === features) return undefined
  const input = tf.input({ shape: features.shape.slice(1), name: `${name}.head.features` })
  const made = new Map<tf.SymbolicTensor, tf.SymbolicTensor>([[features, input]])
  const remake = (tensor: tf.SymbolicTensor): tf.SymbolicTensor | undefined => {
    const known = made.get(tensor)
    if (known) return known
    if (tensor.inputs.length === 0) return undefined
    const inputs = tensor.inputs.map(remake)
    if (inputs.some((one) => one === undefined)) return undefined
    const result = tensor.sourceLayer.apply(inputs.length === 1 ? inputs[0]! : inputs as tf.SymbolicTensor[]) as tf.SymbolicTensor
    made.set(tensor, result)
    return result
  }
  const outputs = remake(output)
  return outputs && tf.model({ name: `${name}.head`, inputs: input, outputs })
}
