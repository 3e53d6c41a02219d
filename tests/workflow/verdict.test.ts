// The verdict on real trainings of a small network, each forced into its state; `npm run bench -- verdict` does the same over more seeds.
import { beforeAll, expect, jest, test } from '@jest/globals'
import { startEngine } from '../../lib/engine/index.js'
import { force, states } from './support/states.js'

jest.setTimeout(300_000)
beforeAll(() => { startEngine() })

test('real trainings are recognized for what they were forced to be', async () => {
  const wrong: string[] = []
  for (const state of states) {
    const { overfitting } = await force(state, 20)
    if (overfitting.verdict !== state.kind) wrong.push(`${state.name}: ${overfitting.verdict}. ${overfitting.evidence}`)
    expect(overfitting.remedies.length).toBeGreaterThan(0)
    if (state.kind === 'overfitting') expect(overfitting.onsetEpoch).toBeGreaterThan(1)
  }
  if (wrong.length > 1) throw new Error(`${wrong.length} of ${states.length} are wrong:\n${wrong.join('\n')}`)
})
