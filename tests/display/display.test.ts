// display() and live displays, before each front end: our session, Deno, a terminal, a log file.
import { afterEach, expect, test } from '@jest/globals'
import { bundleOf, display, figure, html, liveDisplay, markdown, terminalOn, textOf, type MimeBundle, type ShowOptions } from '../../lib/display/index.js'

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

test('html, markdown and figures bring text along', () => {
  expect(bundleOf(html('<p>one &lt; two</p><p>three</p>'))).toEqual({ 'text/html': '<p>one &lt; two</p><p>three</p>', 'text/plain': 'one < two\nthree' })
  expect(bundleOf(markdown('**a**'))).toEqual({ 'text/markdown': '**a**', 'text/plain': '**a**' })
  expect(bundleOf(figure({ data: [{ y: [1] }] }, '<svg/>'))).toEqual({ 'application/vnd.plotly.v1+json': { data: [{ y: [1] }], layout: {}, config: {} }, 'image/svg+xml': '<svg/>', 'text/plain': 'Plotly figure' })
  expect(textOf({ 'image/png': 'AAAA' })).toBe('[image/png]')
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
  expect(drawn).toBeLessThan(10)
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
