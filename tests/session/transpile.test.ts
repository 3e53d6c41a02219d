// What a cell becomes before V8 sees it: the cases that only the text can show.
import { expect, test } from '@jest/globals'
import { transpileCell } from '../../kernel/language/transpile.js'

const cell = (source: string) => transpileCell(source, { count: 1, file: 'Cell [1]' })

test('places map back through every rewriting', () => {
  const source = 'type A = 1\nconst x: number = await f()\nfunction f() { return missing }'
  const { code, map } = cell(source)
  const line = code.split('\n').findIndex(text => text.includes('missing')) + 1
  const column = (code.split('\n')[line - 1] ?? '').indexOf('missing') + 1
  expect(map({ line, column })).toEqual({ line: 3, column: 23 })
})

test('imports keep unused names: a later cell may use them', () => {
  expect(cell('import { a, type B } from "m"').imports).toEqual([{ specifier: 'm', names: ['a'] }])
  expect(cell('import type { B } from "m"').imports).toEqual([])
})

test('what a cell declares', () => {
  expect(cell('const { a, b: [c = 1], ...d } = o; if (a) { var e = 1 } class F {} function g() { var hidden }').declared.sort()).toEqual(['F', 'a', 'c', 'd', 'e', 'g'])
})

test('an error names the file, the place and what was expected', () => {
  expect(() => cell('let = ;')).toThrow(expect.objectContaining({ name: 'SyntaxError', file: 'Cell [1]', place: { line: 1, column: expect.any(Number) } }))
})
