// One worker of the cluster's benchmark: `worker.mjs costs` sums arrays of many sizes, `worker.mjs train frozen|updating STEPS` trains EfficientNet-Lite0 by fineTune.
// The first worker prints one line of JSON.
import { buildModel, fineTune, images, startEngine, workersOfProcess } from '../../../dist/lib/index.js'

const [what, batchNorm, steps] = process.argv.slice(2)
startEngine()
const workers = workersOfProcess(), first = (workers?.rank ?? 0) === 0
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]

if (what === 'costs') {
  await workers.ready()
  const rows = []
  for (const numbers of [1, 1 << 10, 1 << 14, 1 << 17, 1 << 19, 1 << 20, 1 << 22]) {
    const values = new Float32Array(numbers), times = [], cpu = process.cpuUsage(), rounds = numbers > 1e6 ? 10 : 40
    for (let i = 0; i < rounds; i++) {
      const begin = performance.now()
      await workers.sum(values)
      times.push(performance.now() - begin)
    }
    const { user, system } = process.cpuUsage(cpu)
    rows.push({ bytes: numbers * 4, wall: median(times), cpu: (user + system) / 1000 / rounds })
  }
  if (first) console.log(JSON.stringify({ workers: workers.size, rows }))
} else {
  const side = 128, count = 64 * 4, classes = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']
  const pixels = new Uint8Array(count * side * side * 3).map((_, i) => (i * 2654435761) >>> 24)
  const data = images.fromArrays({ train: { images: pixels, shape: [count, side, side, 3], labels: Array.from({ length: count }, (_, i) => i % 10) } }, { name: 'noise', classes })
  const model = buildModel('efficientnet-lite0', { classes, imageSize: side })
  const epochs = Math.ceil(+steps / 4) + 1, cpu = process.cpuUsage()
  const run = fineTune(model, data, { live: false, epochs, frozenEpochs: 0, batchSize: 64, augment: false, batchNorm, seed: 1, patience: false })
  const times = []
  let last
  for await (const event of run) {
    if (event.type !== 'step') continue
    if (last && event.step > 4 && event.step % 4 !== 1) times.push(event.time - last)      // within an epoch, after the recording
    last = event.time
  }
  await run
  const { user, system } = process.cpuUsage(cpu)
  if (first) console.log(JSON.stringify({ workers: workers?.size ?? 1, wall: median(times), cpu: (user + system) / 1000 / (epochs * 4), parameters: run.events[0].run.trainable, steps: times.length }))
}
