// What stays the same from step to step: the variables and their cells, the optimizer and its slots, the numbers each step needs.
import * as tf from '@tensorflow/tfjs'
import { type Cell, Cell as OneCell, cellOf } from './cells.js'
import { DType } from './dtypes.js'
import type { StartedEngine } from './engine.js'
import { EngineError } from './errors.js'
import { optimizerFor, type Optimizer, weightDecayOf } from './optimizers.js'
import type { StepOptions, TrainStepOptions } from './types.js'

export interface Trained { variable: tf.Variable; group: number; decays: boolean }

export class Program {
  readonly optimizer: Optimizer
  readonly trained: readonly Trained[]
  readonly state: readonly tf.Variable[]
  /** By variable, then by slot. */
  readonly #slots: Cell[][] = []
  /** Updates made with these slots; Adam's bias correction counts them. */
  updates = 0

  constructor(readonly engine: StartedEngine, readonly options: TrainStepOptions) {
    this.optimizer = optimizerFor(options.optimizer ?? { name: 'adamw' })
    checkGroups(options)
    const spec = options.optimizer ?? { name: 'adamw' }
    this.trained = options.groups.flatMap((group, i) => group.variables.map((variable) => ({ variable, group: i, decays: weightDecayOf(group, spec) !== 0 })))
    this.state = options.state ?? []
  }

  get variables(): tf.Variable[] { return this.trained.map(({ variable }) => variable) }

  cell(variable: tf.Variable): Cell {
    if (variable.isDisposed) throw new EngineError(`Cannot run the step: the variable ${variable.name} has been disposed. Record a new step.`)
    return cellOf(this.engine.runtime, this.engine.backend, variable)
  }

  /** The optimizer's slots of a variable, zeros at first. */
  slots(index: number): Cell[] {
    return this.#slots[index] ??= this.optimizer.slots.map(() => this.#zeros(this.trained[index]!.variable.shape))
  }

  #zeros(shape: readonly number[]): Cell {
    const { runtime } = this.engine
    const dims = runtime.tensors.create([shape.length], DType.int32, Int32Array.from(shape)), zero = runtime.tensors.create([], DType.float32, [0])
    const [filled] = runtime.run('Fill', [], [dims, zero], 1)
    const cell = new OneCell(runtime, shape, DType.float32, filled!.id)
    for (const id of [dims, zero, filled!.id]) runtime.tensors.delete(id)
    return cell
  }

  /** The numbers of the coming update, group after group. */
  scalars(at: StepOptions): Float32Array {
    const { groups, optimizer = { name: 'adamw' } } = this.options
    checkStep(at, groups.length)
    return Float32Array.from(groups.flatMap((group, i) => this.optimizer.scalars(at.rates?.[i] ?? at.learningRate * (group.rate ?? 1), weightDecayOf(group, optimizer), this.updates + 1)))
  }

  /** All that a step may change. */
  cells(): Cell[] {
    return [...[...this.variables, ...this.state].map((variable) => this.cell(variable)), ...this.trained.flatMap((_, i) => this.slots(i))]
  }

  copySlots(): Record<string, tf.Tensor> {
    const { runtime, backend } = this.engine
    const copies: Record<string, tf.Tensor> = { updates: tf.scalar(this.updates, 'int32') }
    this.trained.forEach(({ variable }, i) => this.optimizer.slots.forEach((name, j) => {
      const { id, shape, dtype } = this.slots(i)[j]!
      copies[`${variable.name}/${name}`] = backend.createOutputTensor({ id: runtime.tensors.share(id), shape: [...shape], dtype })
    }))
    return copies
  }

  restoreSlots(slots: Record<string, tf.Tensor>): void {
    this.trained.forEach(({ variable }, i) => this.optimizer.slots.forEach((name, j) => {
      const tensor = slots[`${variable.name}/${name}`]
      if (!tensor) return
      if (String(tensor.shape) !== String(variable.shape)) throw new EngineError(`Cannot restore ${variable.name}/${name}: its shape must be [${variable.shape}]: got [${tensor.shape}]. Restore the state of the same model.`)
      this.slots(i)[j]!.assign(this.engine.backend.getInputTensorIds([tensor])[0]!)
    }))
    if (slots['updates']) this.updates = slots['updates'].dataSync()[0]!
  }

  dispose(): void {
    for (const cells of this.#slots.splice(0)) cells?.forEach((cell) => cell.dispose())
  }
}

function checkGroups({ groups, clipNorm, state = [] }: TrainStepOptions): void {
  const seen = new Map<tf.Variable, string>()
  for (const { name, variables } of groups) {
    for (const variable of variables) {
      const before = seen.get(variable)
      if (before !== undefined) throw new EngineError(`Cannot train: the variable ${variable.name} is in the groups "${before}" and "${name}". A variable belongs to one group.`)
      if (variable.dtype !== 'float32') throw new EngineError(`Cannot train the variable ${variable.name}: it must be float32: it is ${variable.dtype}.`)
      seen.set(variable, name)
    }
  }
  if (seen.size === 0) throw new EngineError('Cannot train: the groups hold no variables. Unfreeze part of the model, or add its head.')
  const both = state.find((variable) => seen.has(variable))
  if (both) throw new EngineError(`Cannot train: the variable ${both.name} is both trained and state. The optimizer updates the one, the loss assigns the other.`)
  if (clipNorm !== undefined && !(clipNorm > 0 && Number.isFinite(clipNorm))) throw new EngineError(`Cannot clip the gradients to a norm of ${clipNorm}: it must be above 0. Leave clipNorm out for no clipping.`)
}

function checkStep({ learningRate, rates, step }: StepOptions, groups: number): void {
  if (rates && rates.length !== groups) throw new EngineError(`Cannot run the step: rates must hold one learning rate for each of the ${groups} groups: got ${rates.length}.`)
  for (const rate of rates ?? [learningRate]) if (!Number.isFinite(rate) || rate < 0) throw new EngineError(`Cannot run the step: a learning rate must be a number of at least 0: got ${rate}.`)
  if (!Number.isInteger(step) || step < 0) throw new EngineError(`Cannot run the step: step must be a whole number, counted from 1: got ${step}.`)
}
