// The activation functions of transformers, under the names that their configurations use.
import * as tf from '@tensorflow/tfjs'
import { ModelError } from '../errors.js'
import { Block, type Symbolic } from './layer.js'

const kinds: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  linear: (x) => x.clone(),
  relu: (x) => x.relu(),
  gelu: (x) => x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1)), // the exact form, with erf
  gelu_new: (x) => x.mul(0.5).mul(x.add(x.mul(x).mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI)).tanh().add(1)),
  silu: (x) => x.mul(x.sigmoid()),
  tanh: (x) => x.tanh(),
}
kinds['swish'] = kinds['silu']!
kinds['gelu_pytorch_tanh'] = kinds['gelu_new']!

export function activationNamed(kind: string): (x: tf.Tensor) => tf.Tensor {
  return kinds[kind] ?? (() => { throw new ModelError(`Cannot use the activation "${kind}": known are ${Object.keys(kinds).join(', ')}.`) })()
}

class Activation extends Block {
  static readonly className = 'NamedActivation'
  private readonly f: (x: tf.Tensor) => tf.Tensor
  constructor(name: string, private readonly kind: string) {
    super(name)
    this.f = activationNamed(kind)
  }
  protected override compute([x]: tf.Tensor[]): tf.Tensor { return this.f(x!) }
  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), kind: this.kind } }
}
tf.serialization.registerClass(Activation as never)

export const activate = (x: Symbolic, name: string, kind: string): Symbolic => new Activation(name, kind).apply(x) as Symbolic

/** a · b, such as a gate and what it lets through. */
export const product = (a: Symbolic, b: Symbolic, name: string): Symbolic => tf.layers.multiply({ name }).apply([a, b]) as Symbolic
