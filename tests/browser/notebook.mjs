// The notebook that the browser tests run: cells by name. Two trainings are streams of events drawn by the library's own live view; the third is a small network that learns.
import { resolve } from 'node:path'

const dist = resolve(import.meta.dirname, '../../dist')

export const cells = {
  result: 'const answer: number = 6 * 7\nanswer',
  figure: `import { confusionMatrix } from '${dist}/lib/plots/index.js'\nconfusionMatrix({ classes: ['ant', 'bee'], counts: [[70, 3], [5, 75]] })`,
  completion: 'const photographs = [1, 2, 3]\nphoto',
  typeError: 'const wrong: number = "text"\nwrong',
  training: `import { train } from '${dist}/tests/browser/training.js'\nconst run = await train({ epochs: 6, pause: 40 })\nrun.share`,
  stopped: 'const stoppedRun = await train({ epochs: 40, pause: 40 })\nstoppedRun.record.end!.reason',
  fineTune: `import { samples } from '${dist}/lib/data/index.js'
import { buildModel } from '${dist}/lib/models/index.js'
import { fineTune } from '${dist}/lib/workflow/index.js'
const drawings = (await samples.pictograms()).filter((row) => row.artist === 'noto')
const small = buildModel('small-cnn', { classes: drawings.classes, imageSize: 48, seed: 0 })
const result = await fineTune(small, drawings, { epochs: 80, batchSize: 32, seed: 0 })
result.reason + ' ' + result.best.epoch`,
  evaluation: 'const tested = await result.evaluate()\nresult.history.length >= result.best.epoch && result.best.value',
  after: '`${stoppedRun.record.best!.epoch >= 1 && answer}`',
}
export const number = (name) => Object.keys(cells).indexOf(name) + 1
