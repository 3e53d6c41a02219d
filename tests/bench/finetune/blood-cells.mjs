// Red cells, white cells, platelets under the microscope, split by slide. With few labels: few-labels.mjs.
import { buildModel, loadModel, samples } from '../../../dist/lib/index.js'
import { classify, lite0 } from './_models.mjs'

export async function run(bench) {
  const { seed, quick } = bench, data = await samples.bloodCells(), { classes } = data
  await classify(bench, 'frozen features', await loadModel(lite0, { classes, imageSize: 96, seed }), data, { freeze: 'backbone', augment: false })
  await classify(bench, 'small network from scratch', buildModel('small-cnn', { classes, imageSize: 64, seed }), data, { epochs: quick ? 1 : 8 })
}
