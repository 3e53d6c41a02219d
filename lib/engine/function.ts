// recordFunction: a forward computation (evaluation, prediction, preprocessing), recorded per input shape and run again and again.
import * as tf from '@tensorflow/tfjs'
import { engineFor, type StartedEngine } from './engine.js'
import { EngineError } from './errors.js'
import { stepKey } from './op-by-op.js'
import { stepRandom, withRandom } from './random.js'
import { RecordedCall } from './recorded-call.js'
import { difference, Tape } from './tape.js'
import type { CallOptions, FunctionOptions, RecordedFunction, Rung, StepContext, TensorMap } from './types.js'

export type Compute = (inputs: TensorMap, context: StepContext) => TensorMap

/**
 * A function of tensors as one TensorFlow function, recorded the first time each set of input shapes comes along. It may read
 * any tf.Variable; each call sees the values of that moment. The first recording is compared with op by op.
 *
 * @throws TensorFlow's own errors by op; EngineError when f does not return tensors by name
 * @example
 * const predict = recordFunction(({ images }) => ({ logits: network.predict(images) as tf.Tensor }))
 * const { logits } = predict.run({ images })
 */
export function recordFunction(f: Compute, options: FunctionOptions = {}): RecordedFunction {
  return new Call(engineFor(), f, options)
}

class Call implements RecordedFunction {
  rung: Rung
  rungReason: string | undefined
  readonly #recorded = new Map<string, RecordedCall>()

  constructor(readonly engine: StartedEngine, readonly f: Compute, readonly options: FunctionOptions) {
    this.rung = options.rung === 'op by op' ? 'op by op' : 'tensorflow'
  }

  run(inputs: TensorMap, { step = 0 }: CallOptions = {}): TensorMap {
    const known = this.#known(inputs)
    return known ? known.run(inputs, this.#key(step)) : this.#first(inputs, step)
  }

  async runAsync(inputs: TensorMap, { step = 0, signal }: CallOptions = {}): Promise<TensorMap> {
    const known = this.#known(inputs)
    return known ? known.runAsync(inputs, this.#key(step), signal) : this.#first(inputs, step)
  }

  #key(step: number): tf.Tensor { return tf.keep(stepKey(this.options.seed ?? 0, step)) }

  #known(inputs: TensorMap): RecordedCall | undefined {
    return this.rung === 'op by op' ? undefined : this.#recorded.get(shapesOf(inputs))
  }

  #compute(inputs: TensorMap, key: tf.Tensor): TensorMap {
    const context: StepContext = { training: false, random: stepRandom(this.engine.backend, key) }
    const kept: tf.Tensor[] = []
    let names: string[] = []
    tf.tidy(() => {
      const outputs = withRandom(context.random, () => this.f(inputs, context))
      for (const [name, tensor] of Object.entries(outputs ?? {})) {
        if (!(tensor instanceof tf.Tensor)) throw new EngineError(`Cannot run the function: its output "${name}" must be a tensor: got ${typeof tensor}. Return tensors by name.`)
      }
      names = Object.keys(outputs ?? {})
      kept.push(...Object.values(outputs ?? {}).map((tensor) => tf.keep(tensor.clone())))
    })
    return Object.fromEntries(names.map((name, i) => [name, kept[i]!]))
  }

  /** Runs op by op, and records while doing so; these results are the caller's. */
  #first(inputs: TensorMap, step: number): TensorMap {
    const { runtime, backend } = this.engine
    const key = this.#key(step)
    backend.getInputTensorIds([key, ...Object.values(inputs)])
    if (this.rung === 'op by op') {
      try {
        return released(this.#compute(inputs, key))
      } finally {
        key.dispose()
      }
    }
    const tape = new Tape(runtime)
    let outputs: TensorMap | undefined
    try {
      try {
        outputs = this.#compute(inputs, key)
        backend.getInputTensorIds(Object.values(outputs))
      } finally {
        tape.stop()
      }
      this.#record(inputs, key, tape, outputs, step)
      return released(outputs)
    } finally {
      tape.release()
      key.dispose()
    }
  }

  #record(inputs: TensorMap, key: tf.Tensor, tape: Tape, outputs: TensorMap, step: number): void {
    const reason = tape.reason ?? (this.#recorded.size ? undefined : this.#again(tape, inputs, step))
    if (reason) return this.#drop(`it cannot be recorded: ${reason}`)
    let recorded: RecordedCall | undefined
    try {
      recorded = new RecordedCall(this.engine, inputs, key, tape, outputs, this.options)
      if (!this.#recorded.size) {
        const wrong = farFrom(recorded.run(inputs, this.#key(step)), outputs, this.options.precision === 'mixed' ? 5e-2 : 1e-3)
        if (wrong) throw new EngineError(wrong)
      }
      this.#recorded.set(shapesOf(inputs), recorded)
    } catch (error) {
      recorded?.dispose()
      if (!(error instanceof EngineError)) throw error
      this.#drop(error.message)
    }
  }

  #again(tape: Tape, inputs: TensorMap, step: number): string | undefined {
    const key = this.#key(step + 1)
    this.engine.backend.getInputTensorIds([key])
    const second = new Tape(this.engine.runtime)
    try {
      tf.dispose(this.#compute(inputs, key))
    } finally {
      second.stop()
    }
    try {
      return difference(tape, second)
    } finally {
      second.release()
      key.dispose()
    }
  }

  #drop(reason: string): void {
    this.rung = 'op by op'
    this.rungReason = reason
    ;(this.options.onNote ?? console.warn)(`The function runs op by op, which is slow: ${reason}.`)
  }

  dispose(): void {
    for (const recorded of this.#recorded.values()) recorded.dispose()
    this.#recorded.clear()
  }
}

function shapesOf(inputs: TensorMap): string {
  return Object.entries(inputs).map(([name, { shape, dtype }]) => `${name} ${dtype}[${shape}]`).sort().join(' ')
}

/** Kept tensors as ordinary ones, which a tidy around the call would dispose. */
function released(outputs: TensorMap): TensorMap {
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => {
    const mine = tensor.clone()
    tensor.dispose()
    return [name, mine]
  }))
}

/** Says which output is further from the reference than `tolerance` × its largest value; disposes the results. */
function farFrom(results: TensorMap, reference: TensorMap, tolerance: number): string | undefined {
  for (const [name, result] of Object.entries(results)) {
    const [a, b] = [result, reference[name]!].map((tensor) => tensor.dtype === 'string' ? undefined : tensor.dataSync())
    result.dispose()
    if (!a || !b) continue
    let largest = 0, apart = 0
    for (let i = 0; i < b.length; i++) {
      largest = Math.max(largest, Math.abs(b[i]!))
      apart = Math.max(apart, Math.abs(a[i]! - b[i]!))
    }
    if (apart > tolerance * largest + 1e-6) return `its output "${name}" differs from op by op by ${apart}`
  }
  return undefined
}
