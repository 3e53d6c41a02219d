// From a value to its MIME bundle.
import { afterAll, expect, test } from '@jest/globals'
import type { SessionMessage } from '../../kernel/session/messages.js'
import { TestSession } from './support/session.js'

const session = new TestSession()
afterAll(() => session.close())

async function shown(code: string): Promise<Record<string, unknown>> {
  const { messages, error } = await session.run(code)
  expect(error).toBe('')
  return (messages.find((m): m is SessionMessage & { type: 'result' } => m.type === 'result'))?.data ?? {}
}

test.each([
  ['a symbol', '({ [Symbol.for("Jupyter.display")]: async () => ({ "text/html": "<i>", "application/json": { a: new Float32Array([1, NaN]) } }) })', { 'text/html': '<i>', 'application/json': { a: [1, null] } }],
  ['a method', '({ $display: () => ({ "text/markdown": "*x*", "image/png": new Uint8Array([1, 2, 3]) }) })', { 'text/markdown': '*x*', 'image/png': 'AQID' }],
])('an object displays itself by %s', async (_, code, bundle) => {
  expect(await shown(code)).toEqual(bundle)
})

test('HTML of its own, beside text', async () => {
  expect(await shown('({ toHTML: () => "<table>" })')).toMatchObject({ 'text/html': '<table>', 'text/plain': expect.stringContaining('toHTML') })
})

test('a Plotly figure, its typed arrays as lists', async () => {
  expect(await shown('({ data: [{ type: "bar", y: new Float64Array([1, 2]) }], layout: { title: "t" } })'))
    .toEqual({ 'application/vnd.plotly.v1+json': { data: [{ type: 'bar', y: [1, 2] }], layout: { title: 't' } }, 'text/plain': 'Plotly figure: 1 trace (bar)' })
})

test('bytes that are a picture', async () => {
  expect(await shown('Buffer.from("iVBORw0KGgoAAAANSUhEUg", "base64")')).toMatchObject({ 'image/png': 'iVBORw0KGgoAAAANSUhEUg==' })
})

test('a large typed array by its range and first values', async () => {
  expect((await shown('Float32Array.from({ length: 1e6 }, (_, i) => i / 2)'))['text/plain']).toMatch(/^Float32Array\(1,000,000\), from 0 to 500000\n\[0, 0\.5, /)
})

test('a data frame by its shape, with a million rows', async () => {
  const frame = `const n = 1_000_000; ({ shape: [n, 2], columns: ['a', '<b>'], index: Array.from({ length: n }, (_, i) => i), dtypes: ['int32', 'string'], $data: Array.from({ length: n }, (_, i) => [i, 's' + i]) })`
  const data = await shown(frame)
  expect(data['text/html']).toContain('<td style="text-align:right">999999</td><td style="text-align:left">s999999</td>')
  expect(data['text/html']).toContain('&lt;b&gt;')
  expect(data['text/plain']).toMatch(/1,000,000 rows × 2 columns$/)
}, 30_000)

test.each([
  ['cycles', 'const o: any = {}; o.self = o; o', /Circular/],
  ['getters', '({ get x() { throw 1 } })', /Getter/],
  ['proxies', 'new Proxy({}, { get() { throw new Error("trap") } })', /trap/],
  ['displays that throw', '({ a: 1, [Symbol.for("Jupyter.display")]() { throw new Error("no") } })', /a: 1.*\n\(its own display failed: no\)/],
  ['inspections that throw', '({ [Symbol.for("nodejs.util.inspect.custom")]() { throw new Error("no") } })', /its inspection failed: no/],
  ['JSON that contains itself', 'const j: any = {}; j.j = j; ({ $display: () => ({ "application/json": j }) })', /it contains itself/],
  ['promises, without the traces of asynchronous contexts', '(async () => 4)()', /^Promise \{ 4 \}$/],
])('%s are shown as text', async (_, code, expected) => {
  expect((await shown(code))['text/plain']).toMatch(expected)
})
