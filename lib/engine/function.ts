// recordFunction: a forward computation (evaluation, prediction, preprocessing), recorded per input shape and run again and again.
import * as tf from '@tensorflow/tfjs'
import { engineFor, type StartedEngine } from './engine.js'
import { EngineError, StatusCode } from './errors.js'
import { stepKey } from './op-by-op.js'
import { stepRandom, withRandom } from './random.js'
import { RecordedCall } from './recorded-call.js'
import { evaluate, Shapes } from './shapes.js'
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

  /** Records the function and runs the recording; where there can be none, op by op. */
  #first(inputs: TensorMap, step: number): TensorMap {
    const key = this.#key(step)
    this.engine.backend.getInputTensorIds([key, ...Object.values(inputs)])
    try {
      const results = this.rung === 'op by op' ? undefined : this.#record(inputs, key, step)
      return results ?? released(this.#compute(inputs, key))
    } finally {
      key.dispose()
    }
  }

  /** By shapes alone, and with values where the function looks at them or fails. */
  #trace(inputs: TensorMap, key: tf.Tensor): { tape: Tape; outputs: TensorMap } {
    const { runtime } = this.engine
    try {
      return this.#traceWith(new Tape(runtime, new Shapes(runtime)), inputs, key)
    } catch {
      return this.#traceWith(new Tape(runtime), inputs, key)
    }
  }

  #traceWith(tape: Tape, inputs: TensorMap, key: tf.Tensor): { tape: Tape; outputs: TensorMap } {
    try {
      const outputs = this.#compute(inputs, key)
      this.engine.backend.getInputTensorIds(Object.values(outputs))
      tape.stop()
      return { tape, outputs }
    } catch (error) {
      tape.stop()
      tape.release()
      throw error
    }
  }

  /** @returns what the recording gives, or undefined when there is none */
  #record(inputs: TensorMap, key: tf.Tensor, step: number): TensorMap | undefined {
    const { tape, outputs } = this.#trace(inputs, key)
    let recorded: RecordedCall | undefined, results: TensorMap | undefined
    try {
      const reason = tape.reason ?? (this.#recorded.size ? undefined : this.#again(tape, inputs, step))
      if (reason) throw new EngineError(`it cannot be recorded: ${reason}`)
      recorded = new RecordedCall(this.engine, inputs, key, tape, outputs, this.options)
      results = recorded.run(inputs, this.#key(step))
      const wrong = this.#recorded.size ? undefined : this.#wrong(results, tape, outputs, inputs, step)
      if (wrong) throw new EngineError(`its output "${wrong.name}" differs from op by op by ${wrong.apart}`)
      this.#recorded.set(shapesOf(inputs), recorded)
      return results
    } catch (error) {
      recorded?.dispose()
      tf.dispose(results ?? {})
      if (!(error instanceof EngineError) || error.code === StatusCode.resourceExhausted) throw error
      this.#drop(error.message)
      return undefined
    } finally {
      tf.dispose(outputs)
      tape.release()
    }
  }

  /** Holds the first results against op by op. */
  #wrong(results: TensorMap, tape: Tape, outputs: TensorMap, inputs: TensorMap, step: number): Far | undefined {
    const { runtime, backend } = this.engine, names = Object.keys(outputs)
    const values = tape.shapes ? evaluate(runtime, tape.entries, backend.getInputTensorIds(names.map((name) => outputs[name]!))) : undefined
    const reference = values ? Object.fromEntries(names.map((name, i) => [name, tf.keep(backend.createOutputTensor({ id: values[i]!, shape: outputs[name]!.shape, dtype: runtime.tensors.dtype(values[i]!) }))])) : outputs
    try {
      const far = farFrom(results, reference, this.options.precision === 'mixed' ? 5e-2 : 1e-3)
      return far.length ? this.#beyondRounding(far, inputs, step, reference) : undefined
    } finally {
      if (values) tf.dispose(reference)
    }
  }

  /**
   * A function may blow rounding up (Adam's first step divides a gradient that is almost zero by itself). So where a recording differs,
   * the function is run op by op on inputs that differ in their last bits; what this moves as far is no fault of the recording.
   */
  #beyondRounding(far: Far[], inputs: TensorMap, step: number, outputs: TensorMap): Far | undefined {
    const key = this.#key(step), random = stepRandom(this.engine.backend, key)
    try {
      for (let nudge = 0; nudge < 4 && far.length; nudge++) {
        const nudged = Object.fromEntries(Object.entries(inputs).filter(([, { dtype }]) => dtype === 'float32').map(([name, tensor]) => [name, tf.tidy(() => tf.mul(tensor, tf.add(1, tf.mul(random.uniform(tensor.shape, -1, 1), 2 ** -21))))]))
        const other = this.#compute({ ...inputs, ...nudged }, key), moved = farFrom(other, outputs, 0)
        tf.dispose([nudged, other])
        far = far.filter(({ name, apart }) => apart > 16 * (moved.find((one) => one.name === name)?.apart ?? 0))
      }
      return far[0]
    } finally {
      key.dispose()
    }
  }

  #again(tape: Tape, inputs: TensorMap, step: number): string | undefined {
    const key = this.#key(step + 1)
    this.engine.backend.getInputTensorIds([key])
    try {
      const second = this.#trace(inputs, key)
      tf.dispose(second.outputs)
      try {
        return difference(tape, second.tape)
      } finally {
        second.tape.release()
      }
    } finally {
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

interface Far { name: string; apart: number }

/** The outputs that are further from the reference than `tolerance` × its largest value (and 1e-6, unless the tolerance is 0). */
function farFrom(results: TensorMap, reference: TensorMap, tolerance: number): Far[] {
  return Object.entries(results).flatMap(([name, result]) => {
    const [a, b] = [result, reference[name]!].map((tensor) => tensor.dtype === 'string' ? undefined : tensor.dataSync())
    if (!a || !b) return []
    let largest = 0, apart = 0
    for (let i = 0; i < b.length; i++) {
      largest = Math.max(largest, Math.abs(b[i]!))
      apart = Math.max(apart, Math.abs(a[i]! - b[i]!))
    }
    return apart > tolerance * largest + (tolerance && 1e-6) ? [{ name, apart }] : []
  })
}
