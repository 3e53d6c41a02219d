// Splitting: shares, stability, groups, time, folds, and what is said when it cannot be done.
import { expect, test } from '@jest/globals'
import { interactions, type Partition, texts } from '../../lib/data/index.js'
import { assign, assignByTime, assignFolds } from '../../lib/data/parts.js'

const keys = (n: number, from = 0) => Array.from({ length: n }, (_, i) => `row ${i + from}`)
const labelled = (n: number, classes = 3) => ({ keys: keys(n), labels: Int32Array.from({ length: n }, (_, i) => i % classes), classes: Array.from({ length: classes }, (_, i) => `c${i}`) })
const count = (parts: ArrayLike<number>, value: number) => Array.from(parts).filter((part) => part === value).length

test('a row keeps its part when rows are added, before it or after it', () => {
  const before = assign(labelled(300), { validation: 0.15, test: 0.15 }, 0, false)
  const longer = { keys: [...keys(60, 1000), ...keys(300)], labels: Int32Array.from([...Array.from({ length: 60 }, () => 0), ...Array.from({ length: 300 }, (_, i) => i % 3)]), classes: ['c0', 'c1', 'c2'] }
  expect(assign(longer, { validation: 0.15, test: 0.15 }, 0, false).slice(60)).toEqual(before)
  expect(Math.abs(count(before, 2) - 45)).toBeLessThan(20)
})

test('another seed gives another split, the same seed the same', () => {
  const facts = labelled(300)
  expect(assign(facts, { validation: 0.2, test: 0 }, 1, false)).toEqual(assign(facts, { validation: 0.2, test: 0 }, 1, false))
  expect(assign(facts, { validation: 0.2, test: 0 }, 1, false)).not.toEqual(assign(facts, { validation: 0.2, test: 0 }, 2, false))
})

test('exact shares are exact in every class, and tiny classes reach every part', () => {
  const parts = assign(labelled(300), { validation: 0.2, test: 0.1 }, 0, true)
  for (let label = 0; label < 3; label++) expect([0, 1, 2].map((part) => Array.from(parts).filter((value, i) => value === part && i % 3 === label).length)).toEqual([70, 20, 10])
  const tiny = assign(labelled(9), { validation: 0.15, test: 0.15 }, 0, false)
  for (const part of [0, 1, 2]) expect(count(tiny, part)).toBe(3)
})

test('groups stay together', () => {
  const groups = Array.from({ length: 200 }, (_, i) => `patient ${i % 20}`)
  const parts = assign({ ...labelled(200), groups }, { validation: 0.2, test: 0.2 }, 0, false)
  for (let patient = 0; patient < 20; patient++) expect(new Set(Array.from(parts).filter((_, i) => i % 20 === patient)).size).toBe(1)
})

test('by time the newest rows are tested on, and equal times stay together', () => {
  const parts = assignByTime([1, 2, 3, 4, 5, 6, 7, 8, 8, 8], { validation: 0.2, test: 0.2 })
  expect(Array.from(parts)).toEqual([0, 0, 0, 0, 0, 0, 1, 2, 2, 2])
})

test('folds are even in every class and cover every row once', () => {
  const folds = assignFolds(labelled(90), 5, 0)
  for (let fold = 0; fold < 5; fold++) expect(count(folds, fold)).toBe(18)
})

test('refuses what cannot be done, with the figures and the way out', () => {
  const facts = { keys: keys(12), labels: Int32Array.from([0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1]), classes: ['wasp', 'bee'] }
  expect(() => assignFolds(facts, 5, 0)).toThrow('Cannot split 12 rows into 5 stratified folds: class "wasp" has 3 rows. Use folds: 3 or merge the class.')
  expect(() => assignFolds(facts, 1, 0)).toThrow(/at least 2, got 1/)
  expect(() => assign(facts, { validation: 0.6, test: 0.5 }, 0, false)).toThrow(/leave nothing for training/)
  expect(() => assign(facts, { validation: NaN, test: 0 }, 0, false)).toThrow(/got NaN/)
})

test('parts that were saved are found again after rows were added, moved and read anew; strangers are refused', async () => {
  const row = (i: number) => ({ text: `message ${i}`, label: i % 3 ? 'a' : 'b', author: `author ${i % 40}` })
  const first = texts.fromRows(Array.from({ length: 200 }, (_, i) => row(i)), { group: 'author' }), saved = JSON.parse(JSON.stringify(first.partition())) as Partition
  const later = await texts.fromRows([...Array.from({ length: 100 }, (_, i) => row(1000 + i)), ...Array.from({ length: 200 }, (_, i) => row(199 - i))], { group: 'author' }).splitAs(saved)
  const partOf = (data: typeof first) => new Map(Object.entries(data.splits).flatMap(([part, { rows }]) => rows.map(({ text }) => [text, part] as const)))
  const before = partOf(first), after = partOf(later)
  expect([...before].filter(([text, part]) => after.get(text) !== part)).toEqual([])
  expect(after.size).toBe(300)
  const authors = Object.values(later.splits).map(({ rows }) => new Set(rows.map((row) => (row as unknown as { author: string }).author)))
  expect(authors.reduce((sum, { size }) => sum + size, 0)).toBe(40) // new rows joined their group
  await expect(texts.fromRows(Array.from({ length: 20 }, (_, i) => ({ ...row(i), text: `other ${i}` }))).splitAs(saved)).rejects.toThrow(/none of its 20 rows is among those saved/)
  await expect(first.splitAs({ format: 2 } as never)).rejects.toThrow(/must have format 1/)
  await expect(first.splitAs('/nowhere')).rejects.toThrow(/Cannot read the parts from "\/nowhere"/)
})

test('equal rows that a given split tears apart stay where they were', async () => {
  const data = texts.fromRows(['x', 'y', 'x', 'z'].map((text, i) => ({ text, label: i % 2 ? 'a' : 'b', split: i < 2 ? 'train' : 'test' })))
  const again = await data.splitAs(data.partition())
  expect([again.train.size, again.test!.size]).toEqual([2, 2])
})

test('parts by the caller\'s own rule, rows left out where it names none', () => {
  const rows = Array.from({ length: 12 }, (_, i) => ({ text: `text ${i}`, label: i % 2 ? 'odd' : 'even', speaker: `s${i % 3}` }))
  const data = texts.fromRows<{ speaker: string }>(rows, { split: false })
  const parts = data.assign(({ speaker, text }) => text === 'text 0' ? undefined : speaker === 's2' ? 'test' : 'train')
  expect([parts.train.size, parts.test!.size, parts.validation]).toEqual([7, 4, undefined])
  expect(new Set(parts.test!.rows.map(({ speaker }) => speaker))).toEqual(new Set(['s2']))
  expect(parts.assign((_, split) => split === 'test' ? 'val' : split).validation!.size).toBe(4)
  expect(() => data.assign(() => 'test')).toThrow('Cannot assign the rows of "texts" to parts: none is in "train", got "test". Return \'train\' for the rows to learn from.')
})

test('a part that is called "validation" in full stays what it is, and a note says that there is no test part', () => {
  const data = interactions.fromRows(Array.from({ length: 40 }, (_, i) => ({ user: `u${i % 5}`, item: `i${i}`, rating: 1 + i % 5, split: i % 10 === 0 ? 'validation' : 'train' })))
  expect([data.train.size, data.validation!.size, data.test]).toEqual([36, 4, undefined])
  expect(data.notes.join()).toMatch(/no test part/)
})
