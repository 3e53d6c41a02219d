// The live view as a notebook gets it: one output that is updated in place, seldom enough, with figures for `afinar run`.
import { afterEach, beforeAll, expect, jest, test } from '@jest/globals'
import { startEngine } from '../../lib/engine/index.js'
import { fineTune } from '../../lib/workflow/index.js'
import { stripes, tinyModel } from './support/stripes.js'

jest.setTimeout(120_000)
beforeAll(() => { startEngine() })
const key = Symbol.for('afinar.session'), displayKey = Symbol.for('Jupyter.display')
afterEach(() => { delete (globalThis as Record<symbol, unknown>)[key] })

interface Shown { at: number; bundle: Record<string, unknown>; id: string | undefined; update: boolean }

function notebook(): Shown[] {
  const shown: Shown[] = []
  ;(globalThis as Record<symbol, unknown>)[key] = {
    display: (bundle: Record<string, unknown>, o: { id?: string; update?: boolean } = {}) => { shown.push({ at: performance.now(), bundle, id: o.id, update: o.update ?? false }) },
    comm() {}, signal: new AbortController().signal, cell: 1,
  }
  return shown
}

function notebookCell(cell: number): void {
  const session = (globalThis as unknown as Record<symbol, object>)[key]!
  ;(globalThis as Record<symbol, unknown>)[key] = { ...session, cell }
}

const progressMime = 'application/vnd.afinar.train-event+json'

test('an awaited run shows bars and curves that update in place, at most five times a second, and ends with the figure', async () => {
  const shown = notebook(), model = tinyModel()
  await fineTune(model, stripes(), { epochs: 12, frozenEpochs: 0, batchSize: 8, learningRate: 1e-2, augment: false, patience: false })
  const ids = [...new Set(shown.map(({ id }) => id))]
  expect(ids).toHaveLength(2)
  for (const id of ids) {
    const mine = shown.filter((one) => one.id === id)
    expect(mine.map(({ update }) => update)).toEqual([false, ...mine.slice(1).map(() => true)])
    expect(mine.length).toBeGreaterThan(1)
    // the last one comes when the run ends, whatever the interval
    mine.slice(1, -1).forEach(({ at }, i) => expect(at - mine[i]!.at).toBeGreaterThan(190))
  }
  const last = shown.filter(({ bundle }) => progressMime in bundle).at(-1)!.bundle
  expect(last[progressMime]).toMatchObject({ epoch: 12, epochs: 12, step: 96, steps: 96, end: 'finished', validation: { accuracy: expect.any(Number) } })
  expect(last['text/plain']).toContain('12')
  expect(shown.some(({ bundle }) => 'application/vnd.plotly.v1+json' in bundle)).toBe(true)
  model.dispose()
})

test('a run that is a cell\'s last expression shows itself there once, and in a second cell once more', async () => {
  const shown = notebook(), model = tinyModel()
  const run = fineTune(model, stripes(), { epochs: 3, frozenEpochs: 0, batchSize: 8, augment: false, learningRate: 1e-2 })
  const display = (run as unknown as Record<symbol, () => object>)[displayKey]!
  display.call(run)
  await new Promise((resolve) => { setTimeout(resolve, 300) })
  notebookCell(2)
  display.call(run)
  display.call(run)
  await run
  expect(new Set(shown.map(({ id }) => id)).size).toBe(4)
  expect(shown.filter(({ update }) => !update)).toHaveLength(4)
  model.dispose()
})

test('buttons of the page reach the run: one halves the rate, the other stops it; they go when it ends', async () => {
  const shown = notebook(), session = (globalThis as unknown as Record<symbol, Record<string, unknown>>)[key]!
  let press: ((comm: unknown, data: unknown) => unknown) | undefined
  ;(globalThis as Record<symbol, unknown>)[key] = { ...session, registerTarget: (target: string, open: typeof press) => { if (target === 'afinar.run') press = open } }
  const model = tinyModel(), run = fineTune(model, stripes(), { epochs: 200, frozenEpochs: 0, batchSize: 8, augment: false, learningRate: 1e-3, schedule: 'constant', patience: false })
  ;(run as unknown as Record<symbol, () => object>)[displayKey]!.call(run)
  const buttons = shown.find(({ bundle }) => String(bundle['text/html']).includes('data-action="stop"'))!
  const id = /id="afinar-([^"]+)"/.exec(String(buttons.bundle['text/html']))![1]
  const rates = new Set<number>()
  let asked = 0
  for await (const event of run) {
    if (event.type !== 'step') continue
    rates.add(event.learningRate)
    if (event.step === 10) press!(undefined, { run: id, action: 'lower' })
    if (event.step === 20) { press!(undefined, { run: 'another', action: 'stop' }); press!(undefined, { run: id, action: 'stop' }); asked = event.step }
  }
  const result = await run
  expect([...rates]).toEqual([1e-3, 5e-4])
  expect(result.reason).toBe('stopped')
  expect(run.events.filter((event) => event.type === 'step').at(-1)!.step).toBeLessThanOrEqual(asked + 2)
  expect(shown.filter((one) => one.id === buttons.id).at(-1)).toMatchObject({ update: true, bundle: { 'text/html': '' } })
  model.dispose()
})

test('learning rate, gradient norm and memory are shown on demand, in text too', async () => {
  const shown = notebook(), model = tinyModel()
  const run = fineTune(model, stripes(), { epochs: 3, frozenEpochs: 0, batchSize: 8, augment: false, live: { learningRate: true, gradNorm: true } })
  await run
  const curves = shown.map(({ bundle }) => bundle).filter((bundle) => 'image/svg+xml' in bundle).at(-1)!
  for (const name of ['learning rate', 'gradient norm']) {
    expect(curves['image/svg+xml']).toContain(`>${name}<`)
    expect(curves['text/plain']).toContain(name)
  }
  expect(run.events.find((event) => event.type === 'epoch')).toMatchObject({ memory: expect.any(Number) })
  model.dispose()
})

test('live: false shows nothing', async () => {
  const shown = notebook(), model = tinyModel()
  await fineTune(model, stripes(), { live: false, epochs: 1, augment: false })
  expect(shown).toEqual([])
  model.dispose()
})
