// The engine that the model room's tests run on.
import * as tf from '@tensorflow/tfjs'

export async function engine(): Promise<void> {
  await tf.setBackend('cpu')
}
