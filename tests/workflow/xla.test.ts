// A training step compiled by XLA learns what the plain one learns.
import { beforeAll, expect, jest, test } from '@jest/globals'
import { startEngine } from '../../lib/engine/index.js'
import { buildModel } from '../../lib/models/index.js'
import { fineTune } from '../../lib/workflow/index.js'
import { stripes } from './support/stripes.js'

jest.setTimeout(120_000)
beforeAll(() => { startEngine() })

test('the losses are those without it, step by step', async () => {
  const data = stripes({ train: 32 })
  const losses = async (xla: boolean) => {
    const model = buildModel('small-cnn', { classes: data.classes, imageSize: 16, seed: 2, config: { channels: [4, 8], dropout: 0 } })
    const run = fineTune(model, data, { live: false, epochs: 3, frozenEpochs: 0, batchSize: 16, learningRate: 0.01, patience: false, xla })
    await run
    model.dispose()
    expect(run.events.filter((event) => event.type === 'note' && /instead|falls back|op by op/.test(event.text))).toEqual([])
    return run.events.filter((event) => event.type === 'step').map(({ loss }) => loss)
  }
  const [plain, compiled] = [await losses(false), await losses(true)]
  expect(compiled).toHaveLength(6)
  compiled.forEach((loss, i) => expect(loss).toBeCloseTo(plain[i]!, 3))
  expect(compiled).not.toEqual(plain) // XLA sums in another order: it was at work
})

test('what is no choice is refused before anything trains', async () => {
  const data = stripes({ train: 32 }), model = buildModel('small-cnn', { classes: data.classes, imageSize: 16 })
  await expect(async () => fineTune(model, data, { xla: 'yes' as unknown as boolean, live: false })).rejects.toThrow('xla must be true or false, got "yes"')
  model.dispose()
})
