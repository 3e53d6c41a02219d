// Spam in text messages, on fixed parts of which 60 test messages stand in training too: with them, as published comparisons do, and without.
import { readFileSync } from 'node:fs'
import { Evaluation, fineTune, loadModel, samples, texts } from '../../../dist/lib/index.js'
import { miniLM } from './_models.mjs'

export async function run({ seed, quick, record, timed }) {
  const { train, validation, test } = JSON.parse(readFileSync('notebooks/data/sms-parts.json', 'utf8'))
  const data = await texts.fromTable('notebooks/data/sms-spam-collection.tsv', { text: 'SMS', label: 'Label', quote: '', split: { train, validation, test }, name: 'SMS spam' })
  const known = new Set(data.train.rows.map(({ text }) => text)), unseen = data.filter(({ text }, split) => split !== 'test' || !known.has(text))
  const measure = async (name, options, prepare = async () => {}) => {
    const model = await loadModel(miniLM, { classes: data.classes, seed })
    await prepare(model)
    await timed(name, () => fineTune(model, data, { live: false, seed, ...options }))
    for (const [part, rows] of [['test', data.test], ['test without copies', unseen.test]]) {
      const evaluation = await Evaluation.of(model, rows)
      record(`${name}, ${part}`, evaluation.accuracy, 'accuracy')
      record(`${name}, ${part}`, evaluation.perClass[1].f1, 'F1')
    }
    model.dispose()
  }
  if (seed === 0) await measure('frozen features', { freeze: 'backbone' }) // nothing in it hangs on the seed
  await measure('fine-tuned', { epochs: 1, ...(quick ? { freeze: 'backbone' } : {}) })
}
