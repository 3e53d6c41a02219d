// The law behind the learning curve: it finds a law that is there, says how unsure it is, and how many rows a gain takes.
import { expect, test } from '@jest/globals'
import { errorAt, fitLaw, lawsOf, quantile, rowsFor } from '../../lib/workflow/power-law.js'
import { LearningCurve } from '../../lib/workflow/index.js'

const law = { a: 0.05, b: 1.2, c: 0.5 }, sizes = [50, 100, 200, 400, 800]
const points = (noise = 0, deviation = 0.003) => sizes.map((rows, i) => ({ rows, error: errorAt(law, rows) + noise * (i % 2 ? 1 : -1), deviation }))

test('a law without noise is found again, and looks ahead rightly', () => {
  const found = fitLaw(points())
  expect(errorAt(found, 3200)).toBeCloseTo(errorAt(law, 3200), 2)
  expect(rowsFor(law, errorAt(law, 1234))).toBeCloseTo(1234, 6)
  expect(rowsFor(law, 0.04)).toBe(Infinity)
})

test('the interval covers the truth in about as many runs as it says, and grows with the distance', () => {
  let covered = 0
  for (let seed = 0; seed < 40; seed++) {
    const random = (i: number) => Math.sin(seed * 12.9898 + i * 78.233) * 43758.5453 % 1
    const noisy = sizes.map((rows, i) => ({ rows, error: errorAt(law, rows) + 0.012 * (random(i) + random(i + 9) + random(i + 20)), deviation: 0.012 }))
    const curve = new LearningCurve(noisy.map(({ rows, error }) => ({ rows, value: 1 - error, interval: [0, 1] as const })), noisy, seed), at = curve.at(1600)!
    if (1 - errorAt(law, 1600) >= at.interval[0] && 1 - errorAt(law, 1600) <= at.interval[1]) covered++
    const far = curve.at(12800)!
    expect(far.interval[1] - far.interval[0]).toBeGreaterThanOrEqual((at.interval[1] - at.interval[0]) * 0.8)
  }
  expect(covered).toBeGreaterThanOrEqual(34)
})

test('rows for a gain: the true number lies in the interval; a gain beyond the floor takes forever', () => {
  const curve = new LearningCurve(points().map(({ rows, error }) => ({ rows, value: 1 - error, interval: [0, 1] as const })), points())
  const needed = curve.rowsFor(1)!, truth = rowsFor(law, errorAt(law, 800) - 0.01) - 800
  expect(needed.interval[0]).toBeLessThanOrEqual(truth)
  expect(needed.interval[1]).toBeGreaterThanOrEqual(truth)
  expect(curve.rowsFor(30)!.rows).toBe(Infinity)
  expect(String(curve)).toMatch(/About [\d,]+ more rows for 2 points|About [\d,]+ more rows for 1 point/)
  expect(quantile(lawsOf(points(), 1).others.map(({ c }) => c), 0.5)).toBeGreaterThan(0.2)
})
