// A course of numbers in one line of text.

const blocks = '▁▂▃▄▅▆▇█'

/**
 * One block character per value, the lowest value ▁ and the highest █; more values than `width` are averaged, what isn't finite is a space.
 *
 * @example sparkline([3, 2, 1.5, 1]) // '█▅▃▁'
 */
export function sparkline(values: readonly number[], width = 24): string {
  const columns = Math.min(width, values.length)
  const means = Array.from({ length: columns }, (_, i) => {
    const part = values.slice(Math.floor(i * values.length / columns), Math.max(Math.floor((i + 1) * values.length / columns), Math.floor(i * values.length / columns) + 1)).filter(Number.isFinite)
    return part.reduce((sum, value) => sum + value, 0) / part.length
  })
  const finite = means.filter(Number.isFinite)
  const low = Math.min(...finite), range = Math.max(...finite) - low
  return means.map((mean) => Number.isFinite(mean) ? blocks[range ? Math.round((mean - low) / range * 7) : 3] : ' ').join('')
}
