// From label values to class ids: which classes there are, in which order, and what to say about rows without one.
import { counted, DataError, shown } from './errors.js'
import type { Store } from './store.js'
import type { DataProblem } from './types.js'

/** Numbers by value, text by code point: 2 before 10, "ant" before "bee". */
export const inOrder = (a: string, b: string): number => {
  const numbers = a.trim() !== '' && b.trim() !== '' && Number.isFinite(Number(a)) && Number.isFinite(Number(b))
  return numbers ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0
}

/** A label as a class name, or undefined where there is none (null, NaN, only spaces). */
export function labelOf(value: unknown): string | undefined {
  if (value === null || value === undefined || (typeof value === 'number' && Number.isNaN(value))) return undefined
  const text = String(value).trim()
  return text === '' ? undefined : text
}

/** A class's number by its name. @throws DataError when one is named twice */
function numbersOf(classes: readonly string[]): Map<string, number> {
  const repeated = classes.find((label, i) => classes.indexOf(label) !== i)
  if (repeated !== undefined) throw new DataError(`Cannot use these classes: ${shown(repeated)} is named twice. Name each class once.`)
  return new Map(classes.map((label, id) => [label, id]))
}

/** The same where a row has more than one; problems say once of each other name what comes of it. */
export function numbersOfSeveral(classes: readonly string[], names: readonly string[], consequence: string, problems: DataProblem[]): Map<string, number> {
  const idOf = numbersOf(classes)
  for (const name of new Set(names)) if (!idOf.has(name)) problems.push({ file: name, rule: 'unknown class', detail: `it is not among the classes ${classes.slice(0, 5).join(', ')}${classes.length > 5 ? ' …' : ''}; ${consequence}` })
  return idOf
}

export interface Classified { classes: readonly string[]; /** −1 where the row has no known class. */ ids: Int32Array }

/** Class ids of label values; `given` fixes names and order. Problems name the rows left out. */
export function classify(values: readonly (string | undefined)[], given: readonly string[] | undefined, name: (row: number) => string, problems: DataProblem[]): Classified {
  const classes = given ?? [...new Set(values.filter((value) => value !== undefined))].sort(inOrder)
  const idOf = numbersOf(classes)
  const ids = Int32Array.from(values, (value, row) => {
    if (value === undefined) problems.push({ file: name(row), rule: 'missing label', detail: 'the row has no label and is left out' })
    else if (!idOf.has(value)) problems.push({ file: name(row), rule: 'unknown class', detail: `label ${shown(value)} is not among the classes ${classes.slice(0, 5).join(', ')}${classes.length > 5 ? ' …' : ''}; the row is left out` })
    return idOf.get(value ?? '') ?? -1
  })
  return { classes, ids }
}

/** Throws where there is nothing to tell apart, and lists what is legal but will not end well. */
export function checkClasses(what: string, classes: readonly string[], ids: Int32Array, problems: DataProblem[], advice: string): void {
  const counts = new Array<number>(classes.length).fill(0)
  for (const id of ids) if (id >= 0) counts[id]!++
  const present = counts.filter((count) => count > 0).length
  if (present === 0) throw new DataError(`Cannot load ${what}: not one usable row was found${problems.length > 0 ? ` (${counted(problems.length, 'problem')}, the first: ${problems[0]!.file}: ${problems[0]!.detail})` : ''}. ${advice}`)
  if (present === 1) throw new DataError(`Cannot load ${what}: telling classes apart needs at least 2 with examples, got 1 (${shown(classes[counts.findIndex((count) => count > 0)])}). ${advice}`)
  counts.forEach((count, id) => { if (count === 0) problems.push({ file: classes[id]!, rule: 'empty class', detail: 'the class has no examples: it will never be predicted' }) })
  const few = classes.filter((_, id) => counts[id]! > 0 && counts[id]! < 3)
  if (few.length > 0) problems.push({ file: few.slice(0, 8).join(', ') + (few.length > 8 ? ' …' : ''), rule: 'too few rows', detail: `${few.length === 1 ? 'this class has' : `${few.length} classes have`} fewer than 3 examples, too few to learn from and be tested on` })
}

/** The classes of a row: of one class, of several, or of its words; unknown ones left out. */
export const classesOfRow = (store: Store<object>, id: number): Int32Array => (store.several?.[id] ?? store.labels.subarray(id, id + 1)).filter((label) => label >= 0)

/** Rows (of tags: words) per class among these. */
export function countByClass(store: Store<object>, ids: Int32Array): number[] {
  const counts = new Array<number>(store.classes.length).fill(0)
  const count = (label: number | undefined) => { if (label !== undefined && label >= 0) counts[label]!++ }
  for (const id of ids) if (store.several) store.several[id]!.forEach(count)
    else count(store.labels[id])
  return counts
}

/** What a split keeps in proportion: a row's class; of several its rarest, since the others are found everywhere (−1: it has none). Undefined where there are no classes. */
export function strataOf(store: Store<object>, ids: Int32Array): Int32Array | undefined {
  if (store.classes.length === 0) return undefined
  if (!store.several) return store.labels.length === 0 ? undefined : ids.map((id) => store.labels[id]!)
  const counts = countByClass(store, ids)
  return ids.map((id) => classesOfRow(store, id).reduce((rarest, label) => rarest < 0 || counts[label]! < counts[rarest]! ? label : rarest, -1))
}
