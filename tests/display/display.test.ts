// display() and live displays, before each front end: our session, Deno, a terminal, a log file.
import { afterEach, expect, test } from '@jest/globals'
import { inspect } from 'node:util'
import sharp from 'sharp'
import { bundleOf, display, html, image, latex, liveDisplay, markdown, svg, terminalOn, textOf, type MimeBundle, type ShowOptions } from '../../lib/display/index.js'

interface Shown { bundle: MimeBundle; o: ShowOptions; time: number }
const scope = globalThis as Record<string | symbol, unknown>
const sessionKey = Symbol.for('afinar.session')

function withSession(): Shown[] {
  const shown: Shown[] = []
  scope[sessionKey] = { display: (bundle: MimeBundle, o: ShowOptions) => { shown.push({ bundle, o, time: performance.now() }) } }
  return shown
}
afterEach(() => { delete scope[sessionKey]; delete scope.Deno })

const pause = (ms: number) => new Promise((resolve) => { setTimeout(resolve, ms) })

test('a value becomes the bundle it asks for, a bundle stays one, the rest is inspected', async () => {
  expect(bundleOf({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': 'x' }) })).toEqual({ 'text/html': 'x' })
  expect(bundleOf({ 'text/plain': 'a' })).toEqual({ 'text/plain': 'a' })
  expect(bundleOf({ a: [1, 2] })).toEqual({ 'text/plain': '{ a: [ 1, 2 ] }' })
  expect(bundleOf('as it is')).toEqual({ 'text/plain': 'as it is' })
  expect(bundleOf(undefined)).toEqual({ 'text/plain': 'undefined' })
  expect(await bundleOf({ [Symbol.for('Jupyter.display')]: async () => ({ 'text/html': 'later' }) })).toEqual({ 'text/html': 'later' })
})

test('html and markdown bring text along', () => {
  expect(bundleOf(html('<p>one &lt; two</p><p>three</p>'))).toEqual({ 'text/html': '<p>one &lt; two</p><p>three</p>', 'text/plain': 'one < two\nthree' })
  expect(bundleOf(markdown('**a**'))).toEqual({ 'text/markdown': '**a**', 'text/plain': '**a**' })
  expect(textOf({ 'image/png': 'AAAA' })).toBe('[image/png]')
})

test('formulas and drawings, and what stands for them where something can only print', () => {
  expect(bundleOf(latex('x^2'))).toEqual({ 'text/latex': '$$x^2$$', 'text/plain': 'x^2' })
  for (const source of ['$x$', '\\begin{align}x\\end{align}', '\\(x\\)']) expect(bundleOf(latex(source))).toMatchObject({ 'text/latex': source })
  expect(bundleOf(svg('<svg/>'))).toMatchObject({ 'image/svg+xml': '<svg/>' })
  expect(inspect([html('<b>x</b>'), markdown('*y*')])).toBe('[ x, *y* ]')
})

const pixels = async (bundle: MimeBundle) => {
  const { data, info } = await sharp(Buffer.from(String(bundle['image/png']), 'base64')).raw().toBuffer({ resolveWithObject: true })
  return { size: [info.height, info.width, info.channels], values: [...data] }
}

test('pictures of tensors hold their values: float32 from 0 to 1, int32 from 0 to 255, clamped', async () => {
  const tensor = (shape: number[], dtype: string, values: number[]) => ({ shape, dtype, data: async () => values })
  expect(await pixels(await bundleOf(image(tensor([1, 2, 3], 'float32', [0, 0.5, 1, -1, 2, 0.2]))))).toEqual({ size: [1, 2, 3], values: [0, 128, 255, 0, 255, 51] })
  expect((await pixels(await bundleOf(image(tensor([2, 1], 'int32', [7, 300]))))).values.filter((_, i, all) => i % (all.length / 2) === 0)).toEqual([7, 255])
  expect(await pixels(await bundleOf(image({ data: new Uint8Array([1, 2, 3, 255]), width: 1, height: 1 })))).toEqual({ size: [1, 1, 4], values: [1, 2, 3, 255] })
  const file = await sharp({ create: { width: 3, height: 2, channels: 3, background: '#fff' } }).jpeg().toBuffer()
  expect(bundleOf(image(file))).toEqual({ 'image/jpeg': file.toString('base64'), 'text/plain': '[JPEG picture]' })
  expect((await bundleOf(image(file, { width: 64 })))['text/html']).toMatch(/^<img width="64" .*src="data:image\/jpeg;base64,/)
  for (const [source, message] of [
    [tensor([2, 4, 5, 3], 'int32', []), 'batch.gather(0)'], [tensor([4, 5, 2], 'int32', []), '[4, 5, 2]'], [new Uint8Array([1, 2]), '0102'], [{ data: [1], width: 2, height: 2 }, '2 × 2 pixels'], [null, 'null'], [7, 'a number'],
  ] as const) expect(() => image(source as never)).toThrow(message)
  expect(() => image(file, { width: 0 })).toThrow('0 pixels wide')
})

test('in our kernel the session shows it, at once where nothing has to be waited for', () => {
  const shown = withSession()
  void display('now', { id: 'a', update: true })
  expect(shown).toMatchObject([{ bundle: { 'text/plain': 'now' }, o: { id: 'a', update: true } }])
})

test('in Deno it is broadcast', async () => {
  const sent: unknown[] = []
  scope.Deno = { jupyter: { broadcast: async (...message: unknown[]) => { sent.push(message) } } }
  await display('x')
  await display('y', { id: 'b', update: true })
  expect(sent).toEqual([
    ['display_data', { data: { 'text/plain': 'x' }, metadata: {}, transient: {} }],
    ['update_display_data', { data: { 'text/plain': 'y' }, metadata: {}, transient: { display_id: 'b' } }],
  ])
})

test('on a terminal an update replaces its own lines; a log file gets no updates', () => {
  let written = ''
  const screen = terminalOn({ write: (text) => { written += text }, isTTY: true, columns: 10 })
  void screen.show({ 'text/plain': 'one\ntwelve letters' }, { id: 'a' })
  void screen.show({ 'text/plain': 'two' }, { id: 'a', update: true })
  expect(written).toBe('one\ntwelve letters\n\x1b[3A\x1b[0Jtwo\n')
  written = ''
  const log = terminalOn({ write: (text) => { written += text } })
  void log.show({ 'text/plain': 'one' }, { id: 'a' })
  void log.show({ 'text/plain': 'two' }, { id: 'a', update: true })
  expect(written).toBe('one\n')
})

test('a live display shows the first and the last content and few in between, always the newest', async () => {
  const shown = withSession()
  const live = liveDisplay({ interval: 60 })
  let drawn = 0
  const start = Date.now()
  for (let i = 0; i < 40; i++) {
    live.update(() => { drawn++; return { 'text/plain': String(i) } })
    await pause(5)
  }
  await live.close({ 'text/plain': 'end' })
  const texts = shown.map(({ bundle }) => bundle['text/plain'])
  expect(texts[0]).toBe('0')
  expect(texts.at(-1)).toBe('end')
  expect(shown.map(({ o }) => o.update)).toEqual(shown.map((_, i) => i > 0))
  expect(new Set(shown.map(({ o }) => o.id)).size).toBe(1)
  expect(drawn).toBeLessThan(3 + (Date.now() - start) / 50) // a busy machine takes longer, and may show more
  expect(drawn).toBeLessThan(40)
  const gaps = shown.slice(1, -1).map(({ time }, i) => time - shown[i]!.time)
  expect(Math.min(...gaps)).toBeGreaterThan(50)
})

test('what came last is shown even if nothing follows', async () => {
  const shown = withSession()
  const live = liveDisplay({ interval: 40 })
  live.update('a')
  live.update('b')
  live.update('c')
  await pause(120)
  expect(shown.map(({ bundle }) => bundle['text/plain'])).toEqual(['a', 'c'])
})

test('a slow drawing comes less often: it may take a fiftieth of the time', async () => {
  const shown = withSession()
  const live = liveDisplay({ interval: 5 })
  const slow = () => { const end = performance.now() + 10; while (performance.now() < end); return 'drawn' }
  const start = performance.now()
  while (performance.now() - start < 700) { live.update(slow); await pause(4) }
  // the first two tell how slow it is, then half a second passes
  expect(shown.length).toBeGreaterThanOrEqual(2)
  expect(shown.length).toBeLessThanOrEqual(3)
  expect(live.cost).toBeGreaterThan(19)
})

test('a drawing that fails does not stop what it follows, but close says so', async () => {
  const shown = withSession()
  const live = liveDisplay({ interval: 1 })
  live.update(() => { throw new Error('no ink') })
  expect(shown[0]!.bundle['text/plain']).toBe('Cannot draw: no ink')
  await expect(live.close(() => { throw new Error('no paper') })).rejects.toThrow('no paper')
})

test('close waits for pictures that are still being drawn', async () => {
  const shown = withSession()
  const live = liveDisplay()
  live.update('first')
  await live.close({ [Symbol.for('Jupyter.display')]: async () => { await pause(30); return { 'text/plain': 'picture' } } })
  expect(shown.at(-1)!.bundle['text/plain']).toBe('picture')
})
