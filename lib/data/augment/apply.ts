// Runs the changes of a batch: as a recorded TensorFlow function where the engine runs, op by op on TensorFlow.js' own where it does not.
import * as tf from '@tensorflow/tfjs'
import { recordFunction, type RecordedFunction } from '../../engine/index.js'
import type { Change } from '../store.js'

/** One recording per function; it holds one graph per set of shapes. */
const recorded = new Map<Change, RecordedFunction>()

/** The changed inputs; those given are disposed. */
export async function applyChange(change: Change, inputs: Record<string, tf.Tensor>, onEngine: boolean): Promise<Record<string, tf.Tensor>> {
  try {
    if (!onEngine) return tf.tidy(() => change(inputs))
    const known = recorded.get(change) ?? recordFunction(change)
    recorded.set(change, known)
    return await known.runAsync(inputs)
  } finally { tf.dispose(inputs) }
}
