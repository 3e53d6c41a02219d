// How a tensor reads where something prints it (console.log, an object that holds it): kind, type and shape. Its values stay where they are.
import { inspect } from 'node:util'
import * as tf from '@tensorflow/tfjs'

Object.defineProperty(tf.Tensor.prototype, inspect.custom, {
  configurable: true, writable: true, enumerable: false,
  value(this: tf.Tensor) { return `${this instanceof tf.Variable ? 'Variable' : 'Tensor'} ${this.dtype} [${this.shape.join(', ')}]${this.isDisposed ? ' (disposed)' : ''}` },
})
