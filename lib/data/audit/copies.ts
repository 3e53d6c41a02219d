// What copies mean: a leak where they stand in different parts, contradictions where their labels differ, else only weight.
import { counted } from '../errors.js'
import type { Store } from '../store.js'
import type { Finding, FindingRow } from '../types.js'
import type { Groups } from './duplicates.js'

export interface Places { splitOf(id: number): string; row(id: number): FindingRow }

/** Findings for groups of equal (`exact`) or nearly equal rows. */
export function findCopies(store: Store<object>, groups: Groups, exact: boolean, places: Places): Finding[] {
  const word = exact ? 'equal' : 'nearly equal'
  const across = groups.filter((group) => new Set(group.map(places.splitOf)).size > 1)
  const within = groups.filter((group) => !across.includes(group))
  /** The row that this one repeats: one of training where there is one, else one of another part. */
  const original = (id: number, group: readonly number[]) => group.find((other) => other !== id && places.splitOf(other) === 'train') ?? group.find((other) => places.splitOf(other) !== places.splitOf(id)) ?? group.find((other) => other !== id)!
  const named = (ids: readonly number[], group: readonly number[]): FindingRow[] => ids.map((id) => {
    const { split, row, what } = places.row(original(id, group))
    return { ...places.row(id), detail: `${word} to ${split}[${row}] ${what}` }
  })
  const findings: Finding[] = []
  if (across.length > 0) {
    const leaked = across.flatMap((group) => named(group.filter((id) => places.splitOf(id) !== 'train'), group))
    const pairs = across.flatMap((group) => group.filter((id) => places.splitOf(id) !== 'train').map((id) => `of ${places.splitOf(id)} in ${places.splitOf(original(id, group))}`))
    const byPart = [...new Set(pairs)].map((pair) => `${pairs.filter((other) => other === pair).length} ${pair}`).join(', ')
    findings.push({
      check: 'leak between splits', severity: exact ? 'error' : 'warning', rows: leaked,
      text: `${counted(leaked.length, 'row')} outside training ${leaked.length === 1 ? 'is' : 'are'} ${word} to a row of another part (${byPart}): the score will flatter.`,
      advice: exact ? 'Split again with .split() (equal rows then stay together), or .filter() them out of one part.' : 'Look at them; if they are copies, keep them in one part with .split({ group }).',
    })
  }
  if (within.length > 0) {
    const extra = within.flatMap((group) => named(group.slice(1), group))
    findings.push({
      check: exact ? 'exact duplicates' : 'near duplicates', severity: exact ? 'warning' : 'note', rows: extra,
      text: `${counted(extra.length, 'row')} repeat${extra.length === 1 ? 's' : ''} another of the same part${exact ? '' : ' nearly'}, in ${counted(within.length, 'group')}.`,
      advice: 'Copies only give those examples more weight; .filter() them out unless that is meant.',
    })
  }
  const contradictions = store.labels.length === 0 ? [] : groups.filter((group) => new Set(group.map((id) => store.labels[id])).size > 1)
  if (contradictions.length > 0) {
    const rows = contradictions.flatMap((group) => group.map((id) => ({ ...places.row(id), detail: `labelled ${store.classes[store.labels[id]!]}; ${word} rows: ${[...new Set(group.map((other) => store.classes[store.labels[other]!]))].join(' and ')}` })))
    findings.push({
      check: 'conflicting labels', severity: exact ? 'error' : 'warning', rows,
      text: `${counted(contradictions.length, 'group')} of ${word} rows ${contradictions.length === 1 ? 'has' : 'have'} different labels.`,
      advice: 'At least one label of each group is wrong, or the classes overlap: correct it in the source.',
    })
  }
  return findings
}
