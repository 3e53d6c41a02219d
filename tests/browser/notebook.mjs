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
  buttons: `const pressed = await fineTune(small, drawings, { epochs: 400, batchSize: 32, schedule: 'constant', patience: false, learningRate: 2e-4 })
pressed.reason + ' ' + [...new Set(pressed.events.flatMap((event) => event.type === 'step' ? [event.learningRate] : []))].join(' ')`,
  slider: `import { interact, widget } from '${dist}/lib/display/index.js'
const calls: number[] = []
const controls = interact(({ n, name }) => { calls.push(n); return { 'text/html': '<b class="answer">' + name + ' ' + n * n + '</b>', 'text/plain': String(n * n) } }, { n: [0, 20, 1], name: ['square', 'power'] })
controls`,
  buffers: `const echo = widget({
  esm: \`export default { render({ model, el }) {
    const answer = () => {
      const seen = model.get('samples'), doubled = new Uint8Array(seen.buffer, seen.byteOffset, seen.byteLength).map((x) => 2 * x)
      el.textContent = 'got ' + doubled.length + ' bytes'
      model.set('doubled', new DataView(doubled.buffer))
      model.save_changes()
      model.send({ said: 'sent' }, undefined, [doubled.buffer])
    }
    model.on('change:samples', answer)
    answer()
  } }\`,
  state: { samples: new Uint8Array([1, 2, 3]), doubled: new Uint8Array() },
})
const heard: unknown[] = []
echo.onMessage((content, [bytes]) => { heard.push(content, [...bytes!]) })
echo`,
  answered: 'JSON.stringify([[...echo.get("doubled")], heard])',
  setAgain: 'echo.set({ samples: new Uint8Array([100, 0, 7, 9]) })\ncontrols.set({ n: 5 })\nconst until = Date.now() + 5000\nwhile (echo.get("doubled").length !== 4 && Date.now() < until) await new Promise((r) => setTimeout(r, 20))\nJSON.stringify([[...echo.get("doubled")], controls.values])',
  after: '`${stoppedRun.record.best!.epoch >= 1 && answer}`',
}
export const number = (name) => Object.keys(cells).indexOf(name) + 1
