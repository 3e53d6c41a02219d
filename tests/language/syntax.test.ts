// What is known of a cell without the language server: magics, completeness, names.
import { expect, test } from '@jest/globals'
import { isComplete, readMagics } from '../../kernel/language/index.js'
import { readCell } from '../../kernel/language/cell.js'

test('magics are blanked in place', () => {
  const source = '  %types warn\n// note\nconst a = 1\n'
  const { code, types, unknown } = readMagics(source)
  expect(types).toBe('warn')
  expect(unknown).toEqual([])
  expect(code).toBe(`${' '.repeat(13)}\n// note\nconst a = 1\n`)
})

test.each([['%types on', 'error'], ['%types off', 'off'], ['\n\n%types off\n%types warn\nx', 'warn'], ['const a = 4\n%types off', undefined], ['a\n % b', undefined]])('%j asks for %s', (source, types) => {
  expect(readMagics(source).types).toBe(types)
})

test('a magic that is not known is named', () => {
  expect(readMagics('%types maybe').unknown[0]).toContain("got 'maybe'")
  expect(readMagics('%time foo()').unknown[0]).toContain('%time')
})

test.each([
  ['1 + 1', 'complete', ''], ['', 'complete', ''], ['%types off\nx', 'complete', ''], ['{ a: 1, b: 2 }', 'complete', ''], ['for await (const x of y) z(x)', 'complete', ''],
  ['const a = {', 'incomplete', '  '], ['if (x) {\n  y(', 'incomplete', '    '], ['`abc', 'incomplete', ''], ['/* a', 'incomplete', ''], ['a.', 'incomplete', ''], ['const x =', 'incomplete', ''],
  ['function f(a: string, // (((\n', 'incomplete', '  '], ['foo(")")\n{', 'incomplete', '  '],
  ['"abc', 'invalid', ''], ['a b', 'invalid', ''], [')', 'invalid', ''], ['foo(1))', 'invalid', ''],
] as const)('%j is %s', (code, status, indent) => {
  expect(isComplete(code)).toEqual({ status, indent })
})

test('names of a cell, with the vars of inner blocks and without those of functions', () => {
  const cell = readCell('import d, { a as b } from "x"; const { c, ...rest } = d, [e = 1] = b\nfor (var i = 0;;) { let inner }\nfunction f() { var hidden }\nenum E {} interface I {} type T = 1; abstract class K {} namespace N {}')
  expect([...cell.names.keys()].sort()).toEqual(['E', 'I', 'K', 'N', 'T', 'b', 'c', 'd', 'e', 'f', 'i', 'rest'])
  expect(cell.hoisted).toEqual(['i'])
})

test('a broken cell still says what it declares', () => {
  expect([...readCell('const a = \nfunction f( {').names]).toEqual([['a', 'const'], ['f', 'function']])
})
