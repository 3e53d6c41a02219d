// recordTrainStep: chooses the rung, records a step per input shape, holds the first recording against op by op, runs.
import type * as tf from '@tensorflow/tfjs'
import { engineFor } from './engine.js'
import { EngineError } from './errors.js'
import { type Pass, pass } from './forward.js'
import { runOpByOp, stepKey } from './op-by-op.js'
import { globalNorm } from './optimizers.js'
import { Program } from './program.js'
import { RecordedStep } from './recorded-step.js'
import { difference, Tape } from './tape.js'
import { testedOps } from './tested-ops.js'
import type { Rung, StepOptions, StepResult, TensorMap, TrainStep, TrainStepOptions } from './types.js'
import { ImmediateWriter } from './writer.js'

/**
 * Forward pass, gradients and optimizer update as one TensorFlow function, recorded the first time each set of input shapes
 * comes along. The variables stay tf.Variables and show the new values after each step; clones keep the old ones.
 *
 * The first recording is compared with the same step op by op (the loss; with ops outside of testedOps also the norm of every gradient). Where TensorFlow cannot
 * differentiate an op, TensorFlow.js' own gradients are recorded; where nothing can be recorded, the step runs op by op.
 * `rung` and `rungReason` tell, and `onNote` is told once.
 *
 * @throws EngineError for groups, optimizers, rates or losses that cannot be trained with; TensorFlow's own errors by op
 * @example
 * const step = recordTrainStep({
 *   loss: ({ x, y }) => ({ loss: tf.losses.meanSquaredError(y, tf.matMul(x, w)) as tf.Scalar }),
 *   groups: [{ name: 'all', variables: [w] }], optimizer: { name: 'adamw' },
 * })
 * for (let i = 1; i <= 100; i++) step.run({ x, y }, { learningRate: 1e-3, step: i })
 */
export function recordTrainStep(options: TrainStepOptions): TrainStep {
  return new Step(new Program(engineFor(), options))
}

interface Reference { loss: number; squares?: Float32Array }

interface Trace { tape: Tape; /** Entries of the forward pass. */ forward: number; passed: Pass }

/** A recording that has yet to show that it is right. */
interface Candidate { recorded: RecordedStep; shapes: string; reference?: Reference; snapshots: { cell: ReturnType<Program['cell']>; id: number }[] }
type Plan = { recorded: RecordedStep; candidate?: Candidate } | { result: StepResult }
type Counted = StepResult & { squares: Float32Array }

class Step implements TrainStep {
  rungReason: string | undefined
  readonly #rungs: Rung[]
  readonly #recorded = new Map<string, RecordedStep>()
  #verified = false
  #busy = false
  #last: Promise<unknown> = Promise.resolve()

  constructor(readonly program: Program) {
    const all: Rung[] = ['tensorflow', 'tensorflow.js', 'op by op']
    this.#rungs = all.slice(all.indexOf(program.options.rung ?? 'tensorflow'))
  }

