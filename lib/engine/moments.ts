// Recognizes in a tape what has a fused op in TensorFlow: the mean and variance of a tensor, and its standardization by them.
import type { Entry } from './tape.js'

export interface Producers {
  /** The entry that made a tensor. */
  producer: ReadonlyMap<number, Entry>
  shapeOf(id: number): readonly number[]
  /** The values of a small tensor that no entry made; undefined for others. */
  constant(id: number): number | undefined
}

type Axes = 'last' | 'all but the last'

const from = ({ producer }: Producers, id: number | undefined, ...ops: string[]): Entry | undefined => {
  const entry = id === undefined ? undefined : producer.get(id)
  return entry && ops.includes(entry.op) ? entry : undefined
}

/** The tensor before reshapes. */
function through(at: Producers, id: number | undefined): number | undefined {
  const entry = from(at, id, 'Reshape')
  return entry ? through(at, entry.inputs[0]) : id
}

/** Whether mean and variance are those of x: Mean(x) and Mean(Square(Sub(x, mean))), reshaped or not. */
export function areMoments(at: Producers, x: number, mean: number, variance: number, axes: Axes): boolean {
  const means = from(at, through(at, mean), 'Mean'), spread = from(at, through(at, variance), 'Mean')
  const square = from(at, through(at, spread?.inputs[0]), 'Square')
  const sub = from(at, through(at, square?.inputs[0]), 'Sub')
  if (!means || !sub || means.inputs[0] !== x || sub.inputs[0] !== x || through(at, sub.inputs[1]) !== means.outputs[0]!.id) return false
  return [means, spread!].every((entry) => isOver(at, entry, axes))
}

/** Whether a reduction leaves what it should; where the sizes of the axes do not tell, it does not count. */
function isOver(at: Producers, { inputs, outputs }: Entry, axes: Axes): boolean {
  const shape = at.shapeOf(inputs[0]!), kept = outputs[0]!.shape.filter((length) => length !== 1)
  const wanted = axes === 'last' ? shape.slice(0, -1) : shape.slice(-1)
  const others = axes === 'last' ? shape.slice(-1) : shape.slice(0, -1)
  const size = (lengths: readonly number[]) => lengths.reduce((product, length) => product * length, 1)
  return String(kept) === String(wanted.filter((length) => length !== 1)) && size(others) > 1 && String(kept) !== String(others.filter((length) => length !== 1))
}

/** The x and ε of (x − mean) · rsqrt(variance + ε) over the last axis, if the product is that. */
export function standardized(at: Producers, { inputs }: Entry): { x: number; epsilon: number } | undefined {
  for (const [one, other] of [[inputs[0], inputs[1]], [inputs[1], inputs[0]]]) {
    const centred = from(at, one, 'Sub'), root = from(at, through(at, other), 'Rsqrt'), sum = from(at, through(at, root?.inputs[0]), 'AddV2', 'Add')
    if (!centred || !sum) continue
    const epsilon = at.constant(sum.inputs[1]!), x = centred.inputs[0]!
    if (epsilon === undefined || at.shapeOf(x).length < 2 || String(at.shapeOf(x)) !== String(centred.outputs[0]!.shape)) continue
    if (areMoments(at, x, centred.inputs[1]!, sum.inputs[0]!, 'last')) return { x, epsilon }
  }
  return undefined
}
