// recordFunction: a forward computation (evaluation, prediction, preprocessing) that is run again and again.
import * as tf from '@tensorflow/tfjs'
import { engineFor } from './engine.js'
import { stepKey } from './op-by-op.js'
import { stepRandom } from './random.js'
import type { CallOptions, FunctionOptions, RecordedFunction, Rung, StepContext, TensorMap } from './types.js'

export function recordFunction(f: (inputs: TensorMap, context: StepContext) => TensorMap, options: FunctionOptions = {}): RecordedFunction {
  return new Call(f, options)
}

class Call implements RecordedFunction {
  rung: Rung = 'op by op'
  rungReason: string | undefined

  constructor(readonly f: (inputs: TensorMap, context: StepContext) => TensorMap, readonly options: FunctionOptions) {}

  run(inputs: TensorMap, { step = 0 }: CallOptions = {}): TensorMap {
    const { backend } = engineFor()
    return tf.tidy(() => this.f(inputs, { training: false, random: stepRandom(backend, stepKey(this.options.seed ?? 0, step)) }))
  }

  async runAsync(inputs: TensorMap, options: CallOptions = {}): Promise<TensorMap> {
    return this.run(inputs, options)
  }

  dispose(): void {}
}
