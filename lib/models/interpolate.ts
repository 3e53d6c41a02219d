// Learned positions of an image's patches for images of another size: a picture of vectors, made larger or smaller.

/** Keys' cubic with a = −0.75, as PyTorch's bicubic has it. */
function cubic(distance: number): number {
  const a = -0.75, x = Math.abs(distance)
  return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
}

/** For each of `to` places the four of `from` that it is made of, at the edges the edge itself again. */
function taps(from: number, to: number): { at: number; weight: number }[][] {
  return Array.from({ length: to }, (_, i) => {
    const centre = ((i + 0.5) * from) / to - 0.5, first = Math.floor(centre) - 1
    return [0, 1, 2, 3].map((k) => ({ at: Math.min(from - 1, Math.max(0, first + k)), weight: cubic(centre - (first + k)) }))
  })
}

/**
 * Bicubic interpolation as `torch.nn.functional.interpolate(mode='bicubic', align_corners=False)`.
 * @param grid `[from · from, width]`, row by row
 * @returns `[to · to, width]`
 */
export function interpolated(grid: Float32Array, from: number, to: number, width: number): Float32Array {
  const across = taps(from, to), out = new Float32Array(to * to * width)
  for (const [y, rows] of across.entries()) for (const [x, columns] of across.entries()) for (const row of rows) for (const column of columns) {
    const weight = row.weight * column.weight, source = (row.at * from + column.at) * width, target = (y * to + x) * width
    for (let k = 0; k < width; k++) out[target + k]! += weight * grid[source + k]!
  }
  return out
}
