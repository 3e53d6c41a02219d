// A widget's model and interact, before a front end played by hand; in a real browser: tests/browser.
import { afterEach, expect, test } from '@jest/globals'
import { bundleOf, interact, widget, type MimeBundle, type ShowOptions } from '../../lib/display/index.js'

const key = Symbol.for('afinar.session'), scope = globalThis as Record<symbol, unknown>
afterEach(() => { delete scope[key] })

type Listener = (data: unknown, buffers: Uint8Array[]) => unknown

/** What the kernel sent, and the front end's way to answer. */
function withFrontEnd() {
  const sent: { data: Record<string, unknown>; buffers: unknown[] }[] = [], shown: { bundle: MimeBundle; o: ShowOptions }[] = []
  let hear: Listener = () => {}, opened: { target: string; metadata: unknown } | undefined
  scope[key] = {
    display: (bundle: MimeBundle, o: ShowOptions) => { shown.push({ bundle, o }) },
    comm(target: string, data: Record<string, unknown>, { metadata, buffers }: { metadata: unknown; buffers: unknown[] }) {
      opened = { target, metadata }
      sent.push({ data, buffers })
      return {
        id: 'model-1', onMessage: (listener: Listener) => { hear = listener }, onClose() {}, close() {},
        send: (data: Record<string, unknown>, { buffers = [] }: { buffers?: unknown[] } = {}) => { sent.push({ data, buffers }) },
      }
    },
  }
  return { sent, shown, opened: () => opened, hear: (data: unknown, buffers: Uint8Array[] = []) => hear(data, buffers) }
}

const esm = 'export default { render() {} }'

test('a widget opens one comm of ipywidgets\' kind and shows its view', async () => {
  const front = withFrontEnd(), model = widget({ esm, css: 'b {}', state: { count: 1, pixels: new Uint8Array([1, 2]), deep: { list: [new Float32Array(1), 5] } } })
  expect(bundleOf(model)).toEqual({ 'application/vnd.jupyter.widget-view+json': { version_major: 2, version_minor: 0, model_id: 'model-1' }, 'text/plain': 'Widget with count, pixels, deep' })
  bundleOf(model)
  expect(front.opened()).toEqual({ target: 'jupyter.widget', metadata: { version: '2.1.0' } })
  expect(front.sent).toHaveLength(1)
  expect(front.sent[0]).toMatchObject({ data: { state: { _esm: esm, _css: 'b {}', _model_module: 'anywidget', _model_name: 'AnyModel', _view_name: 'AnyView', count: 1, deep: { list: [null, 5] } }, buffer_paths: [['pixels'], ['deep', 'list', 0]] }, buffers: [new Uint8Array([1, 2]), new Float32Array(1)] })
  expect(front.sent[0]!.data['state']).not.toHaveProperty('pixels')
})

test('values and messages go both ways, each change is told once', async () => {
  const front = withFrontEnd(), model = widget({ esm, state: { count: 1, pixels: new Uint8Array(0) } }), told: unknown[] = [], heard: unknown[] = []
  bundleOf(model)
  const off = model.on('count', (now, before) => told.push([now, before]))
  model.onMessage((content, buffers) => heard.push(content, ...buffers))
  model.set({ count: 2 })
  model.set({ count: 2 })
  await front.hear({ method: 'update', state: { count: 3, _esm: 'alien', unknown: 1 }, buffer_paths: [['pixels']] }, [new Uint8Array([9])])
  await front.hear({ method: 'custom', content: { hi: 1 } }, [new Uint8Array([7])])
  off()
  model.set({ count: 4 })
  model.send('there', [new Uint8Array([5])])
  await front.hear({ method: 'request_state' })
  await front.hear({ method: 'alien' })
  expect(told).toEqual([[2, 1], [3, 2]])
  expect(heard).toEqual([{ hi: 1 }, new Uint8Array([7])])
  expect([model.get('count'), model.get('pixels')]).toEqual([4, new Uint8Array([9])])
  const [, first, second, message, state] = front.sent
  expect([first, second, message]).toEqual([
    { data: { method: 'update', state: { count: 2 }, buffer_paths: [] }, buffers: [] }, { data: { method: 'update', state: { count: 4 }, buffer_paths: [] }, buffers: [] },
    { data: { method: 'custom', content: 'there' }, buffers: [new Uint8Array([5])] },
  ])
  expect(state).toMatchObject({ data: { method: 'update', state: { _esm: esm, count: 4 }, buffer_paths: [['pixels']] }, buffers: [new Uint8Array([9])] })
})

test('without a front end that knows comms a widget is text, and wrong ones are refused', () => {
  expect(bundleOf(widget({ esm, state: { count: 1 } }))).toEqual({ 'text/plain': 'Widget with count; this front end cannot show it' })
  expect(() => widget({ esm: ' ', state: {} })).toThrow('esm must be the text of an ES module')
  expect(() => widget({ esm, state: { _esm: 1 } })).toThrow('"_esm" is a name of anywidget\'s own')
})

test('interact calls the function at each move, shows its answer in place, and after a busy time the last one', async () => {
  const front = withFrontEnd(), calls: unknown[] = []
  const controls = interact(async ({ n, name, on }) => {
    calls.push([n, name, on])
    await new Promise((resolve) => { setTimeout(resolve, 20) })
    if (n === 7) throw new RangeError('not seven')
    return { 'text/plain': `${name} ${n}` }
  }, { n: [0, 10, 2], name: ['a', 'b'], on: true })
  expect(await bundleOf(controls)).toEqual({})
  for (const n of [1, 2, 3, 4]) void front.hear({ method: 'update', state: { n } })
  await new Promise((resolve) => { setTimeout(resolve, 100) })
  await front.hear({ method: 'update', state: { n: 7 } })
  expect(calls).toEqual([[6, 'a', true], [1, 'a', true], [4, 'a', true], [7, 'a', true]])
  expect(controls.values).toEqual({ n: 7, name: 'a', on: true })
  const texts = front.shown.map(({ bundle, o }) => [bundle['text/plain'], o.update])
  expect(texts).toEqual([[expect.stringMatching(/^Widget with n, name, on/), undefined], ['a 6', false], ['a 1', true], ['a 4', true], ['RangeError: not seven', true]])
  expect(new Set(front.shown.slice(1).map(({ o }) => o.id)).size).toBe(1)
})

test('controls that make no sense are refused by name', () => {
  for (const [control, message] of [[[3, 3], 'from must be below to'], [[0, 1, 0], 'step above 0'], [[], 'a list of texts'], [[0, NaN], 'a list of texts'], [null, 'Cannot make a control for "rate": it must be [from, to]']] as const) {
    expect(() => interact(() => 0, { rate: control as never })).toThrow(message)
  }
  expect(() => interact(() => 0, {})).toThrow('there is no control')
})
