// Tracebacks: lines and columns of the TypeScript source, own frames first.
import { afterAll, expect, test } from '@jest/globals'
import { TestSession } from './support/session.js'

const session = new TestSession()
afterAll(() => session.close())

test('the place in the cell, underlined', async () => {
  const { error } = await session.run('interface Shape { w: number }\nconst shape = undefined as unknown as Shape\n\nshape.w')
  expect(error).toBe("TypeError: Cannot read properties of undefined (reading 'w')\n    at Cell [1]:4:7\n      4 | shape.w\n        |       ^")
})

test('callers in other cells, asynchronous ones too', async () => {
  const first = (await session.run('type T = number\nasync function deep(x: T) {\n  await null\n  throw new RangeError("deep")\n}')).done.cell
  const { error } = await session.run('async function caller() { await deep(1) }\nawait caller()')
  expect(error).toContain(`at deep (Cell [${first}]:4:9)`)
  expect(error).toContain(`at async caller (Cell [${first + 1}]:1:27)`)
})

test('a place in an imported .ts file', async () => {
  session.write('broken.ts', 'export interface A { b: string }\n\nexport function broken(a?: A) {\n  return a!.b\n}\n')
  const { error } = await session.run('import { broken } from "./broken.ts"\nbroken()')
  expect(error).toMatch(/at broken \(\.\/broken\.ts:4:13\)\n.*\n {6}4 \|   return a!\.b\n/)
})

test('library frames are folded', async () => {
  const { error } = await session.run('import fs from "node:fs"\nfs.readFileSync("/nowhere/at all")')
  expect(error).toMatch(/at Cell \[\d+\]:2:4\n.*\n.*\n.*\n {4}… \d frames in node:fs/)
  expect(error).toContain("code: 'ENOENT'")
})

test('causes and members', async () => {
  const { error } = await session.run('throw new AggregateError([new TypeError("one"), "two"], "many", { cause: new Error("why") })')
  for (const part of ['AggregateError: many', '  TypeError: one', "  'two'", 'Caused by:\nError: why']) expect(error).toContain(part)
})

test.each([
  ['found by the parser', 'const ok = 1\nlet x: = 4', /SyntaxError: .*\n {4}at Cell \[\d+\]:2:8\n/],
  ['after an emoji', '"😀"; let x: = 4', /at Cell \[\d+\]:1:14\n/],
])('syntax errors %s have their place', async (_, code, expected) => {
  expect((await session.run(code)).error).toMatch(expected)
})

test('what is thrown need not be an Error, nor readable', async () => {
  expect((await session.run('throw "text"')).error).toMatch(/^Thrown: 'text'/)
  expect((await session.run('throw null')).status).toBe('error')
  expect((await session.run('throw new Proxy({}, { get() { throw 1 } })')).status).toBe('error')
  expect((await session.run('const e = new Error("x"); Object.defineProperty(e, "message", { get() { throw 1 } }); throw e')).status).toBe('error')
})

test('places inside printed stacks are mapped too', async () => {
  expect((await session.run('type A = 1\nconsole.log(new Error("seen").stack)')).stdout).toMatch(/Cell \[\d+\]:2:13/)
})