  get rung(): Rung { return this.#rungs[0]! }

  run(inputs: TensorMap, at: StepOptions): StepResult {
    if (this.#busy) throw new EngineError('Cannot run a step while another is running off the event loop: await runAsync first.')
    for (;;) {
      const plan = this.#plan(inputs, at)
      if ('result' in plan) return plan.result
      const result = this.#accept(plan, () => plan.recorded.run(inputs, at))
      if (result) return result
    }
  }

  runAsync(inputs: TensorMap, at: StepOptions): Promise<StepResult> {
    const before = this.#last
    const mine = before.catch(() => {}).then(() => this.#runAsync(inputs, at))
    this.#last = mine
    return mine
  }

  async #runAsync(inputs: TensorMap, at: StepOptions): Promise<StepResult> {
    this.#busy = true
    try {
      for (;;) {
        at.signal?.throwIfAborted()
        const plan = this.#plan(inputs, at)
        if ('result' in plan) return plan.result
        const made = await settled(plan.recorded.runAsync(inputs, at))
        const result = this.#accept(plan, made)
        if (result) return result
      }
    } finally {
      this.#busy = false
    }
  }

  /** What to run for these inputs: a recording, a new one with what it must equal, or nothing because the step was made op by op. */
  #plan(inputs: TensorMap, at: StepOptions): Plan {
    const { program } = this, { backend } = program.engine
    if (this.rung === 'op by op') return { result: runOpByOp(program, inputs, at) }
    backend.getInputTensorIds(Object.values(inputs))
    const shapes = Object.entries(inputs).map(([name, { shape, dtype }]) => `${name} ${dtype}[${shape}]`).sort().join(' ')
    const recorded = this.#recorded.get(shapes)
    return recorded ? { recorded } : this.#record(inputs, at, shapes)
  }

  #record(inputs: TensorMap, at: StepOptions, shapes: string): Plan {
    const { program } = this, { runtime, backend } = program.engine
    program.scalars(at)
    for (const variable of [...program.variables, ...program.state]) program.cell(variable)
    const key = stepKey(program.options.seed ?? 0, at.step)
    backend.getInputTensorIds([key])
    const rung = this.rung as 'tensorflow' | 'tensorflow.js'
    let traced: Trace | undefined
    try {
      const { tape, forward, passed } = traced = this.#trace(inputs, key, rung === 'tensorflow.js')
      const reason = tape.reason ?? (this.#verified ? undefined : this.#again(tape, forward, inputs, at))
      if (reason) this.#drop('op by op', `the step cannot be recorded: ${reason}`)
      else {
        const recorded = new RecordedStep(program, inputs, { tape, forward, passed, key }, rung)
        if (this.#verified) return { recorded, candidate: { recorded, shapes, snapshots: [] } }
        const reference = this.#reference(tape, passed, recorded, inputs, key)
        return { recorded, candidate: { recorded, shapes, reference, snapshots: program.cells().map((cell) => ({ cell, id: runtime.tensors.share(cell.id) })) } }
      }
    } catch (error) {
      if (!(error instanceof EngineError) || /^Cannot train/.test(error.message)) throw error
      this.#drop(rung === 'tensorflow' ? 'tensorflow.js' : 'op by op', error.message)
    } finally {
      traced?.passed.release()
      traced?.tape.release()
      key.dispose()
    }
    return this.#plan(inputs, at)
  }

  /** One pass with a tape running. */
  #trace(inputs: TensorMap, key: tf.Tensor, gradients: boolean): Trace {
    const { options, state, variables, engine: { runtime, backend } } = this.program
    const tape = new Tape(runtime)
    let forward = -1
    try {
      const passed = pass(backend, options.loss, inputs, key, state, gradients ? variables : undefined, () => { forward = tape.entries.length })
      backend.getInputTensorIds([passed.loss, ...Object.values(passed.outputs), ...passed.gradients.filter((one) => one !== undefined)])
      tape.stop()
      return { tape, forward, passed }
    } catch (error) {
      tape.stop()
      tape.release()
      throw error
    }
  }

  /** Runs the forward pass once more, as another step, and says what differs. */
  #again(tape: Tape, forward: number, inputs: TensorMap, at: StepOptions): string | undefined {
    const key = stepKey(this.program.options.seed ?? 0, at.step + 1)
    this.program.engine.backend.getInputTensorIds([key])
    try {
      const second = this.#trace(inputs, key, false)
      try {
        return difference(tape, second.tape, forward)
      } finally {
        second.passed.release()
        second.tape.release()
      }
    } finally {
      key.dispose()
    }
  }

  /**
   * What the first run of a recording must give: the loss, and the norms of TensorFlow.js' gradients where an op is
   * not among those whose gradients are held against others by our tests, or where the
   * user gave a gradient of their own (tf.customGrad).
   */
  #reference(tape: Tape, passed: Pass, recorded: RecordedStep, inputs: TensorMap, key: tf.Tensor): Reference {
    const loss = passed.loss.dataSync()[0]!
    if (passed.gradients.length) return { loss, squares: this.#squares(passed, recorded) }
    if (!passed.custom && tape.entries.every(({ op }) => testedOps.has(op))) return { loss }
    const { backend } = this.program.engine, { state, variables, options } = this.program
    const reference = pass(backend, options.loss, inputs, key, state, variables)
    try {
      return { loss, squares: this.#squares(reference, recorded) }
    } finally {
      reference.release()
    }
  }

  #squares(passed: Pass, { moved }: RecordedStep): Float32Array {
    const { runtime, backend } = this.program.engine, writer = new ImmediateWriter(runtime)
    const missing = moved.find((i) => !passed.gradients[i])
    if (missing !== undefined) throw new EngineError(`TensorFlow finds a gradient for ${this.program.trained[missing]!.variable.name} where TensorFlow.js finds none`)
    try {
      return runtime.tensors.read(globalNorm(writer, backend.getInputTensorIds(moved.map((i) => passed.gradients[i]!))).squares) as Float32Array
    } finally {
      writer.release()
    }
  }

