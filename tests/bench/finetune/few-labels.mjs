// Eight to thirty labels of a class and no validation part: the recipe is chosen by cross-validation on these labels alone. Do ImageNet's weights pay, and do pairs?
// Of film reviews 200 others of the training part are read without their labels, as whoever labels sixteen has more.
import { buildModel, loadModel, samples } from '../../../dist/lib/index.js'
import { chosen, classify, few, lite0, miniLM } from './_models.mjs'

const sets = {
  'film reviews, 8 a class': { data: samples.filmReviews, perClass: 8, model: miniLM, others: 200 },
  'blood cells, 10 a class': { data: samples.bloodCells, perClass: 10, model: lite0, imageSize: 96, scratch: 40 },
  'blood cells, 30 a class': { data: samples.bloodCells, perClass: 30, model: lite0, imageSize: 96, scratch: 30 },
  'chest X-rays, 30 a class': { data: samples.pneumonia, perClass: 30, model: lite0, imageSize: 64, scratch: 40 },
}

export async function run(bench) {
  const { seed, quick } = bench
  for (const [name, { data: read, perClass, model, imageSize, scratch, others }] of Object.entries(sets)) {
    const all = await read(), { classes } = all, data = few(all, perClass, seed).filter((_, part) => part !== 'validation')
    const load = () => loadModel(model, { classes, seed, ...(imageSize ? { imageSize } : {}) })
    await classify(bench, `${name}, frozen features`, await load(), data, { freeze: 'backbone', augment: false })
    if (scratch) await classify(bench, `${name}, small network from scratch`, buildModel('small-cnn', { classes, imageSize: imageSize === 64 ? 32 : 64, seed }), data, { epochs: quick ? 2 : scratch })
    const labelled = new Set(data.train.rows), rest = Array.from(all.train.rows.keys()).filter((row) => !labelled.has(all.train.rows[row])), every = Math.floor(rest.length / others)
    const unlabelled = others && { rows: all.train.take(rest.filter((_, i) => i % every === 0).slice(0, others)) }
    await chosen(bench, name, await load(), data, { ...(quick ? { recipes: ['frozen features'] } : {}), ...(unlabelled ? { unlabelled } : {}) })
  }
}
