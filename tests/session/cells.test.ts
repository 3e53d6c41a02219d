// What a cell may contain and what it leaves behind.
import { afterAll, expect, test } from '@jest/globals'
import { TestSession } from './support/session.js'

const session = new TestSession()
afterAll(() => session.close())

test.each([
  ['types go', 'const a: number = 1;\n(a + 1) as number', '2'],
  ['top-level await', 'await new Promise(r => setTimeout(r, 5)); 5', '5'],
  ['for await', 'let sum = 0; for await (const n of (async function* () { yield 1; yield 2 })()) sum += n; sum', '3'],
  ['enums and namespaces', "enum Colour { Red = 'r' }; namespace N { export const v = 3 }; [Colour.Red, N.v]", "[ 'r', 3 ]"],
  ['parameter properties', 'class P { constructor(readonly x = 1) {} }; new P().x', '1'],
  ['decorators of the standard', '@((c: any) => class extends c { tag = 7 }) class D {}\n(new D() as any).tag', '7'],
  ['functions before their declaration', 'const early = later(); function later() { return 4 }; early', '4'],
  ['exports', 'export const x = 1; export default x + 1', '2'],
  ['import.meta', 'import.meta.dirname === process.cwd() && __dirname === process.cwd()', 'true'],
])('%s', async (_, code, expected) => {
  expect((await session.run(code)).result).toBe(expected)
})

test('any name can be declared again, as anything', async () => {
  for (const code of ['let t = 1', 'const t = 2', 'class t {}', 'function t() {}', 'var t = 3', 'enum t { A }', 'import t from "node:path"', 'const t = 9']) {
    expect(await session.run(code)).toMatchObject({ status: 'ok', error: '' })
  }
  expect((await session.run('t')).result).toBe('9')
})

test('a variable with the name of a global hides it from cells only', async () => {
  await session.run('const Map = 1, URL = "u"; function performance() { return 2 }')
  expect((await session.run('[Map, performance(), { URL }]')).result).toBe("[ 1, 2, { URL: 'u' } ]")
  expect((await session.run('new globalThis.Map([[1, new globalThis.URL("http://a/b").pathname]])')).result).toBe("Map(1) { 1 => '/b' }")
})

test('a cell that throws keeps what it had defined', async () => {
  expect((await session.run('let kept = 5; kept = 6; throw new Error("boom")')).status).toBe('error')
  expect((await session.run('kept')).result).toBe('6')
})

test('using closes its resource at the end of the cell', async () => {
  const run = await session.run('using file = { [Symbol.dispose]() { console.log("closed") }, open: 1 }; await using other = { async [Symbol.asyncDispose]() { console.log("first") } }; file.open')
  expect([run.result, run.stdout]).toEqual(['1', 'first\nclosed\n'])
})

test('only a last expression is a result, and not undefined or a silent one', async () => {
  expect((await session.run('const q = 1')).result).toBeUndefined()
  expect((await session.run('if (true) 5')).result).toBeUndefined()
  expect((await session.run('undefined')).result).toBeUndefined()
  expect((await session.run('5', { silent: true })).result).toBeUndefined()
  expect((await session.run('null')).result).toBe('null')
})

test('user expressions answer one by one', async () => {
  const { done } = await session.run('let n = 4', { userExpressions: { good: 'n + 1', bad: 'missing' } })
  expect(done.userExpressions).toMatchObject({ good: { status: 'ok', data: { 'text/plain': '5' } }, bad: { status: 'error', ename: 'ReferenceError' } })
  expect(done.declarations).toEqual(['n'])
})
