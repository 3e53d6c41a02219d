// Typed arrays put end to end.

/** One array of all parts, of the first one's type. */
export function concat<T extends Float32Array | Int32Array>(parts: readonly T[]): T {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const whole = (parts[0] instanceof Int32Array ? new Int32Array(length) : new Float32Array(length)) as T
  let at = 0
  for (const part of parts) { whole.set(part, at); at += part.length }
  return whole
}