  /** Runs what was planned; a new recording that is wrong leaves no trace but a rung less, and gives undefined. */
  #accept(plan: Extract<Plan, { recorded: RecordedStep }>, run: () => Counted): StepResult | undefined {
    const { candidate } = plan
    if (!candidate) return without(run())
    const { recorded, shapes, reference, snapshots } = candidate, { tensors } = this.program.engine.runtime
    let result: Counted | undefined
    try {
      result = run()
      const wrong = reference && this.#wrong(recorded, result, reference)
      if (!wrong) {
        this.#recorded.set(shapes, recorded)
        this.#verified = true
        return without(result)
      }
      this.#drop(this.rung === 'tensorflow' ? 'tensorflow.js' : 'op by op', wrong)
    } catch (error) {
      if (!(error instanceof EngineError) || error.code === 1 || error.code === 8) throw error
      this.#drop(this.rung === 'tensorflow' ? 'tensorflow.js' : 'op by op', error.message)
    } finally {
      if (!this.#recorded.has(shapes)) {
        for (const { cell, id } of snapshots) cell.assign(id)
        if (result) {
          this.program.updates--
          for (const tensor of Object.values(result.outputs)) tensor.dispose()
        }
        recorded.dispose()
      }
      for (const { id } of snapshots) tensors.delete(id)
    }
    return undefined
  }

  /** Loss within 1e-4, each gradient's norm within 1 % (mixed precision: 5 %, 20 %), or small beside the whole. */
  #wrong(recorded: RecordedStep, { loss, squares }: Counted, reference: Reference): string | undefined {
    const mixed = this.program.options.precision === 'mixed'
    const near = (a: number, b: number, relative: number, floor: number) => Math.abs(a - b) <= relative * Math.max(Math.abs(a), Math.abs(b)) + floor || Object.is(a, b)
    if (!near(loss, reference.loss, mixed ? 5e-2 : 1e-4, 1e-6)) return `its loss is ${loss} where op by op gives ${reference.loss}`
    if (!reference.squares) return undefined
    const whole = Math.sqrt(reference.squares.reduce((sum, square) => sum + square, 0))
    if (!Number.isFinite(whole)) return undefined
    for (const [i, square] of squares.entries()) {
      const [a, b] = [Math.sqrt(square), Math.sqrt(reference.squares[i]!)]
      if (!near(a, b, mixed ? 0.2 : 1e-2, (mixed ? 2e-2 : 1e-4) * whole + 1e-7)) return `the gradient of ${this.program.trained[recorded.moved[i]!]!.variable.name} has norm ${a} where op by op gives ${b}`
    }
    return undefined
  }

  #drop(to: Rung, reason: string): void {
    while (this.rung !== to) this.#rungs.shift()
    this.rungReason = this.rungReason ? `${this.rungReason}; then ${reason}` : reason
    const how = to === 'op by op' ? 'The training step runs op by op, which is slow' : "The training step is recorded with TensorFlow.js' gradients, which is slower and takes more memory"
    ;(this.program.options.onNote ?? console.warn)(`${how}: ${reason}.`)
  }

  slots(): Record<string, tf.Tensor> { return this.program.copySlots() }

  restoreSlots(slots: Record<string, tf.Tensor>): void { this.program.restoreSlots(slots) }

  dispose(): void {
    for (const recorded of this.#recorded.values()) recorded.dispose()
    this.#recorded.clear()
    this.program.dispose()
  }
}

function without({ loss, gradNorm, outputs }: Counted): StepResult {
  return { loss, gradNorm, outputs }
}

/** Waits for a promise and hands its outcome on as a function that returns or throws. */
async function settled<T>(promise: Promise<T>): Promise<() => T> {
  const [outcome] = await Promise.allSettled([promise])
  return () => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  }
}
