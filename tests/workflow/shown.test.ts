/** @jest-environment ./tests/plots/environment.mjs */
// What is left of a run, as a cell's last expression: figures with their pictures, the verdict with its remedies.
import { afterEach, beforeAll, expect, jest, test } from '@jest/globals'
import '../plots/picture.js'
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

test('a run that is stopped within its first epoch ends with the figure of its loss, step by step', async () => {
  const shown = notebook(), model = tinyModel(), long = { epochs: 3, frozenEpochs: 0, batchSize: 2, augment: false, learningRate: 1e-3 } as const
  const run = fineTune(model, stripes(), long)
  for await (const event of run) if (event.type === 'step' && event.step === 5) run.stop()
  const result = await run, taken = run.events.filter((event) => event.type === 'step')
  expect(result.history).toHaveLength(0)
  const figure = shown.map(({ bundle }) => bundle['application/vnd.plotly.v1+json']).find(Boolean) as { data: { x: number[]; y: number[] }[]; layout: { xaxis: object; xaxis2?: object } }
  expect(figure.data).toHaveLength(1)
  expect(figure.data[0]!.x).toEqual(taken.map(({ step }) => step))
  expect(figure.data[0]!.y).toEqual(taken.map(({ loss }) => loss))
  expect(figure.layout.xaxis).toMatchObject({ title: { text: 'step' }, range: [0, taken.length * 1.02] })
  expect(figure.layout.xaxis2).toBeUndefined()
  const picture = shown.map(({ bundle }) => bundle).find((bundle) => 'application/vnd.plotly.v1+json' in bundle)!['image/svg+xml']
  expect(picture).toContain('>step</text>')
  expect(await (result as unknown as Record<symbol, () => Promise<object>>)[displayKey]!.call(result)).toMatchObject({ 'application/vnd.plotly.v1+json': { data: figure.data }, 'image/svg+xml': expect.stringContaining('<svg') })
  model.dispose()
})

test('result.overfitting is a plain record that shows its words, all remedies, and the curves with the onset marked', async () => {
  const model = tinyModel()
  const shown = notebook()
  const result = await fineTune(model, stripes({ train: 16, noise: 0.97 }), { epochs: 40, frozenEpochs: 0, batchSize: 8, learningRate: 1e-2, schedule: 'constant', augment: false, patience: false, live: false })
  const { overfitting } = result
  expect(overfitting).toMatchObject({ verdict: 'overfitting', onsetEpoch: expect.any(Number) })
  expect(JSON.parse(JSON.stringify(overfitting))).toEqual(overfitting)
  const bundle = await (overfitting as unknown as Record<symbol, () => Promise<Record<string, unknown>>>)[displayKey]!.call(overfitting)
  const words = shown.at(-1)!.bundle
  for (const { text, code } of overfitting.remedies) {
    expect(words['text/plain']).toContain(text.replace(/\.$/, ''))
    if (code) expect(words['text/plain']).toContain(code)
  }
  expect(words['text/plain']).toContain(overfitting.evidence)
  expect(words['text/html']).toMatch(/overfitting since epoch \d+.*<li>.*<code>/s)
  const { layout } = bundle['application/vnd.plotly.v1+json'] as { layout: { shapes: { type: string; x0: number; line: { dash?: string } }[] } }
  expect(layout.shapes.filter(({ type, line }) => type === 'line' && line.dash === 'dash').map(({ x0 }) => x0)).toEqual([overfitting.onsetEpoch, overfitting.onsetEpoch])
  expect(bundle['image/svg+xml']).toContain('<svg')
  expect(bundle['text/plain']).toContain("verdict: 'overfitting'")
  model.dispose()
})
