// Which row belongs to train, validation and test: stratified, grouped, by time, in folds. Pure functions over keys and labels; no rows, no files.
import { counted, DataError, shown } from './errors.js'
import { unitHash } from './random.js'

/** What every way of splitting needs to know of the rows. */
export interface RowFacts {
  /** Same key, same part: the file, the text, or whatever makes a row itself. */
  keys: readonly string[]
  /** Class ids, or undefined where rows are not to be stratified. */
  labels: Int32Array | undefined
  classes: readonly string[]
  /** Rows with the same value stay together. */
  groups?: readonly string[] | undefined
}

export interface Shares { validation: number; test: number }

/** Rows that move together, with their place in [0, 1). */
interface Unit { at: number; label: number; rows: number[] }

function unitsOf({ keys, labels, groups }: RowFacts, seed: number): Unit[] {
  const units = new Map<string, Unit>()
  keys.forEach((key, row) => {
    const name = groups?.[row] ?? key
    const unit = units.get(name)
    if (unit) unit.rows.push(row)
    else units.set(name, { at: unitHash(seed, name), label: labels?.[row] ?? -1, rows: [row] })
  })
  return [...units.values()].sort((a, b) => a.at - b.at)
}

function strataOf(units: readonly Unit[]): Map<number, Unit[]> {
  const strata = new Map<number, Unit[]>()
  for (const unit of units) {
    const stratum = strata.get(unit.label)
    if (stratum) stratum.push(unit)
    else strata.set(unit.label, [unit])
  }
  return strata
}

export function checkShares({ validation, test }: Shares): void {
  for (const [name, share] of Object.entries({ validation, test })) {
    if (!(share >= 0 && share < 1)) throw new DataError(`Cannot split: "${name}" is a share of the rows and must be at least 0 and below 1, got ${shown(share)}. Use for example ${name}: 0.15.`)
  }
  if (validation + test >= 1) throw new DataError(`Cannot split: validation ${validation} and test ${test} leave nothing for training. Their sum must be below 1.`)
}

/** Part of every row: 0 train, 1 validation, 2 test. A row's part depends only on (seed, key) unless `exact` or a class is tiny. */
export function assign(facts: RowFacts, shares: Shares, seed: number, exact: boolean): Uint8Array {
  checkShares(shares)
  const part = new Uint8Array(facts.keys.length)
  const set = (unit: Unit, value: number) => { for (const row of unit.rows) part[row] = value }
  for (const units of strataOf(unitsOf(facts, seed)).values()) {
    const total = units.reduce((sum, unit) => sum + unit.rows.length, 0)
    let before = 0
    for (const unit of units) {
      const at = exact ? (before + unit.rows.length / 2) / total : unit.at
      before += unit.rows.length
      set(unit, at < shares.test ? 2 : at < shares.test + shares.validation ? 1 : 0)
    }
    fillEmptyParts(units, shares, part, set)
  }
  return part
}

/** A class of a few rows would often miss a part by chance; then the unit nearest to that part moves there. */
function fillEmptyParts(units: readonly Unit[], { validation, test }: Shares, part: Uint8Array, set: (unit: Unit, value: number) => void): void {
  const wanted = [0, ...(validation > 0 ? [1] : []), ...(test > 0 ? [2] : [])]
  if (units.length < wanted.length) { units.forEach((unit) => set(unit, 0)); return }
  const partOf = (unit: Unit) => part[unit.rows[0]!]!
  const middle = [1, test + validation / 2, test / 2]
  for (const value of wanted) {
    if (units.some((unit) => partOf(unit) === value)) continue
    const movable = units.filter((unit) => units.filter((other) => partOf(other) === partOf(unit)).length > 1)
    const nearest = movable.reduce((best, unit) => Math.abs(unit.at - middle[value]!) < Math.abs(best.at - middle[value]!) ? unit : best)
    set(nearest, value)
  }
}

/** The newest rows are the test part, the next newest validation; equal times stay together. */
export function assignByTime(times: readonly number[], shares: Shares): Uint8Array {
  checkShares(shares)
  const sorted = [...times].sort((a, b) => a - b)
  const cut = (share: number) => share === 0 ? Infinity : sorted[Math.min(sorted.length - 1, Math.round(sorted.length * (1 - share)))]!
  const test = cut(shares.test), validation = shares.validation === 0 ? Infinity : cut(shares.test + shares.validation)
  return Uint8Array.from(times, (time) => time >= test ? 2 : time >= validation ? 1 : 0)
}

/** Fold of every row, 0..k−1, classes spread evenly. */
export function assignFolds(facts: RowFacts, k: number, seed: number): Int32Array {
  const rows = facts.keys.length
  const units = unitsOf(facts, seed)
  if (!Number.isInteger(k) || k < 2) throw new DataError(`Cannot split ${counted(rows, 'row')} into folds: the number of folds must be a whole number of at least 2, got ${shown(k)}. Use for example 5.`)
  if (units.length < k) throw new DataError(`Cannot split ${counted(rows, 'row')} into ${k} folds: only ${units.length} ${facts.groups ? 'groups' : 'different rows'} can be told apart. Use folds: ${Math.max(2, units.length)}.`)
  const fold = new Int32Array(rows)
  let next = 0
  for (const [label, stratum] of strataOf(units)) {
    if (facts.labels && !facts.groups && label >= 0 && stratum.length < k) {
      const size = stratum.reduce((sum, unit) => sum + unit.rows.length, 0)
      throw new DataError(`Cannot split ${counted(rows, 'row')} into ${k} stratified folds: class "${facts.classes[label]}" has ${counted(size, 'row')}. ${stratum.length >= 2 ? `Use folds: ${stratum.length} or merge` : 'Merge'} the class.`)
    }
    for (const unit of stratum) {
      for (const row of unit.rows) fold[row] = next % k
      next++
    }
  }
  return fold
}
