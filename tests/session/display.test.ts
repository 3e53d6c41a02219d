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

test('a typed array says how many values are no numbers, also when the first one is none', async () => {
  expect((await shown('Float32Array.from({ length: 300 }, (_, i) => i % 100 === 0 ? NaN : i)'))['text/plain']).toMatch(/^Float32Array\(300\), from 1 to 299, 3 NaN\n\[NaN, 1, /)
})

test('objects with hundreds of thousands of names are cut, quickly', async () => {
  const start = performance.now()
  const text = String((await shown('Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => ["k" + i, { v: [i] }]))'))['text/plain'])
  expect(text).toMatch(/k0: \{ v: \[ 0 \] \}[\s\S]*199,800 more/)
  expect(text.length).toBeLessThan(20_000)
  const nested = String((await shown('class Wide { inner = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => ["k" + i, i])) }; new Map([["a", 1]]); new Wide()'))['text/plain'])
  expect(nested).toMatch(/^Wide \{\s+inner: \{[\s\S]*800 more/)
  expect(String((await shown('Array.from({ length: 60 }, () => Array.from({ length: 60 }, () => Array.from({ length: 60 }, () => ({ deep: 1 }))))'))['text/plain']).length).toBeLessThan(200_100)
  expect(performance.now() - start).toBeLessThan(20_000)
}, 60_000)

test('an error that is only shown, or printed, ends with the cell: whoever runs the cell is left out', async () => {
  expect((await shown('const failing = () => { throw Object.assign(new TypeError("no"), { code: 7 }) }; let caught: unknown; try { failing() } catch (e) { caught = e }; caught'))['text/plain'])
    .toMatch(/^TypeError: no\n {4}at failing \(Cell \[\d+\]:1:\d+\)\n {4}at Cell \[\d+\]:1:\d+ \{\n {2}code: 7\n\}$/)
  expect((await session.run('console.log(new Error("printed"))')).stdout).toMatch(/^Error: printed\n {4}at Cell \[\d+\]:1:13\n$/)
})

test('maps, sets and instances with what is inside them', async () => {
  expect((await shown('new Map([["a", { b: { c: new Set([1, [2]]) } }]])'))['text/plain']).toMatch(/^Map\(1\) \{\s+'a' => \{\s+b: \{ c: Set\(2\) \{ 1, \[ 2 \] \} \}\s+\}\s+\}$/)
  expect((await shown('class Point { #p = 1; constructor(public x: number) {} get far() { throw 1 } }; [new Point(3)]'))['text/plain']).toBe('[ Point { x: 3 } ]')
})

test('canvases and pipelines of sharp as pictures', async () => {
  expect(await shown('({ getContext() {}, toBuffer: () => Buffer.from("iVBORw0KGgoAAAANSUhEUg", "base64") })')).toMatchObject({ 'image/png': 'iVBORw0KGgoAAAANSUhEUg==' })
  expect(await shown(`import sharp from '${process.cwd()}/node_modules/sharp/dist/index.mjs'; sharp({ create: { width: 2, height: 2, channels: 3, background: 'red' } })`)).toMatchObject({ 'image/png': expect.stringMatching(/^iVBOR/) })
})

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
