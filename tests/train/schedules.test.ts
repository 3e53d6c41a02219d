// Schedules against PyTorch and transformers.
import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { cosine, cosineRestarts, createSchedule, linear, oneCycle, plateauFactor } from '../../lib/train/schedules/index.js'

const fixture = JSON.parse(readFileSync('tests/fixtures/schedules.json', 'utf8'))

function compare(name: string, factor: (step: number) => number, peaks = [0.1, 0.1]) {
  fixture[name].lr_groups.forEach((rates: number[], step: number) => rates.forEach((rate, group) =>
    expect(Math.abs(factor(step) * peaks[group]! - rate)).toBeLessThan(1e-6 * rate + 1e-12)))
}

test('one-cycle', () => {
  compare('one_cycle_cos', (step) => oneCycle(step, 21), [1e-3, 1e-2])
  compare('one_cycle_linear_3phase', (step) => oneCycle(step, 21, { start: 0.25, anneal: 'linear', threePhase: true }), [1e-3, 1e-2])
})

test('warm-up, then a straight line or a cosine', () => {
  compare('linear_warmup_hf_w4_n20', (step) => linear(step, 20, 4))
  compare('cosine_warmup_hf_w4_n20', (step) => cosine(step, 20, 4))
})

test('cosine with restarts', () => compare('cosine_restarts_T5_mult2', (step) => cosineRestarts(step, { cycle: 5, growth: 2, lowest: 1e-3 })))

test('reduce on plateau', () => {
  const { metric, lr_after } = fixture.reduce_on_plateau
  lr_after.forEach((rate: number, i: number) => expect(0.1 * plateauFactor(metric.slice(0, i + 1), { factor: 0.5, patience: 2, threshold: 1e-3 })).toBeCloseTo(rate, 12))
})

test('every schedule stays within [0, 1] for runs of any length', () => {
  for (const name of ['constant', 'linear', 'cosine', 'cosine-restarts', 'one-cycle', 'reduce-on-plateau'] as const) {
    for (const total of [1, 2, 3, 4, 7, 100]) for (let step = 0; step < total; step++) {
      const value = createSchedule({ name, warmup: name === 'one-cycle' ? 0.3 : 0.2 }).factor({ step, total, losses: [1, 2, 3, 4, 5] })
      expect(value).toBeGreaterThanOrEqual(0)
      expect(value).toBeLessThanOrEqual(1)
    }
  }
})

test('an unknown name is answered with the near one', () => {
  expect(() => createSchedule('cosin' as never)).toThrow('Did you mean "cosine"?')
})
