// recordTrainStep: chooses the rung, records a step per input shape, holds the first recording against op by op, runs.
import * as tf from '@tensorflow/tfjs'
import type { Workers } from './cluster/index.js'
import { engineFor } from './engine.js'
import { EngineError, StatusCode } from './errors.js'
import { type Pass, pass } from './forward.js'
import { runOpByOp, stepKey } from './op-by-op.js'
import { globalNorm } from './optimizers.js'
import { Program } from './program.js'
import { type Recording, RecordedStep } from './recorded-step.js'
import { evaluate, Shapes } from './shapes.js'
import { difference, Tape } from './tape.js'
import { testedOps } from './tested-ops.js'
import type { Gathering } from './update.js'
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

interface Snapshot { cell: ReturnType<Program['cell']>; /** undefined: zeros */ id: number | undefined }

/** A recording that has yet to show that it is right. */
interface Candidate { recorded: RecordedStep; shapes: string; reference?: Reference; snapshots: Snapshot[] }
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
    if (this.rung === 'op by op') return { result: runOpByOp(program, inputs, at, this.#gathering(at)) }
    backend.getInputTensorIds(Object.values(inputs))
    const shapes = `${this.#gathering(at)}: ${Object.entries(inputs).map(([name, { shape, dtype }]) => `${name} ${dtype}[${shape}]`).sort().join(' ')}`
    const recorded = this.#recorded.get(shapes)
    return recorded ? { recorded } : this.#record(inputs, at, shapes)
  }

  #gathering({ gather }: StepOptions): Gathering {
    const { gathered, options: { accumulate = 1 } } = this.program
    const gathers = gather ?? gathered + 1 < accumulate
    return gathers ? (gathered ? 'more' : 'first') : gathered ? 'last' : 'none'
  }

  #record(inputs: TensorMap, at: StepOptions, shapes: string): Plan {
    const { program } = this, { backend } = program.engine
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
        const recording = { tape, forward, passed, key }
        if (program.options.workers && !this.#verified && this.#trial(program.options.workers, recording, rung, inputs, at)) return this.#plan(inputs, at)
        const recorded = new RecordedStep(program, inputs, recording, rung, program.options.workers, this.#gathering(at))
        if (this.#verified || program.options.workers) return { recorded, candidate: { recorded, shapes, snapshots: [] } }
        const reference = this.#reference(traced, recorded, inputs, key)
        return { recorded, candidate: { recorded, shapes, reference, snapshots: this.#snapshots() } }
      }
    } catch (error) {
      if (error instanceof EngineError && error.code === StatusCode.resourceExhausted) program.gathered = 0
      if (!(error instanceof EngineError) || /^Cannot train/.test(error.message) || error.code === StatusCode.resourceExhausted) throw error
      this.#drop(rung === 'tensorflow' ? 'tensorflow.js' : 'op by op', error.message)
    } finally {
      traced?.passed.release()
      traced?.tape.release()
      key.dispose()
    }
    return this.#plan(inputs, at)
  }

  /** In a cluster the recording is first held against op by op as if this worker were alone; the workers go down a rung together. @returns whether they did */
  #trial(workers: Workers, recording: Recording, rung: 'tensorflow' | 'tensorflow.js', inputs: TensorMap, at: StepOptions): boolean {
    const { program } = this, snapshots = this.#snapshots(), goBack = program.remember()
    let wrong: string | undefined, alone: RecordedStep | undefined
    try {
      alone = new RecordedStep(program, inputs, recording, rung, undefined, this.#gathering(at))
      const reference = this.#reference(recording, alone, inputs, recording.key)
      const result = alone.run(inputs, at)
      tf.dispose(result.outputs)
      wrong = this.#wrong(alone, result, reference)
    } catch (error) {
      if (!(error instanceof EngineError) || /^Cannot train/.test(error.message)) throw error
      wrong = error.message
    } finally {
      alone?.dispose()
      goBack()
      this.#restore(snapshots)
      this.#forget(snapshots)
    }
    const [votes] = workers.sumNow([wrong ? 1 : 0])
    if (votes! > 0) this.#drop(rung === 'tensorflow' ? 'tensorflow.js' : 'op by op', wrong ?? 'another worker of the cluster could not take this one')
    return votes! > 0
  }

  /** What a step may change, as it is now; what is zeros anyway is not held. */
  #snapshots(): Snapshot[] {
    const { program } = this, { tensors } = program.engine.runtime
    return program.cells().map((cell) => ({ cell, id: program.isFresh(cell) ? undefined : tensors.share(cell.id) }))
  }

  #restore(snapshots: readonly Snapshot[]): void {
    for (const { cell, id } of snapshots) if (id === undefined) cell.clear(); else cell.assign(id)
  }

  #forget(snapshots: readonly Snapshot[]): void {
    for (const { id } of snapshots) if (id !== undefined) this.program.engine.runtime.tensors.delete(id)
  }

  /** One pass with a tape running: by shapes alone, and with values where the function looks at them or fails. */
  #trace(inputs: TensorMap, key: tf.Tensor, gradients: boolean): Trace {
    const { runtime } = this.program.engine
    try {
      return this.#traceWith(new Tape(runtime, new Shapes(runtime)), inputs, key, gradients)
    } catch {
      return this.#traceWith(new Tape(runtime), inputs, key, gradients)
    }
  }

  #traceWith(tape: Tape, inputs: TensorMap, key: tf.Tensor, gradients: boolean): Trace {
    const { options, state, variables, engine: { backend } } = this.program
    let forward = -1
    try {
      const passed = pass(backend, options.loss, inputs, key, state, gradients ? variables : undefined, options.workers, () => { forward = tape.entries.length })
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
  #reference(traced: Trace, recorded: RecordedStep, inputs: TensorMap, key: tf.Tensor): Reference {
    const { tape, passed } = traced
    if (passed.gradients.length) return this.#valuesOf(traced, recorded)
    if (!passed.custom && tape.entries.every(({ op }) => testedOps.has(op))) return this.#valuesOf(traced)
    const whole = this.#trace(inputs, key, true)
    try {
      return this.#valuesOf(whole, recorded)
    } finally {
      whole.passed.release()
      whole.tape.release()
    }
  }

  /** The loss of a trace, and the squares of its gradients where a recording is given. */
  #valuesOf({ tape, passed }: Trace, recorded?: RecordedStep): Reference {
    const { runtime, backend } = this.program.engine, { tensors } = runtime, writer = new ImmediateWriter(runtime)
    const missing = recorded?.moved.find((i) => !passed.gradients[i])
    if (missing !== undefined) throw new EngineError(`TensorFlow finds a gradient for ${this.program.trained[missing]!.variable.name} where TensorFlow.js finds none`)
    const wanted = backend.getInputTensorIds([passed.loss, ...(recorded?.moved ?? []).map((i) => passed.gradients[i]!)])
    const [loss, ...gradients] = tape.shapes ? evaluate(runtime, tape.entries, wanted) : wanted.map((id) => tensors.share(id))
    try {
      const value = (tensors.read(loss!) as Float32Array)[0]!
      return recorded ? { loss: value, squares: tensors.read(globalNorm(writer, gradients).squares) as Float32Array } : { loss: value }
    } finally {
      for (const id of [loss!, ...gradients]) tensors.delete(id)
      writer.release()
    }
  }

  /** Runs what was planned; a new recording that is wrong leaves no trace but a rung less, and gives undefined. */
  #accept(plan: Extract<Plan, { recorded: RecordedStep }>, run: () => Counted): StepResult | undefined {
    const { candidate } = plan
    if (!candidate) return without(this.#orForget(run))
    const goBack = this.program.remember()
    const { recorded, shapes, reference, snapshots } = candidate
    let result: Counted | undefined
    try {
      result = this.#orForget(run)
      const wrong = reference && this.#wrong(recorded, result, reference)
      if (!wrong) {
        this.#recorded.set(shapes, recorded)
        this.#verified = true
        return without(result)
      }
      this.#drop(this.rung === 'tensorflow' ? 'tensorflow.js' : 'op by op', wrong)
    } catch (error) {
      if (!(error instanceof EngineError) || error.code === 1 || error.code === 8 || error.code === 14) throw error
      this.#drop(this.rung === 'tensorflow' ? 'tensorflow.js' : 'op by op', error.message)
    } finally {
      if (!this.#recorded.has(shapes)) {
        this.#restore(snapshots)
        if (result) {
          goBack()
          for (const tensor of Object.values(result.outputs)) tensor.dispose()
        }
        recorded.dispose()
      }
      this.#forget(snapshots)
    }
    return undefined
  }

  /** A step that fails may have added a part of its gradients to those gathered before: gathering begins anew. */
  #orForget(run: () => Counted): Counted {
    try {
      return run()
    } catch (error) {
      this.program.gathered = 0
      throw error
    }
  }

  /** Loss within 0.1 % (fifty fresh layers with batch norm have been seen to make 0.012 % of one rounding), each gradient's norm within 1 % (mixed precision: 5 %, 20 %), or small beside the whole. */
  #wrong(recorded: RecordedStep, { loss, squares }: Counted, reference: Reference): string | undefined {
    const mixed = this.program.options.precision === 'mixed'
    const near = (a: number, b: number, relative: number, floor: number) => Math.abs(a - b) <= relative * Math.max(Math.abs(a), Math.abs(b)) + floor || Object.is(a, b)
    if (!near(loss, reference.loss, mixed ? 5e-2 : 1e-3, 1e-6)) return `its loss is ${loss} where op by op gives ${reference.loss}`
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

  get operations(): Readonly<Record<string, number>> { return [...this.#recorded.values()].at(-1)?.operations ?? {} }

  slots(): Record<string, tf.Tensor> { return this.program.copySlots() }

  averages(): Record<string, tf.Tensor> { return this.program.copyAverages() }

  restoreSlots(slots: Record<string, tf.Tensor>): void { this.program.restoreSlots(slots) }

  dispose(): void {
    for (const recorded of this.#recorded.values()) recorded.dispose()
    this.#recorded.clear()
    this.program.dispose()
  }
}

function without({ loss, gradNorm, updated, signals, outputs }: Counted): StepResult {
  return { loss, gradNorm, updated, signals, outputs }
}

/** Waits for a promise and hands its outcome on as a function that returns or throws. */
async function settled<T>(promise: Promise<T>): Promise<() => T> {
  const [outcome] = await Promise.allSettled([promise])
  return () => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  }
}
