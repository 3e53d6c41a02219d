// How a sweep searches: spaces, Sobol's points against SciPy's, seeds, early stopping, importance against a known analysis of variance.
import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { SuccessiveHalving } from '../../../lib/workflow/sweep/asha.js'
import { paramsAt, pointOf, valueAt, type Dimension } from '../../../lib/workflow/sweep/space.js'
import { importanceOf, sobol, sweep } from '../../../lib/workflow/index.js'

const quiet = { live: false } as const

test("Sobol's points are SciPy's", () => {
  const { points } = JSON.parse(readFileSync('tests/fixtures/sobol.json', 'utf8')) as { points: number[][] }
  points.forEach((point, i) => sobol(21, i).forEach((value, d) => expect(value).toBeCloseTo(point[d]!, 8)))
})

test('shifted by a seed they still fall once into each part of the cube', () => {
  for (const seed of [0, 1, 7]) for (let d = 0; d < 21; d++) {
    const parts = new Set(Array.from({ length: 64 }, (_, i) => Math.floor(sobol(21, i, seed)[d]! * 64)))
    expect(parts.size).toBe(64)
  }
})

test('values stay in their range, and a point and its value find each other', () => {
  const dimension = fc.oneof(
    fc.record({ from: fc.double({ min: 1e-6, max: 10, noNaN: true }), more: fc.double({ min: 1e-3, max: 1e3, noNaN: true }), log: fc.boolean() }).map(({ from, more, log }): Dimension => ({ from, to: from + more, log })),
    fc.record({ from: fc.integer({ min: 1, max: 50 }), more: fc.integer({ min: 0, max: 200 }), log: fc.boolean() }).map(({ from, more, log }): Dimension => ({ from, to: from + more, log, integer: true })),
    fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 6 }).map((values): Dimension => values),
  )
  fc.assert(fc.property(dimension, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (one, unit) => {
    const value = valueAt(one, unit)
    if (Array.isArray(one)) expect(one).toContain(value)
    else {
      const { from, to, integer } = one as { from: number; to: number; integer?: boolean }
      expect(value).toBeGreaterThanOrEqual(from * (1 - 1e-12))
      expect(value).toBeLessThanOrEqual(to * (1 + 1e-12))
      if (integer) expect(Number.isInteger(value)).toBe(true)
    }
    const again = paramsAt({ one }, pointOf({ one }, { one: value }).map((at) => Math.min(at, 1 - 1e-12)))['one']!
    if (typeof value === 'number') expect(Math.abs(again as number - value)).toBeLessThanOrEqual(1e-6 * Math.abs(value) + 1e-9)
    else expect(again).toBe(value)
  }))
})

test('whole numbers come equally often', () => {
  const counts = [0, 0, 0, 0]
  for (let i = 0; i < 4000; i++) counts[(valueAt({ from: 1, to: 4, integer: true }, i / 4000) as number) - 1]!++
  expect(counts).toEqual([1000, 1000, 1000, 1000])
})

test('the same seed searches alike, another seed otherwise; each way of searching finds a simple optimum', async () => {
  const space = { rate: { from: 1e-5, to: 1, log: true }, batch: [8, 16, 32], depth: { from: 1, to: 6, integer: true } } as const
  const objective = ({ rate, batch, depth }: { rate: number; batch: 8 | 16 | 32; depth: number }) => -((Math.log10(rate) + 3) ** 2) - Math.abs(batch - 16) / 16 - Math.abs(depth - 4) / 4
  for (const search of ['random', 'sobol', 'tpe'] as const) {
    const [a, b, c] = [await sweep(space, objective, { search, seed: 1, trials: 40, ...quiet }), await sweep(space, objective, { search, seed: 1, trials: 40, ...quiet }), await sweep(space, objective, { search, seed: 2, trials: 40, ...quiet })]
    expect(a.trials.map(({ params }) => params)).toEqual(b.trials.map(({ params }) => params))
    expect(a.trials.map(({ params }) => params)).not.toEqual(c.trials.map(({ params }) => params))
    expect(a.best!.value).toBeGreaterThan(-1.2)
    expect(a.best!.params.batch satisfies 8 | 16 | 32).toBeDefined()
  }
})

test('successive halving: the best third of those that came as far goes on', () => {
  const halving = new SuccessiveHalving({ first: 1, factor: 3 })
  expect([5, 4, 6, 3, 7].map((loss, trial) => halving.goesOn(trial, 1, loss))).toEqual([true, true, false, true, false])
  expect(halving.goesOn(1, 2, 9)).toBe(true)                                             // 2 is no rung
  expect([halving.goesOn(1, 3, 2), halving.goesOn(3, 3, 3)]).toEqual([true, false])
  expect(halving.goesOn(0, 4, NaN)).toBe(true)
})

test('importance agrees with the analysis of variance of a known function', () => {
  const space = { a: { from: 0, to: 1 }, b: { from: 0, to: 1 }, c: { from: 0, to: 1 }, kind: ['one', 'two'] }
  // Variances: a 16/12, b 4/12, kind 1/4, c nothing; together 23/12.
  const tried = Array.from({ length: 256 }, (_, i) => {
    const params = paramsAt(space, sobol(4, i, 3)) as { a: number; b: number; c: number; kind: string }
    return { params, value: 4 * params.a + 2 * params.b + (params.kind === 'two' ? 1 : 0) }
  })
  const found = Object.fromEntries(importanceOf(space, tried).map(({ name, value }) => [name, value]))
  expect(Math.abs(found['a']! - 16 / 23)).toBeLessThan(0.08)
  expect(Math.abs(found['b']! - 4 / 23)).toBeLessThan(0.05)
  expect(Math.abs(found['kind']! - 3 / 23)).toBeLessThan(0.05)
  expect(found['c']).toBeLessThan(0.01)
  expect(importanceOf(space, tried.slice(0, 7))).toEqual([])
})
