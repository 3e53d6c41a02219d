// Convolutions along a sequence: with strides that shorten a waveform, and the grouped one whose weights are a length and a direction.
import * as tf from '@tensorflow/tfjs'
import { Block, type Symbolic } from './layer.js'

/** `[b, n, c]` → `[b, (n − kernel) / stride + 1, filters]`, without padding. */
class SequenceConvolution extends Block {
  static readonly className = 'SequenceConvolution'
  private kernel!: tf.LayerVariable
  private bias: tf.LayerVariable | undefined
  constructor(name: string, private readonly o: { filters: number; kernel: number; stride: number; bias: boolean }) { super(name) }
  override build(shape: tf.Shape): void {
    this.kernel = this.weight('kernel', [this.o.kernel, shape.at(-1)!, this.o.filters])
    if (this.o.bias) this.bias = this.weight('bias', [this.o.filters])
    this.built = true
  }
  override computeOutputShape([batch, length]: tf.Shape): tf.Shape { return [batch!, length === null ? null : Math.floor((length! - this.o.kernel) / this.o.stride) + 1, this.o.filters] }
  protected override compute([x]: tf.Tensor[]): tf.Tensor {
    const y = tf.conv1d(x as tf.Tensor3D, this.kernel.read() as tf.Tensor3D, this.o.stride, 'valid')
    return this.bias ? y.add(this.bias.read()) : y
  }
  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), ...this.o } }
}
tf.serialization.registerClass(SequenceConvolution as never)

/** Each channel of an example is normalized over its length: group normalization with as many groups as channels (Wu and He 2018). */
class ChannelNorm extends Block {
  static readonly className = 'ChannelNorm'
  private gamma!: tf.LayerVariable
  private beta!: tf.LayerVariable
  constructor(name: string, private readonly epsilon: number) { super(name) }
  override build(shape: tf.Shape): void {
    this.gamma = this.weight('gamma', [shape.at(-1)!], 'ones')
    this.beta = this.weight('beta', [shape.at(-1)!])
    this.built = true
  }
  protected override compute([x]: tf.Tensor[]): tf.Tensor {
    const y = x!.sub(x!.mean(1, true))
    return y.mul(y.square().mean(1, true).add(this.epsilon).rsqrt()).mul(this.gamma.read()).add(this.beta.read())
  }
  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), epsilon: this.epsilon } }
}
tf.serialization.registerClass(ChannelNorm as never)

/**
 * `[b, n, d]` → the same shape: each group of channels by itself, weights g · v / ‖v‖ with one length g for each place of the kernel (Salimans and
 * Kingma 2016). Of an even kernel the padding's extra frame at the end is dropped.
 */
class NormedGroupConvolution extends Block {
  static readonly className = 'NormedGroupConvolution'
  private g!: tf.LayerVariable
  private v!: tf.LayerVariable
  private bias!: tf.LayerVariable
  constructor(name: string, private readonly o: { kernel: number; groups: number }) { super(name) }
  override build(shape: tf.Shape): void {
    const width = shape.at(-1)!
    this.g = this.weight('weight_g', [this.o.kernel, 1, 1], 'ones')
    this.v = this.weight('weight_v', [this.o.kernel, width / this.o.groups, width])
    this.bias = this.weight('bias', [width])
    this.built = true
  }
  protected override compute([x]: tf.Tensor[]): tf.Tensor {
    const { kernel, groups } = this.o, v = this.v.read()
    const weight = v.mul(this.g.read().div(v.square().sum([1, 2], true).sqrt()))
    const before = Math.floor(kernel / 2), after = kernel - 1 - before
    const padded = tf.pad(x!, [[0, 0], [before, after], [0, 0]])
    const parts = tf.split(padded, groups, 2), kernels = tf.split(weight, groups, 2)
    return tf.concat(parts.map((part, i) => tf.conv1d(part as tf.Tensor3D, kernels[i] as tf.Tensor3D, 1, 'valid')), 2).add(this.bias.read())
  }
  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), ...this.o } }
}
tf.serialization.registerClass(NormedGroupConvolution as never)

class OneChannel extends Block {
  static readonly className = 'OneChannel'
  override computeOutputShape(shape: tf.Shape): tf.Shape { return [...shape, 1] }
  protected override compute([x]: tf.Tensor[]): tf.Tensor { return x!.expandDims(-1) }
}
tf.serialization.registerClass(OneChannel as never)

/** `[b, samples]` → `[b, samples, 1]` */
export const oneChannel = (x: Symbolic, name: string): Symbolic => new OneChannel(name).apply(x) as Symbolic
export const sequenceConvolution = (x: Symbolic, name: string, o: { filters: number; kernel: number; stride: number; bias: boolean }): Symbolic => new SequenceConvolution(name, o).apply(x) as Symbolic
export const channelNorm = (x: Symbolic, name: string, epsilon: number): Symbolic => new ChannelNorm(name, epsilon).apply(x) as Symbolic
export const normedGroupConvolution = (x: Symbolic, name: string, o: { kernel: number; groups: number }): Symbolic => new NormedGroupConvolution(name, o).apply(x) as Symbolic
