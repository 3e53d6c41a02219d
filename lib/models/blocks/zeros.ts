// Zeros for weights that get their real values later, from a file or at random: all on one piece of memory, so that a network weighs nothing until it is filled.
import * as tf from '@tensorflow/tfjs'

let shared = new Float32Array(0)
/** Smaller ones have memory of their own. */
const large = 4096

function zeros(shape: number[], dtype: tf.DataType = 'float32'): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1)
  if (size < large || dtype !== 'float32') return tf.zeros(shape, dtype)
  if (shared.length < size) shared = new Float32Array(size) // the system gives pages of it only when they are written, which nobody does
  return tf.tensor(shared.subarray(0, size), shape, 'float32')
}

/** TensorFlow.js' initializer of zeros, without their memory. */
export const lateZeros = (): ReturnType<typeof tf.initializers.zeros> => Object.assign(tf.initializers.zeros(), { apply: zeros })
