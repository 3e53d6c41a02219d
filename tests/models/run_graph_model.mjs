// A browser's view of exported models: plain TensorFlow.js on its pure JavaScript backend, nothing of ours. stdin: a list of {folder, inputs: [...]}; stdout: outputs.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs'

await tf.setBackend('cpu')
const answers = []
for (const { folder, inputs: all } of JSON.parse(readFileSync(0, 'utf8'))) {
  const { modelTopology, weightsManifest, signature, userDefinedMetadata } = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'))
  const weightData = Uint8Array.from(Buffer.concat(weightsManifest.flatMap(({ paths }) => paths.map((path) => readFileSync(join(folder, path)))))).buffer
  const model = await tf.loadGraphModel(tf.io.fromMemory({ modelTopology, weightSpecs: weightsManifest.flatMap(({ weights }) => weights), weightData, signature, userDefinedMetadata }))
  for (const inputs of all) {
    const output = model.predict(Object.fromEntries(Object.entries(inputs).map(([name, { data, shape, dtype }]) => [name, tf.tensor(data, shape, dtype)])))
    answers.push({ shape: output.shape, output: [...output.dataSync()], backend: tf.getBackend() })
  }
}
process.stdout.write(JSON.stringify(answers))
