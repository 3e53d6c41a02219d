// Reads every import in kernel/ and lib/ and holds it against the house's plan: who may import whom, by which door, without cycles.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from '@jest/globals'
import { parseSync } from 'oxc-parser'

const root = resolve(process.cwd())

/** Room → the rooms it may import; `types only` arrows end in "?". */
const plan: Record<string, string[]> = {
  'kernel/wire': [],
  'kernel/language': [],
  'kernel/session': ['kernel/language'],
  'kernel/host': ['kernel/wire', 'kernel/language', 'kernel/session'],
  'kernel/cli': ['kernel/wire', 'kernel/language', 'kernel/session', 'kernel/host', 'lib', 'lib/engine', 'lib/data', 'lib/models', 'lib/train', 'lib/plots', 'lib/display', 'lib/workflow'],
  'lib/engine': [],
  'lib/display': [],
  'lib/data': ['lib/engine', 'lib/display'],
  'lib/models': ['lib/engine', 'lib/data?', 'lib/display'],
  'lib/train': ['lib/engine', 'lib/data', 'lib/models', 'lib/display'],
  'lib/plots': ['lib/engine?', 'lib/data?', 'lib/models?', 'lib/train?', 'lib/display?'],
  'lib/workflow': ['lib/engine', 'lib/data', 'lib/models', 'lib/train', 'lib/plots', 'lib/display'],
  lib: ['lib/engine', 'lib/data', 'lib/models', 'lib/train', 'lib/plots', 'lib/display', 'lib/workflow'],
}

interface Import { from: string; to: string; typesOnly: boolean }

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    return entry.isDirectory() ? sources(path) : entry.name.endsWith('.ts') ? [path] : []
  })
}

function importsOf(file: string): Import[] {
  const { module } = parseSync(file, readFileSync(join(root, file), 'utf8'))
  const found = [
    ...module.staticImports.map(({ moduleRequest, entries }) => ({ request: moduleRequest.value, typesOnly: entries.length > 0 && entries.every(({ isType }) => isType) })),
    ...module.staticExports.flatMap(({ entries }) => entries.filter(({ moduleRequest }) => moduleRequest).map((entry) => ({ request: entry.moduleRequest!.value, typesOnly: entry.isType }))),
    ...[...readFileSync(join(root, file), 'utf8').matchAll(/\bimport\(\s*'(\.[^']+)'\s*\)(?!\.)/g)].map(([, request]) => ({ request: request!, typesOnly: false })),
  ]
  return found.filter(({ request }) => request.startsWith('.')).map(({ request, typesOnly }) =>
    ({ from: file, to: relative(root, resolve(root, dirname(file), request)).replace(/\.js$/, '.ts'), typesOnly }))
}

const roomOf = (file: string) => file === 'lib/index.ts' ? 'lib' : file.split('/').slice(0, 2).join('/')
const files = [...sources('kernel'), ...sources('lib')]
const imports = files.flatMap(importsOf)

test('every room has its place in the plan', () => {
  expect([...new Set(files.map(roomOf))].filter((room) => !(room in plan))).toEqual([])
})

test('rooms import only the rooms that the plan allows', () => {
  const forbidden = imports.filter(({ from, to, typesOnly }) => {
    const [a, b] = [roomOf(from), roomOf(to)]
    if (a === b) return false
    const allowed = plan[a] ?? []
    return !(allowed.includes(b) || (typesOnly && allowed.includes(`${b}?`)))
  })
  expect(forbidden.map(({ from, to }) => `${from} → ${to}`)).toEqual([])
})

test('the session takes only the transpiler from the language room', () => {
  const language = imports.filter(({ from, to }) => roomOf(from) === 'kernel/session' && roomOf(to) === 'kernel/language')
  expect(language.filter(({ to }) => !/transpile/.test(to)).map(({ from, to }) => `${from} → ${to}`)).toEqual([])
})

test('rooms of lib are entered by their door', () => {
  const windows = imports.filter(({ from, to, typesOnly }) => from.startsWith('lib/') && roomOf(from) !== roomOf(to) && !to.endsWith('/index.ts') && !typesOnly)
  expect(windows.map(({ from, to }) => `${from} → ${to}`)).toEqual([])
})

test('no file imports itself by a detour', () => {
  const next = new Map<string, string[]>()
  for (const { from, to, typesOnly } of imports) if (!typesOnly) next.set(from, [...(next.get(from) ?? []), to])
  const state = new Map<string, 'open' | 'done'>()
  const cycles: string[] = []
  const visit = (file: string, path: string[]): void => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open') { cycles.push([...path.slice(path.indexOf(file)), file].join(' → ')); return }
    state.set(file, 'open')
    for (const to of next.get(file) ?? []) visit(to, [...path, file])
    state.set(file, 'done')
  }
  files.forEach((file) => visit(file, []))
  expect(cycles).toEqual([])
})

test('plots never load TensorFlow.js', () => {
  const loading = sources('lib/plots').filter((file) => /from '@tensorflow|import\('@tensorflow/.test(readFileSync(join(root, file), 'utf8')))
  expect(loading).toEqual([])
})

test('the top level holds what the plan names, and nothing else', () => {
  const allowed = /^(kernel|lib|notebooks|tests|package\.json|package-lock\.json|tsconfig\.json|README\.md|LICENSE|node_modules|dist|\..*)$/
  expect(readdirSync(root).filter((name) => !allowed.test(name))).toEqual([])
})

test('files stay readable: none over 400 lines', () => {
  expect(files.filter((file) => readFileSync(join(root, file), 'utf8').split('\n').length > 401)).toEqual([])
})
