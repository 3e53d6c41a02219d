// Which sizes of tensors a number was computed from, judged by its value for two sets of inputs. Pure arithmetic.

/** A size that is `first` with one set of inputs and `second` with the other. */
export interface Dimension { node: string; axis: number; first: number; second: number; /** Of the tensor; absent for an input. */ dtype?: number }

/** The sizes of a tensor that are not the same with both sets of inputs. */
export const dimensionsIn = (node: string, first: readonly number[], second: readonly number[]): Dimension[] =>
  first.flatMap((size, axis) => size === second[axis] ? [] : [{ node, axis, first: size, second: second[axis]! }])

/**
 * x and y as factor · product of sizes + offset, with one or two sizes; an offset only for a single size. Undefined where nothing fits.
 *
 *     solve(12, 18, [{ node: 'images', axis: 0, first: 2, second: 3 }]) // 6 · images' size 0
 */
export function solve(x: number, y: number, dimensions: readonly Dimension[]): { dimensions: Dimension[]; factor: number; offset: number } | undefined {
  const multiple = (chosen: Dimension[]) => {
    const [a, b] = [chosen.reduce((n, { first }) => n * first, 1), chosen.reduce((n, { second }) => n * second, 1)]
    const factor = x / a
    return Number.isSafeInteger(factor) && factor !== 0 && factor * b === y ? { dimensions: chosen, factor, offset: 0 } : undefined
  }
  for (const one of dimensions) {
    const found = multiple([one])
    if (found) return found
  }
  for (const [i, one] of dimensions.entries()) for (const other of dimensions.slice(i + 1)) {
    const found = multiple([one, other])
    if (found) return found
  }
  const shifted = dimensions.find(({ first, second }) => x - first === y - second)
  return shifted && { dimensions: [shifted], factor: 1, offset: x - shifted.first }
}
