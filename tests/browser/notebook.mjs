// The notebook that the browser tests run: cells by name. The training is a stream of events, drawn by the library's own live view.
import { resolve } from 'node:path'

const dist = resolve(import.meta.dirname, '../../dist')

export const cells = {
  result: 'const answer: number = 6 * 7\nanswer',
  figure: `import { confusionMatrix } from '${dist}/lib/plots/index.js'\nconfusionMatrix({ classes: ['ant', 'bee'], counts: [[70, 3], [5, 75]] })`,
  completion: 'const photographs = [1, 2, 3]\nphoto',
  typeError: 'const wrong: number = "text"\nwrong',
  training: `import { train } from '${dist}/tests/browser/training.js'\nconst run = await train({ epochs: 6, pause: 40 })\nrun.share`,
  stopped: 'const stoppedRun = await train({ epochs: 40, pause: 40 })\nstoppedRun.record.end!.reason',
  after: '`${stoppedRun.record.best!.epoch >= 1 && answer}`',
}
export const number = (name) => Object.keys(cells).indexOf(name) + 1
