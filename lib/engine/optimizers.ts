// Optimizers as TensorFlow's own fused ops with PyTorch's arithmetic: which slots they keep, which numbers they need each step, how they update.
import { EngineError } from './errors.js'
import type { OptimizerSpec, ParameterGroup } from './types.js'
import type { OpWriter } from './writer.js'

export interface Update<Ref> {
  resource: Ref
  /** The variable's value before the update. */
  value: Ref
  gradient: Ref
  slots: Ref[]
  /** What this optimizer's `scalars` returned for the variable's group. */
  scalars: Ref[]
  /** Ops that must have run before the variable changes. */
  after: readonly Ref[]
}

export interface Optimizer {
  readonly slots: readonly string[]
  /** How many numbers a group needs in each step. */
  readonly scalarsPerGroup: number
  /** The numbers of one group for the update number `count` (from 1), in double precision. */
  scalars(rate: number, weightDecay: number, count: number): number[]
  /** Writes the update and returns its last op. `decays` is known when the step is made, so that no op is spent on a decay of 0. */
  update<Ref>(writer: OpWriter<Ref>, at: Update<Ref>, decays: boolean): Ref[]
}

/** Weight decay of a group: its own, or the optimizer's, or the default of PyTorch (0.01 for AdamW, 0 otherwise). */
export function weightDecayOf(group: ParameterGroup, spec: OptimizerSpec): number {
  return group.weightDecay ?? spec.weightDecay ?? (spec.name === 'adamw' ? 0.01 : 0)
}

export function optimizerFor(spec: OptimizerSpec): Optimizer {
  const known = ['sgd', 'adam', 'adamw']
  if (!known.includes(spec.name)) throw new EngineError(`Cannot train with the optimizer "${String(spec.name)}": it must be one of ${known.join(', ')}.`)
  for (const [name, value] of Object.entries(spec)) {
    if (typeof value !== 'number') continue
    const below1 = name === 'beta1' || name === 'beta2' || name === 'momentum'
    if (!Number.isFinite(value) || value < 0 || (below1 && value >= 1)) throw new EngineError(`Cannot train with ${spec.name}: ${name} must be ${below1 ? 'at least 0 and below 1' : 'a number of at least 0'}: got ${value}.`)
  }
  return spec.name === 'sgd' ? sgd(spec) : adam(spec)
}

/** torch.optim.SGD: g += decay·w; buffer = momentum·buffer + g; w −= rate·(nesterov ? g + momentum·buffer : buffer). */
function sgd({ momentum = 0, nesterov = false }: OptimizerSpec): Optimizer {
  return {
    slots: momentum ? ['momentum'] : [],
    scalarsPerGroup: 2,
    scalars: (rate, weightDecay) => [rate, weightDecay],
    update(writer, { resource, value, gradient, slots, scalars: [rate, decay], after }, decays) {
      const g = decays ? withDecay(writer, gradient, value, decay!) : gradient
      return momentum
        ? writer.op('ResourceApplyMomentum', [resource, slots[0]!, rate!, g, writer.constant([momentum], [])], { use_nesterov: nesterov }, after)
        : writer.op('ResourceApplyGradientDescent', [resource, rate!, g], {}, after)
    },
  }
}

/**
 * torch.optim.Adam and AdamW. TensorFlow's op adds epsilon before the bias correction and PyTorch after it, and TensorFlow corrects
 * in float32; so the correction is made here in double precision: rate · √(1−β₂ᵗ)/(1−β₁ᵗ) and epsilon · √(1−β₂ᵗ).
 */
function adam({ name, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: OptimizerSpec): Optimizer {
  return {
    slots: ['m', 'v'],
    scalarsPerGroup: 3,
    scalars(rate, weightDecay, count) {
      const root = Math.sqrt(1 - beta2 ** count)
      return [rate * root / (1 - beta1 ** count), name === 'adamw' ? rate * weightDecay : weightDecay, epsilon * root]
    },
    update(writer, { resource, value, gradient, slots, scalars: [rate, decay, small], after }, decays) {
      const coupled = decays && name === 'adam', decoupled = decays && name === 'adamw'
      const g = coupled ? withDecay(writer, gradient, value, decay!) : gradient
      const shrunk = decoupled ? writer.op('AssignSubVariableOp', [resource, writer.op('Mul', [value, decay!], {}, after)[0]!], {}, after) : []
      const zero = writer.constant([0], [])
      return writer.op('ResourceApplyAdam', [resource, slots[0]!, slots[1]!, zero, zero, rate!, writer.constant([beta1], []), writer.constant([beta2], []), small!, g], {}, [...after, ...shrunk])
    },
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
