// Chest X-rays, 28 × 28: do ImageNet's weights pay? With few labels: few-labels.mjs.
import { buildModel, loadModel, samples } from '../../../dist/lib/index.js'
import { classify, lite0 } from './_models.mjs'

export async function run(bench) {
  const { seed, quick } = bench, data = await samples.pneumonia(), { classes } = data
  const load = () => loadModel(lite0, { classes, imageSize: 64, seed }), small = () => buildModel('small-cnn', { classes, imageSize: 32, seed })
  await classify(bench, 'frozen features', await load(), data, { freeze: 'backbone', augment: false, metric: 'auc' })
  await classify(bench, 'fine-tuned', await load(), data, { epochs: quick ? 1 : 3, metric: 'auc' })
  await classify(bench, 'small network from scratch', small(), data, { epochs: quick ? 1 : 8, metric: 'auc' })
}
