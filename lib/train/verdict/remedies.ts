// What to do about a verdict: remedies in order of expected gain, with the code that applies them.
import type { Remedy, VerdictKind } from '../events.js'

export interface RemedyContext { rows: number; validationRows: number; best: number; epochs: number }

export function remediesFor(kind: VerdictKind, { rows, validationRows, best, epochs }: RemedyContext): Remedy[] {
  switch (kind) {
    case 'overfitting': return [
      { text: `Nothing is lost: the weights of epoch ${best} are the ones that are kept. Train about that long next time.`, code: `fineTune(model, data, { epochs: ${Math.max(1, best)} })` },
      { text: `More data helps most: about ${Math.max(50, rows)} more training rows would double it. learningCurve(model, data) measures what that gains.`, code: 'await learningCurve(model, data)' },
      { text: 'Stronger augmentation shows the network more variety.', code: 'fineTune(model, data, { augment: { shift: 0.15, rotate: 15, zoom: [0.8, 1.3], brightness: 0.2, contrast: 0.2, saturation: 0.2, erase: 0.25 } })' },
      { text: 'Train the head only: fewer weights can memorize less.', code: "fineTune(model, data, { freeze: 'backbone' })" },
      { text: 'Regularize more.', code: 'fineTune(model, data, { weightDecay: 0.1, labelSmoothing: 0.1 })' },
    ]
    case 'underfitting': return [
      { text: 'Raise the learning rate: measure it first.', code: 'const { suggestion } = await findLearningRate(model, data)\nfineTune(model, data, { learningRate: suggestion })' },
      { text: 'Train longer.', code: `fineTune(model, data, { epochs: ${2 * epochs} })` },
      { text: 'Let all layers learn, with less regularization.', code: "fineTune(model, data, { freeze: 'none', augment: false, weightDecay: 0, labelSmoothing: 0 })" },
      { text: 'If nothing helps, labels may not follow from the inputs: look at the data.', code: 'await data.audit()' },
    ]
    case 'unstable': return [
      { text: 'Lower the learning rate.', code: 'const { suggestion } = await findLearningRate(model, data)\nfineTune(model, data, { learningRate: suggestion / 3 })' },
      { text: 'Larger batches and shorter gradients make steadier steps.', code: 'fineTune(model, data, { batchSize: 32, clipNorm: 0.5 })' },
    ]
    case 'leaking': return [
      { text: 'Look for rows that are in two parts, and split by what they share (patient, speaker, source).', code: "await data.audit()\nconst clean = data.split({ group: 'patient' })" },
    ]
    case 'still learning': return [{ text: 'Train longer.', code: `fineTune(model, data, { epochs: ${Math.max(epochs + 2, Math.round(1.6 * epochs))} })` }]
    case 'too little data': return epochs < 3
      ? [{ text: 'Wait for the third epoch.' }]
      : [{ text: `Validate on more rows: ${validationRows} cannot tell small differences apart.`, code: 'data.split({ validation: 0.25 })' }]
    case 'good fit': return [{ text: 'Evaluate on the test part, once.', code: 'await result.evaluate(data.test)' }]
  }
}
