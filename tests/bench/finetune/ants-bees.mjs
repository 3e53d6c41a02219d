// Photographs of ants and bees: both are ImageNet classes, so this set flatters ImageNet's weights. Its `val` part is the test part; validation is cut from training.
import { buildModel, loadModel, samples } from '../../../dist/lib/index.js'
import { classify, lite0 } from './_models.mjs'

export async function run(bench) {
  const { seed, quick } = bench
  const given = await samples.antsBees(), data = given
  const load = (imageSize) => loadModel(lite0, { classes: data.classes, imageSize, seed })
  await classify(bench, 'frozen features, 128 px', await load(128), data, { freeze: 'backbone', augment: false })
  await classify(bench, 'frozen features, 224 px', await load(224), data, { freeze: 'backbone', augment: false })
  await classify(bench, 'fine-tuned, 128 px', await load(128), data, { epochs: quick ? 1 : 6 })
  await classify(bench, 'same network from scratch, 128 px', buildModel('efficientnet-lite0', { classes: data.classes, imageSize: 128, seed }), data, { epochs: quick ? 1 : 8 })
}
