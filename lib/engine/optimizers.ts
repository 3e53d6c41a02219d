// Optimizers as TensorFlow's own fused ops with PyTorch's arithmetic: which slots they keep, which numbers they need each step, how they update.
import { EngineError } from './errors.js'
import type { OptimizerSpec, ParameterGroup } from './types.js'
import type { OpWriter } from './writer.js'

export interface Update<Ref> {
  resource: Ref
  /** The variable's value before the update. */
  value: Ref
  shape: readonly number[]
  gradient: Ref
  slots: Ref[]
  /** What this optimizer's `scalars` returned for the variable's group. */
  scalars: Ref[]
  /** Ops that must have run before the variable changes. */
  after: readonly Ref[]
}

/** An update of some rows. */
export interface RowUpdate<Ref> extends Omit<Update<Ref>, 'value' | 'shape'> { rows: Ref }

export interface Slot { name: string; shape: readonly number[] }

export interface Optimizer {
  /** What it keeps of a variable, zeros at first. */
  slots(shape: readonly number[]): Slot[]
  /** How many numbers a group needs in each step. */
  readonly scalarsPerGroup: number
  /** Numbers with which a gradient of zeros changes nothing, for a step whose gradients overflowed. */
  readonly idle: readonly number[]
  /** Whether the update reads the variable's value even without decay. */
  readonly readsValue?: boolean
  /** The numbers of one group for the update number `count` (from 1), in double precision. */
  scalars(rate: number, weightDecay: number, count: number): number[]
  /** The same for some rows of a variable and of its slots; missing where an optimizer cannot. */
  updateRows?<Ref>(writer: OpWriter<Ref>, at: RowUpdate<Ref>, decays: boolean): Ref[]
  /** Writes the update and returns its last op. `decays` is known when the step is made, so that no op is spent on a decay of 0. */
  update<Ref>(writer: OpWriter<Ref>, at: Update<Ref>, decays: boolean): Ref[]
}

/** Weight decay of a group: its own, or the optimizer's, or the default of PyTorch (0.01 for AdamW, 0 otherwise). */
export function weightDecayOf(group: ParameterGroup, spec: OptimizerSpec): number {
  return group.weightDecay ?? spec.weightDecay ?? (spec.name === 'adamw' ? 0.01 : 0)
}

export function optimizerFor(spec: OptimizerSpec): Optimizer {
  const known = ['sgd', 'adam', 'adamw', 'adafactor']
  if (!known.includes(spec.name)) throw new EngineError(`Cannot train with the optimizer "${String(spec.name)}": it must be one of ${known.join(', ')}.`)
  for (const [name, value] of Object.entries(spec)) {
    if (typeof value !== 'number') continue
    const below1 = name === 'beta1' || name === 'beta2' || name === 'momentum'
    if (!Number.isFinite(value) || value < 0 || (below1 && value >= 1)) throw new EngineError(`Cannot train with ${spec.name}: ${name} must be ${below1 ? 'at least 0 and below 1' : 'a number of at least 0'}: got ${value}.`)
  }
  return spec.name === 'sgd' ? sgd(spec) : spec.name === 'adafactor' ? adafactor() : adam(spec)
}

const like = (...names: string[]) => (shape: readonly number[]): Slot[] => names.map((name) => ({ name, shape }))

/** torch.optim.SGD: g += decay·w; buffer = momentum·buffer + g; w −= rate·(nesterov ? g + momentum·buffer : buffer). */
function sgd({ momentum = 0, nesterov = false }: OptimizerSpec): Optimizer {
  return {
    slots: momentum ? like('momentum') : like(),
    scalarsPerGroup: 3,
    idle: [0, 0, 1],
    scalars: (rate, weightDecay) => [rate, weightDecay, momentum],
    update(writer, { resource, value, gradient, slots, scalars: [rate, decay, share], after }, decays) {
      const g = decays ? withDecay(writer, gradient, value, decay!) : gradient
      return momentum
        ? writer.op('ResourceApplyMomentum', [resource, slots[0]!, rate!, g, share!], { use_nesterov: nesterov }, after)
        : writer.op('ResourceApplyGradientDescent', [resource, rate!, g], {}, after)
    },
    updateRows(writer, { resource, rows, gradient, slots, scalars: [rate, decay, share], after }, decays) {
      const { one, read, write } = rowsOn(writer, rows, after), value = read(resource)
      const g = decays ? withDecay(writer, gradient, value, decay!) : gradient
      const buffer = momentum ? one('AddV2', one('Mul', read(slots[0]!), share!), g) : g
      const step = momentum && nesterov ? one('AddV2', g, one('Mul', buffer, share!)) : buffer
      return [...momentum ? write(slots[0]!, buffer) : [], ...write(resource, one('Sub', value, one('Mul', step, rate!)))]
    },
  }
}

