// Sentences of film reviews, positive or negative (SST-2): 8,000 examples. The public dev part is the test part. With eight of a class: few-labels.mjs.
import { loadModel, samples } from '../../../dist/lib/index.js'
import { classify, few, miniLM } from './_models.mjs'

export async function run(bench) {
  const { seed, quick } = bench, all = await samples.filmReviews(), { classes } = all
  const load = () => loadModel(miniLM, { classes, seed })
  let seen = 0 // one in ten of the 10,101 validation rows is enough to choose by
  const many = few(all, quick ? 200 : 4000, seed).filter((_, part) => part !== 'validation' || seen++ % 10 === 0)
  await classify(bench, '8,000 examples, frozen features', await load(), many, { freeze: 'backbone' })
  await classify(bench, '8,000 examples, fine-tuned', await load(), many, { epochs: quick ? 1 : 2, frozenEpochs: 0 })
}
