// The one error of this room, and the way its messages are put together. Broken single files are not errors, they are `problems`.

/** Bad input to the data room. The message reads `Cannot X: thing, rule, value. Next step.` */
export class DataError extends Error {
  override readonly name = 'DataError'
}

/** A value as a message shows it: text in quotes and shortened, the rest as it is. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? value.slice(0, 57) + '…' : value)
  if (Array.isArray(value)) return value.length > 6 ? `[${value.slice(0, 6).map(shown).join(', ')}, … ${value.length} in all]` : `[${value.map(shown).join(', ')}]`
  if (typeof value === 'object' && value !== null) return value instanceof Date ? value.toISOString() : 'an object'
  return String(value)
}

/** "3 rows", "1 row" */
export const counted = (n: number, thing: string): string => `${n.toLocaleString('en')} ${thing}${n === 1 ? '' : /(s|x|ch)$/.test(thing) ? 'es' : 's'}`
