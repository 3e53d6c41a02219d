// Three classes of small drawings: fine-tuned on one artist, then adapted to another.
import { buildModel, Evaluation, fineTune, loadModel, samples } from '../../../dist/lib/index.js'
import { lite0 } from './_models.mjs'

export async function run({ seed, quick, record, timed }) {
  const pictograms = await samples.pictograms(), { classes } = pictograms
  const noto = pictograms.filter(({ artist }) => artist === 'noto'), twemoji = pictograms.filter(({ artist }) => artist === 'twemoji')
  const measure = async (name, model, data, options) => {
    await timed(name, () => fineTune(model, data, { live: false, seed, ...options }))
    for (const [artist, { test }] of [['noto', noto], ['twemoji', twemoji]]) record(`${name}, ${artist} test`, (await Evaluation.of(model, test)).accuracy, 'accuracy')
  }
  const load = () => loadModel(lite0, { classes, imageSize: 96, seed })
  const frozen = await load()
  await measure('frozen features', frozen, noto, { freeze: 'backbone', augment: false })
  frozen.dispose()
  const model = await load()
  await measure('fine-tuned', model, noto, { epochs: quick ? 1 : 6 })
  await measure('then adapted to twemoji', model, twemoji, { epochs: quick ? 1 : 4 })
  model.dispose()
  const same = buildModel('efficientnet-lite0', { classes, imageSize: 96, seed })
  await measure('same network from scratch', same, noto, { epochs: quick ? 1 : 6 })
  same.dispose()
  const small = buildModel('small-cnn', { classes, seed })
  await measure('small network from scratch', small, noto, { epochs: quick ? 1 : 15 })
  small.dispose()
}
