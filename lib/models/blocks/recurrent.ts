// Long short-term memory (Hochreiter and Schmidhuber 1997) with PyTorch's weights, and the mean of a sequence over stretches of its own length.
import * as tf from '@tensorflow/tfjs'
import { Block, type Symbolic } from './layer.js'

/** `[b, n, d]` → hidden states `[b, n, units]`. Gates stand in the order input, forget, cell, output. */
class LSTM extends Block {
  static readonly className = 'TorchLSTM'
  private inputWeights!: tf.LayerVariable
  private hiddenWeights!: tf.LayerVariable
  private inputBias!: tf.LayerVariable
  private hiddenBias!: tf.LayerVariable
  constructor(name: string, private readonly units: number) { super(name) }

  override build(shape: tf.Shape): void {
    this.inputWeights = this.weight('weight_ih', [shape.at(-1)!, 4 * this.units])
    this.hiddenWeights = this.weight('weight_hh', [this.units, 4 * this.units])
    this.inputBias = this.weight('bias_ih', [4 * this.units])
    this.hiddenBias = this.weight('bias_hh', [4 * this.units])
    this.built = true
  }

  override computeOutputShape(shape: tf.Shape): tf.Shape { return [...shape.slice(0, -1), this.units] }

  protected override compute([x]: tf.Tensor[]): tf.Tensor {
    const [batch, length, width] = x!.shape as [number, number, number]
    // What inputs add to the gates does not depend on what was before: one product for all of them.
    const fromInputs = tf.matMul(x!.reshape([-1, width]) as tf.Tensor2D, this.inputWeights.read() as tf.Tensor2D).add(this.inputBias.read()).add(this.hiddenBias.read())
    const gates = tf.unstack(fromInputs.reshape([batch, length, 4 * this.units]), 1) as tf.Tensor2D[]
    const weights = this.hiddenWeights.read() as tf.Tensor2D
    let cell: tf.Tensor | undefined, hidden: tf.Tensor | undefined
    const states = gates.map((gate) => {
      const [i, f, g, o] = tf.split(hidden ? gate.add(tf.matMul(hidden as tf.Tensor2D, weights)) : gate, 4, 1) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
      const news = i.sigmoid().mul(g.tanh())
      cell = cell ? f.sigmoid().mul(cell).add(news) : news
      hidden = o.sigmoid().mul(cell.tanh())
      return hidden
    })
    return tf.stack(states, 1)
  }

  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), units: this.units } }
}

class LastState extends Block {
  static readonly className = 'LastState'
  override computeOutputShape(shape: tf.Shape): tf.Shape { return [shape[0]!, shape[2]!] }
  protected override compute([x]: tf.Tensor[]): tf.Tensor { return x!.slice([0, x!.shape[1]! - 1, 0], [-1, 1, -1]).squeeze([1]) }
}

/** What is at most `silence` in all bands until the end is no part of a recording: it was added to fill it up. */
class Stretches extends Block {
  static readonly className = 'Stretches'
  constructor(name: string, private readonly count: number, private readonly silence: number) { super(name) }
  override computeOutputShape(shapes: tf.Shape[]): tf.Shape { return [shapes[0]![0]!, this.count * shapes[0]![2]!] }
  protected override compute([x, sounds]: tf.Tensor[]): tf.Tensor {
    const [batch, length, width] = x!.shape as [number, number, number], { count } = this
    const heard = tf.greater(sounds!.max(-1), tf.scalar(this.silence)).cast('float32')
    // The last frame that is heard, and all before it.
    const places = tf.range(1, length + 1, 1, 'float32')
    const long = heard.mul(places).max(1, true).maximum(count)
    const share = places.sub(1).expandDims(0).mul(count).div(long).floor()
    const members = tf.equal(share.expandDims(1), tf.range(0, count, 1, 'float32').reshape([1, count, 1])).cast('float32')
    const means = tf.matMul(members as tf.Tensor3D, x as tf.Tensor3D).div(members.sum(2, true).maximum(1))
    return means.reshape([batch, count * width])
  }
  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), count: this.count, silence: this.silence } }
}
for (const layer of [LSTM, LastState, Stretches]) tf.serialization.registerClass(layer as never)

export const lstm = (x: Symbolic, name: string, units: number): Symbolic => new LSTM(name, units).apply(x) as Symbolic
/** `[b, n, d]` → `[b, d]` */
export const lastState = (x: Symbolic, name: string): Symbolic => new LastState(name).apply(x) as Symbolic
/** x `[b, n, d]`, sounds `[b, n, bands]` → `[b, count · d]`: the mean of x over each of `count` equal stretches of what is heard. */
export const stretches = (x: Symbolic, sounds: Symbolic, name: string, o: { count: number; silence: number }): Symbolic => new Stretches(name, o.count, o.silence).apply([x, sounds]) as Symbolic
