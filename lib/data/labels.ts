// What rows are labelled with: a class, several classes, or a number. From a table's columns to what a Store keeps.
import { checkClasses, classify, inOrder, labelOf, numbersOfSeveral } from './classes.js'
import { DataError, shown } from './errors.js'
import type { Store } from './store.js'
import type { DataProblem, Task } from './types.js'

/** Rows of one class each. */
export interface OneClass {
  /** Column with the class. Default 'label'. */
  label?: string
}

/** Rows that may have several classes, or none: for models with the task 'multi-label'. */
export interface SeveralClasses {
  /**
   * A column with lists of classes, or with names separated by | (or by ; or , where the column has no |); an empty cell is a row without any.
   * Or the names of columns that say for one class each whether a row has it: 1 or 0, true or false, yes or no.
   */
  labels: string | readonly string[]
}

/** Rows with a number that is to be predicted: for models with the task 'regression'. */
export interface NumberLabel {
  /** Column with the number. */
  value: string
}

export type LabelOptions = OneClass | SeveralClasses | NumberLabel

/** What a store keeps of labels. */
export type StoredLabels = Pick<Store<object>, 'task' | 'classes' | 'labels' | 'several' | 'numbers'>

/** A table's labels, before anybody knows which rows can be used. */
export interface TableLabels {
  readonly task: Task
  readonly classes: readonly string[]
  /** Columns that they stood in. */
  readonly columns: readonly string[]
  /** Whether a row has what the task needs; what is wrong with the others is in the problems. */
  known(row: number): boolean
  /** The label as the data set's rows show it. */
  shown(row: number): { label: string } | { labels: readonly string[] } | { value: number }
  of(rows: readonly number[]): StoredLabels
  /** @throws DataError when these rows leave nothing to learn */
  check(rows: readonly number[], what: string, advice: string): void
}

type Table = readonly Readonly<Record<string, unknown>>[]

/** @param nameOf what problems call a row */
export function tableLabels(table: Table, o: LabelOptions, given: readonly string[] | undefined, nameOf: (row: number) => string, problems: DataProblem[]): TableLabels {
  if ('labels' in o && 'value' in o) throw new DataError('Cannot read labels: labels is for rows with several classes, value for numbers, and both are given. Leave one out.')
  if ('value' in o) return numbers(table, o.value, nameOf, problems)
  if ('labels' in o) return several(table, o.labels, given, nameOf, problems)
  return oneClass(table, o.label ?? 'label', given, nameOf, problems)
}

/** Columns that these options need, by what they are for. */
export const labelColumns = (o: LabelOptions): Record<string, string> => 'value' in o ? { value: o.value } : !('labels' in o) ? { label: o.label ?? 'label' }
  : typeof o.labels === 'string' ? { labels: o.labels } : Object.fromEntries(o.labels.map((column, i) => [`labels[${i}]`, column]))

function oneClass(table: Table, column: string, given: readonly string[] | undefined, nameOf: (row: number) => string, problems: DataProblem[]): TableLabels {
  const { classes, ids } = classify(table.map((row) => labelOf(row[column])), given, nameOf, problems)
  const labelsOf = (rows: readonly number[]) => Int32Array.from(rows, (row) => ids[row]!)
  return {
    task: 'classification', classes, columns: [column],
    known: (row) => ids[row]! >= 0,
    shown: (row) => ({ label: classes[ids[row]!]! }),
    of: (rows) => ({ task: 'classification', classes, labels: labelsOf(rows) }),
    check: (rows, what, advice) => checkClasses(what, classes, labelsOf(rows), problems, advice),
  }
}

