// From gradients to new weights: gathered over several batches, checked for overflow, clipped, applied, averaged. Written once for recordings
// and op by op.
import { movedRows } from './lookups.js'
import { clip, globalNorm, type RowUpdate } from './optimizers.js'
import { numbersAfterGroups, type Program } from './program.js'
import type { OpWriter } from './writer.js'

/** What a step does with its gradients: applies them, begins a sum, adds to it, or adds the last and applies the mean. */
export type Gathering = 'none' | 'first' | 'more' | 'last'

export interface Held<Ref> {
  resource: Ref
  /** Its value before the step. */
  value: Ref
  /** What must have read it before it changes. */
  read: readonly Ref[]
}

export interface UpdateOf<Ref> {
  gathering: Gathering
  /** Variables that have gradients, by index, and their gradients. */
  moved: readonly number[]
  gradients: Ref[]
  /** What Program.scalars gave. */
  scalars: Ref
  /** Whether the gradients are of the loss × the loss scale. */
  scaled: boolean
  held(index: number): Held<Ref>
  /** Resources by variable; asked for only where they are needed, the value's readers having ended. */
  slots(index: number): Ref[]
  /** Of sums of weight · gradient. */
  gathered(index: number): Ref
  /** What this batch counts for among those gathered, and the resource of the sum of what was gathered before. */
  weight: Ref
  weights(): Ref
  average(index: number): Held<Ref>
  /** The rows that the gradient is of, where it is not of the whole variable. */
  rowsOf?(index: number): Ref | undefined
  /** Called once a variable's value is no longer needed. */
  done?(index: number): void
}

export function writeUpdate<Ref>(writer: OpWriter<Ref>, program: Program, { gathering, moved, gradients, scalars, scaled, held, slots, gathered, weight, weights, average, rowsOf = () => undefined, done = () => {} }: UpdateOf<Ref>): { norm: Ref; squares: Ref; last: Ref[] } {
  const { optimizer, trained, options } = program, groups = options.groups.length * optimizer.scalarsPerGroup
  const unpacked = (all: Ref) => writer.op('Unpack', [all], { num: groups + numbersAfterGroups, axis: 0 })
  const numbers = unpacked(scalars), scale = numbers[groups + 2]!
  const gathers = gathering === 'first' || gathering === 'more'
  let mine = gradients
  let { norm, squares } = globalNorm(writer, mine), live: Ref | undefined
  if (scaled) {
    live = writer.op('IsFinite', [norm])[0]!
    const factor = writer.op('SelectV2', [live, scale, writer.constant([0], [])])[0]!
    mine = mine.map((gradient) => writer.op('MulNoNan', [gradient, factor])[0]!)           // also not a number × 0 is 0
    norm = writer.op('Mul', [norm, scale])[0]!
    squares = writer.op('Mul', [squares, writer.op('Square', [scale])[0]!])[0]!
  }
  if (gathers) {
    const add = (resource: Ref, value: Ref) => writer.op(gathering === 'first' ? 'AssignVariableOp' : 'AssignAddVariableOp', [resource, value], {}, [value])
    const last = moved.flatMap((index, i) => add(gathered(index), writer.op('Mul', [mine[i]!, weight])[0]!))
    return { norm, squares, last: [...last, ...add(weights(), weight)] }
  }
  if (gathering === 'last') {
    const read = (resource: Ref) => writer.op('ReadVariableOp', [resource], { dtype: 'float32' })[0]!
    const all = writer.op('Maximum', [writer.op('AddV2', [read(weights()), weight])[0]!, writer.constant([1e-12], [])])[0]!
    mine = mine.map((gradient, i) => writer.op('Div', [writer.op('AddV2', [read(gathered(moved[i]!)), writer.op('Mul', [gradient, weight])[0]!])[0]!, all])[0]!)
    ;({ norm, squares } = globalNorm(writer, mine))
  }
  if (options.clipNorm !== undefined) mine = clip(writer, mine, norm, options.clipNorm)
  const updatedRows = (index: number, whole: Ref, at: Omit<RowUpdate<Ref>, 'rows' | 'gradient'>) => {
    const { at: rows, gradient } = movedRows(writer, trained[index]!.variable.rank, whole, rowsOf(index))
    return optimizer.updateRows!(writer, { ...at, rows, gradient }, trained[index]!.decays)
  }
  const idle = [...options.groups.flatMap(() => optimizer.idle), ...new Array<number>(numbersAfterGroups).fill(0)]
  const used = live ? unpacked(writer.op('SelectV2', [live, scalars, writer.constant(idle, [idle.length])])[0]!) : numbers
  const last = moved.flatMap((index, i) => {
    const { group, decays, variable } = trained[index]!, { resource, value, read } = held(index)
    const at = { resource, slots: slots(index), scalars: used.slice(group * optimizer.scalarsPerGroup, (group + 1) * optimizer.scalarsPerGroup), after: [...read, mine[i]!] }
    const updated = options.groups[group]!.sparse ? updatedRows(index, mine[i]!, at) : optimizer.update(writer, { ...at, value, shape: variable.shape, gradient: mine[i]! }, decays)
    done(index)
    if (options.average === undefined) return updated
    const [now] = writer.op('ReadVariableOp', [resource], { dtype: 'float32' }, updated)
    return writeAverage(writer, average(index), now!, used[groups]!)
  })
  return { norm, squares, last }
}

/** average ← average − share · (average − now) */
export function writeAverage<Ref>(writer: OpWriter<Ref>, { resource, value, read }: Held<Ref>, now: Ref, share: Ref): Ref[] {
  const away = writer.op('Sub', [value, now])[0]!
  return writer.op('ResourceApplyGradientDescent', [resource, share, away], {}, [...read, away])
}
