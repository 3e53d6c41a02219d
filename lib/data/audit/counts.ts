// Checks that only count: imbalance, too few rows, missing values, broken files.
import { countByClass } from '../classes.js'
import { counted } from '../errors.js'
import type { Store } from '../store.js'
import type { Finding } from '../types.js'
import type { Places } from './copies.js'

type Parts = Readonly<Record<string, Int32Array>>

/** Rows per class below which fine-tuning rarely gets anywhere, and rows of a part below which its score says little. */
const few = { perClass: 10, perPart: 30 }

export function findImbalance(store: Store<object>, parts: Parts): Finding[] {
  if (store.several) return [] // where a row may have several or none, classes need not be equal
  const counts = countByClass(store, parts['train'] ?? new Int32Array(0))
  const present = counts.filter((count) => count > 0)
  if (present.length < 2) return []
  const [least, most] = [Math.min(...present), Math.max(...present)]
  if (most / least < 3) return []
  const name = (count: number) => store.classes[counts.indexOf(count)]
  const share = most / present.reduce((a, b) => a + b, 0)
  return [{
    check: 'imbalance', severity: most / least >= 10 ? 'warning' : 'note', rows: [],
    text: `"${name(most)}" has ${most} training rows, "${name(least)}" ${least}: ${(most / least).toFixed(1)} to 1. Always saying "${name(most)}" would be right for ${(share * 100).toFixed(0)} %.`,
    advice: 'Judge by balanced accuracy or F1, and train with balanced: true or class weights.',
  }]
}

export function findTooFew(store: Store<object>, parts: Parts): Finding[] {
  const counts = countByClass(store, parts['train'] ?? new Int32Array(0))
  const small = store.classes.filter((_, id) => counts[id]! < few.perClass)
  const findings: Finding[] = small.length === 0 ? [] : [{
    check: 'too few rows', severity: 'warning', rows: [],
    text: `${small.length === 1 ? 'Class' : `${small.length} classes, such as`} ${small.slice(0, 5).map((label) => `"${label}" (${counts[store.classes.indexOf(label)]})`).join(', ')} ha${small.length === 1 ? 's' : 've'} fewer than ${few.perClass} training rows.`,
    advice: 'Collect more, merge classes, or keep the pre-trained weights frozen and train the head alone.',
  }]
  for (const [split, ids] of Object.entries(parts)) {
    if (split === 'train' || ids.length >= few.perPart) continue
    findings.push({
      check: 'too few rows', severity: 'note', rows: [],
      text: `"${split}" has ${counted(ids.length, 'row')}: an accuracy measured there is uncertain by about ±${Math.round(98 / Math.sqrt(ids.length))} points.`,
      advice: 'Use k folds with .folds(5), or a larger share.',
    })
  }
  return findings
}

export function findMissing(store: Store<object>, ids: Int32Array, places: Places): Finding[] {
  return Object.keys(store.rows[0] ?? {}).flatMap((column): Finding[] => {
    const rows = Array.from(ids).filter((id) => { const value = (store.rows[id] as Record<string, unknown>)[column]; return value === null || value === undefined || value === '' || (typeof value === 'number' && Number.isNaN(value)) })
    return rows.length === 0 ? [] : [{ check: 'missing values', severity: 'note', text: `Column "${column}" is empty in ${counted(rows.length, 'row')}.`, advice: 'Harmless unless you group or filter by it.', rows: rows.map(places.row) }]
  })
}

export function findBroken({ problems }: Store<object>): Finding[] {
  const broken = problems.filter(({ rule }) => rule !== 'too few rows' && rule !== 'empty class')
  const empty = problems.filter(({ rule }) => rule === 'empty class')
  return [
    ...(broken.length === 0 ? [] : [{
      check: 'broken files' as const, severity: 'warning' as const, rows: broken.map(({ file, rule, detail }) => ({ split: 'left out', row: -1, what: file, detail: `${rule}: ${detail}` })),
      text: `${counted(broken.length, 'file or row')} could not be used and ${broken.length === 1 ? 'was' : 'were'} left out.`, advice: 'Replace or delete them.',
    }]),
    ...(empty.length === 0 ? [] : [{
      check: 'too few rows' as const, severity: 'warning' as const, rows: [], text: `Without any example: ${empty.map(({ file }) => file).join(', ')}.`, advice: 'Fill or delete the class.',
    }]),
  ]
}
