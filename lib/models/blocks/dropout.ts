// Dropout whose random numbers come from the training step, so that a recorded step draws new ones each time.
import * as tf from '@tensorflow/tfjs'
import { Block, dropped, type Passed, type Symbolic } from './layer.js'

/** Sets a share `rate` of the values to zero in training and scales the rest by 1 / (1 − rate). */
export class Dropout extends Block {
  static readonly className = 'StepDropout'
  private readonly rate: number

  constructor(config: { name: string; rate: number }) {
    super(config.name)
    this.rate = config.rate
  }

  protected override compute([x]: tf.Tensor[], passed: Passed): tf.Tensor { return dropped(x!, this.rate, passed) }

  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), rate: this.rate } }
}
tf.serialization.registerClass(Dropout as never)

/** x itself where nothing is dropped, so that the network has no idle layers. */
export const dropout = (x: Symbolic, name: string, rate: number): Symbolic => rate === 0 ? x : new Dropout({ name, rate }).apply(x) as Symbolic
