// A process of its own that trains with checkpoints, prints what it does, and may be killed at any moment: node trains.js FOLDER EVERY_STEPS
import { createHash } from 'node:crypto'
import { startEngine } from '../../../lib/engine/index.js'
import { listCheckpoints, type TrainOptions } from '../../../lib/train/index.js'
import { fineTune } from '../../../lib/workflow/index.js'
import { stripes, tinyModel, valuesOf } from './stripes.js'

const [folder, everySteps] = [process.argv[2]!, Number(process.argv[3])]
const say = (line: string) => { process.stdout.write(`${line}\n`) }

startEngine()
const options: TrainOptions = { epochs: 6, frozenEpochs: 1, fitHead: false, batchSize: 8, learningRate: 5e-3, augment: { shift: 0.1 }, batchNorm: 'updating', ema: 0.9, patience: false, seed: 5 }
const goOn = (await listCheckpoints(folder)).length > 0
const model = tinyModel({ seed: 5 }), run = fineTune(model, stripes({ train: 128 }), { live: false, ...options, checkpoints: { folder, everySteps }, ...(goOn ? { resume: folder } : {}) })
for await (const event of run) {
  if (event.type === 'step') say(`step ${event.step}`)
  if (event.type === 'checkpoint') say(`checkpoint ${event.step}`)
  if (event.type === 'note' && event.level === 'warning') say(`warning ${event.text}`)
}
const { reason } = await run
say(`end ${reason} ${createHash('sha256').update(JSON.stringify(valuesOf(model))).digest('hex')}`)
process.exit(0)