function numbers(table: Table, column: string, nameOf: (row: number) => string, problems: DataProblem[]): TableLabels {
  const values = table.map((row, i) => {
    const given = row[column], value = labelOf(given) === undefined || typeof given === 'boolean' ? NaN : Number(given)
    if (!Number.isFinite(value)) problems.push({ file: nameOf(i), rule: 'missing label', detail: labelOf(given) === undefined ? `column "${column}" is empty; the row is left out` : `column "${column}" must hold a finite number, got ${shown(given)}; the row is left out` })
    return value
  })
  return {
    task: 'regression', classes: [], columns: [column],
    known: (row) => Number.isFinite(values[row]),
    shown: (row) => ({ value: values[row]! }),
    of: (rows) => ({ task: 'regression', classes: [], labels: new Int32Array(0), numbers: Float32Array.from(rows, (row) => values[row]!) }),
    check(rows, what, advice) {
      if (rows.length === 0) throw new DataError(`Cannot load ${what}: no usable row has a number in "${column}". ${advice}`)
      if (rows.every((row) => values[row] === values[rows[0]!])) throw new DataError(`Cannot load ${what}: column "${column}" is ${values[rows[0]!]} in every row, and there is nothing to predict. ${advice}`)
    },
  }
}

function several(table: Table, columns: string | readonly string[], given: readonly string[] | undefined, nameOf: (row: number) => string, problems: DataProblem[]): TableLabels {
  const named = typeof columns === 'string' ? listed(table, columns) : answered(table, columns, nameOf, problems)
  const classes = given ?? (typeof columns === 'string' ? [...new Set(named.flatMap((names) => names ?? []))].sort(inOrder) : columns)
  const idOf = numbersOfSeveral(classes, named.flatMap((names) => names ?? []), 'rows lose this label', problems)
  const ids = named.map((names) => names && Int32Array.from(new Set(names.flatMap((name) => idOf.get(name) ?? []))).sort())
  return {
    task: 'multi-label', classes, columns: [columns].flat(),
    known: (row) => ids[row] !== undefined,
    shown: (row) => ({ labels: Array.from(ids[row]!, (id) => classes[id]!) }),
    of: (rows) => ({ task: 'multi-label', classes, labels: new Int32Array(0), several: rows.map((row) => ids[row]!) }),
    check(rows, what, advice) {
      const counts = classes.map((_, id) => rows.filter((row) => ids[row]!.includes(id)).length)
      if (counts.every((count) => count === 0)) throw new DataError(`Cannot load ${what}: not one usable row has a class. ${advice}`)
      counts.forEach((count, id) => {
        if (count === 0) problems.push({ file: classes[id]!, rule: 'empty class', detail: 'no row has the class: it will never be predicted' })
        else if (count === rows.length) problems.push({ file: classes[id]!, rule: 'too few rows', detail: 'every row has the class: nothing tells when it is absent' })
      })
    },
  }
}

/** A cell with a list, or with names between separators. */
function listed(table: Table, column: string): readonly (readonly string[])[] {
  const cells = table.map((row) => row[column])
  const separator = ['|', ';', ','].find((sign) => cells.some((cell) => typeof cell === 'string' && cell.includes(sign))) ?? '|'
  return cells.map((cell) => (Array.isArray(cell) ? cell : labelOf(cell)?.split(separator) ?? []).flatMap((name) => labelOf(name) ?? []))
}

const answers = new Map<string, boolean>([['1', true], ['true', true], ['yes', true], ['0', false], ['false', false], ['no', false]])

/** Columns of yes and no. A row that leaves a question open is left out. */
function answered(table: Table, columns: readonly string[], nameOf: (row: number) => string, problems: DataProblem[]): (string[] | undefined)[] {
  return table.map((row, i) => {
    const open = columns.find((column) => !answers.has(String(row[column]).trim().toLowerCase()))
    if (open === undefined) return columns.filter((column) => answers.get(String(row[column]).trim().toLowerCase()))
    problems.push({ file: nameOf(i), rule: 'missing label', detail: labelOf(row[open]) === undefined ? `column "${open}" is empty; the row is left out` : `column "${open}" must say 1 or 0, true or false, yes or no, got ${shown(row[open])}; the row is left out` })
    return undefined
  })
}