/**
 * torch.optim.Adam and AdamW. TensorFlow's op adds epsilon before the bias correction and PyTorch after it, and TensorFlow corrects
 * in float32; so the correction is made here in double precision: rate · √(1−β₂ᵗ)/(1−β₁ᵗ) and epsilon · √(1−β₂ᵗ).
 */
function adam({ name, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: OptimizerSpec): Optimizer {
  return {
    slots: like('m', 'v'),
    scalarsPerGroup: 5,
    idle: [0, 0, 1, 1, 1],
    scalars(rate, weightDecay, count) {
      const root = Math.sqrt(1 - beta2 ** count)
      return [rate * root / (1 - beta1 ** count), name === 'adamw' ? rate * weightDecay : weightDecay, epsilon * root, beta1, beta2]
    },
    update(writer, { resource, value, gradient, slots, scalars: [rate, decay, small, b1, b2], after }, decays) {
      const coupled = decays && name === 'adam', decoupled = decays && name === 'adamw'
      const g = coupled ? withDecay(writer, gradient, value, decay!) : gradient
      const shrunk = decoupled ? writer.op('AssignSubVariableOp', [resource, writer.op('Mul', [value, decay!], {}, after)[0]!], {}, after) : []
      const zero = writer.constant([0], [])
      return writer.op('ResourceApplyAdam', [resource, slots[0]!, slots[1]!, zero, zero, rate!, b1!, b2!, small!, g], {}, [...after, ...shrunk])
    },
    updateRows(writer, { resource, rows, gradient, slots, scalars: [rate, decay, small, b1, b2], after }, decays) {
      const { one, read, write } = rowsOn(writer, rows, after), value = read(resource)
      const g = decays && name === 'adam' ? withDecay(writer, gradient, value, decay!) : gradient
      const towards = (old: typeof rows, now: typeof rows, share: typeof rows) => one('AddV2', now, one('Mul', one('Sub', old, now), share))
      const m = towards(read(slots[0]!), g, b1!), v = towards(read(slots[1]!), one('Square', g), b2!)
      const kept = decays && name === 'adamw' ? one('Sub', value, one('Mul', value, decay!)) : value
      const next = one('Sub', kept, one('Mul', rate!, one('Div', m, one('AddV2', one('Sqrt', v), small!))))
      return [...write(slots[0]!, m), ...write(slots[1]!, v), ...write(resource, next)]
    },
  }
}

/**
 * torch.optim.Adafactor (Shazeer and Stern 2018) with its defaults: of a matrix it keeps the mean squares of rows and of columns, not of
 * elements, so that its state is small; the step is relative to the size of the weights, and no larger than `rate` or 1/√step.
 */
function adafactor(): Optimizer {
  const [tiny, least] = [2 ** -23, 1e-3]                                                 // eps1 = float32's epsilon, eps2
  const without = (shape: readonly number[], from: number) => shape.map((length, axis) => axis === shape.length + from ? 1 : length)
  return {
    slots: (shape) => shape.length > 1 ? [{ name: 'rows', shape: without(shape, -1) }, { name: 'columns', shape: without(shape, -2) }] : [{ name: 'v', shape }],
    scalarsPerGroup: 3,
    idle: [0, 0, 0],
    readsValue: true,
    scalars: (rate, weightDecay, count) => [Math.min(rate, 1 / Math.sqrt(count)), count ** -0.8, rate * weightDecay],
    update(writer, { resource, value, shape, gradient, slots, scalars: [rate, newest, decay], after }, decays) {
      const number = (of: number) => writer.constant([of], []), size = shape.reduce((product, length) => product * length, 1)
      const one = <R>(made: R[]): R => made[0]!
      const mean = (x: typeof value, axis: number) => one(writer.op('Mean', [x, writer.constant([shape.length + axis], [1], 3)], { keep_dims: true }))
      const square = one(writer.op('Square', [gradient]))
      const moved = (slot: typeof value, now: typeof value) => {
        const old = one(writer.op('ReadVariableOp', [slot], { dtype: 'float32' }, after))
        const next = one(writer.op('AddV2', [old, writer.op('Mul', [writer.op('Sub', [now, old])[0]!, newest!])[0]!]))
        return { next, assigned: writer.op('AssignVariableOp', [slot, next], {}, [next]) }
      }
      const rms = (x: typeof value) => one(writer.op('Sqrt', [writer.op('Mul', [writer.op('L2Loss', [x])[0]!, number(2 / size)])[0]!]))
      const kept = shape.length > 1 ? [moved(slots[0]!, mean(square, -1)), moved(slots[1]!, mean(square, -2))] : [moved(slots[0]!, square)]
      const variance = shape.length > 1
        ? one(writer.op('Div', [writer.op('Mul', [kept[0]!.next, kept[1]!.next])[0]!, writer.op('Maximum', [mean(kept[0]!.next, -2), number(tiny)])[0]!]))
        : kept[0]!.next
      const direction = one(writer.op('Mul', [gradient, writer.op('Rsqrt', [writer.op('Maximum', [variance, number(tiny * tiny)])[0]!])[0]!]))
      const step = one(writer.op('Mul', [writer.op('Maximum', [rms(value), number(least)])[0]!, rate!]))
      const factor = one(writer.op('Div', [step, writer.op('Maximum', [rms(direction), number(1)])[0]!]))
      const shrunk = decays ? writer.op('AssignSubVariableOp', [resource, writer.op('Mul', [value, decay!])[0]!], {}, [...after, factor]) : []
      return writer.op('ResourceApplyGradientDescent', [resource, factor, direction], {}, [...after, ...shrunk, ...kept.flatMap(({ assigned }) => assigned)])
    },
  }
}

/** Ops on some rows of resources. */
function rowsOn<Ref>(writer: OpWriter<Ref>, rows: Ref, after: readonly Ref[]): { one(op: string, ...inputs: Ref[]): Ref; read(resource: Ref): Ref; write(resource: Ref, value: Ref): Ref[] } {
  return {
    one: (op, ...inputs) => writer.op(op, inputs)[0]!,
    read: (resource) => writer.op('ResourceGather', [resource, rows], { dtype: 'float32', batch_dims: 0, validate_indices: true }, after)[0]!,
    write: (resource, value) => writer.op('ResourceScatterUpdate', [resource, rows, value], { dtype: 'float32' }, [...after, value]),
  }
}

function withDecay<Ref>(writer: OpWriter<Ref>, gradient: Ref, value: Ref, decay: Ref): Ref {
  return writer.op('AddV2', [gradient, writer.op('Mul', [value, decay])[0]!])[0]!
}

/** Global norm of the gradients, and their scale for clipping as torch.nn.utils.clip_grad_norm_ does it: min(1, max / (norm + 1e-6)). */
export function globalNorm<Ref>(writer: OpWriter<Ref>, gradients: readonly Ref[]): { norm: Ref; squares: Ref } {
  const halves = writer.op('Pack', [gradients.map((gradient) => writer.op('L2Loss', [gradient])[0]!)], { axis: 0 })[0]!
  const squares = writer.op('Mul', [halves, writer.constant([2], [])])[0]!
  const sum = writer.op('Sum', [squares, writer.constant([0], [1], 3)], { keep_dims: false })[0]!
  return { norm: writer.op('Sqrt', [sum])[0]!, squares }
}

export function clip<Ref>(writer: OpWriter<Ref>, gradients: readonly Ref[], norm: Ref, limit: number): Ref[] {
  const scale = writer.op('Div', [writer.constant([limit], []), writer.op('AddV2', [norm, writer.constant([1e-6], [])])[0]!])[0]!
  const factor = writer.op('Minimum', [scale, writer.constant([1], [])])[0]!
  return gradients.map((gradient) => writer.op('Mul', [gradient, factor])[0]!)
}
