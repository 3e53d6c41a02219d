// When a training falls apart: at the first loss or gradient that is no number, but not at a step that a loss scale left out.
import { expect, test } from '@jest/globals'
import { HealthCheck } from '../../lib/train/health.js'

test('the first step without a number is named', () => {
  expect(new HealthCheck(0.7).look(3, NaN, 1)).toEqual({ step: 3, why: 'the loss is NaN in step 3' })
  expect(new HealthCheck(0.7).look(4, 0.5, Infinity)).toEqual({ step: 4, why: 'the gradient is Infinity in step 4' })
})

test('steps that overflow under a loss scale are forgiven while the scale finds its place, and no longer', () => {
  const health = new HealthCheck(0.7)
  for (let step = 1; step <= 24; step++) expect(health.look(step, 0.7, Infinity, false)).toBeUndefined()
  expect(health.look(25, 0.7, 1.5)).toBeUndefined()
  for (let step = 26; step < 50; step++) expect(health.look(step, 0.7, NaN, false)).toBeUndefined()
  expect(health.look(50, 0.7, Infinity, false)?.why).toBe('the gradients of 25 steps in a row do not fit into float16, until step 50')
})

test('a loss far above its start has diverged; a noisy one has not', () => {
  const health = new HealthCheck(0.7)
  for (let step = 1; step <= 100; step++) expect(health.look(step, step % 2 ? 0.1 : 1.3, 1)).toBeUndefined()
  let trouble
  for (let step = 101; !trouble && step < 130; step++) trouble = health.look(step, 9, 1)
  expect(trouble?.why).toMatch(/the loss has risen to .* far above the 0\.100 it began with/)
})
