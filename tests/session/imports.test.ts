// import and require: packages, files of the notebook's folder and their edits, the kernel's own packages.
import { afterAll, expect, test } from '@jest/globals'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { TestSession } from './support/session.js'

const session = new TestSession()
afterAll(() => session.close())

test('CommonJS, ES modules with top-level await, JSON', async () => {
  session.write('c.cjs', 'exports.plain = 1; exports["dyn" + "amic"] = 2')
  session.write('e.mjs', 'await null; export const named = 5; export default 6')
  session.write('settings.json', '{ "scale": 3 }')
  const run = await session.run('import { plain, dynamic } from "./c.cjs"; import * as all from "./c.cjs"; import six, { named } from "./e.mjs"; import settings, { scale } from "./settings.json"; import same from "./settings.json" with { type: "json" }\n[plain, dynamic, all.dynamic, six, named, settings.scale, scale, same.scale]')
  expect([run.error, run.result?.replace(/\s+/g, '')]).toEqual(['', '[1,2,2,6,5,3,3,3]'])
})

test('a package in the notebook folder, with an ES and a CommonJS side', async () => {
  mkdirSync(join(session.folder, 'node_modules/two'), { recursive: true })
  session.write('node_modules/two/package.json', '{ "name": "two", "exports": { "import": "./i.mjs", "require": "./r.cjs" } }')
  session.write('node_modules/two/i.mjs', 'export const side = "import"')
  session.write('node_modules/two/r.cjs', 'exports.side = "require"')
  expect((await session.run('import { side } from "two"; [side, require("two").side, (await import("two")).side]')).result).toBe("[ 'import', 'require', 'import' ]")
})

test('an edited .ts file is loaded again, also when only what it imports was edited', async () => {
  session.write('inner.ts', 'export const factor: number = 2\nexport interface Shape { w: number }')
  session.write('outer.ts', 'import { factor, type Shape } from "./inner.js"\nexport type { Shape }\nenum Kind { A = 1 }\nexport const double = (x: number): number => x * factor * Kind.A')
  const cell = 'import { double, Shape } from "./outer"\ndouble(5)'
  expect((await session.run(cell)).result).toBe('10')
  session.write('inner.ts', 'export const factor: number = 200')
  expect((await session.run(cell)).result).toBe('1000')
})

test('a module that failed runs again', async () => {
  session.write('flaky.ts', 'import fs from "node:fs"\nexport const text: string = fs.readFileSync("later.txt", "utf8")')
  expect((await session.run('import { text } from "./flaky.ts"')).status).toBe('error')
  session.write('later.txt', 'here')
  expect((await session.run('import { text } from "./flaky.ts"; text')).result).toBe("'here'")
})

test('awaits and loops of an imported file can be stopped', async () => {
  session.write('loops.ts', 'export async function forever() { for (;;) await new Promise(r => setTimeout(r, 5)) }\nexport function blocked() { for (;;); }')
  expect((await session.run('import { forever, blocked } from "./loops.ts"; await forever()', { stopAfter: [300] })).done.error?.name).toBe('Interrupted')
  expect((await session.run('blocked()', { stopAfter: [100] })).done.error?.name).toBe('Interrupted')
})

test('the kernel brings its own packages; the notebook need not have them', async () => {
  const run = await session.run('import MagicString from "magic-string"; [typeof MagicString, typeof require("tslab").display.html]')
  expect(run.result).toBe("[ 'function', 'function' ]")
})

test('what cannot be imported is said', async () => {
  expect((await session.run('import { x } from "no-such-package"')).error).toMatch(/Cannot find package 'no-such-package': .* npm install no-such-package/)
  expect((await session.run('import { absent } from "node:path"; absent')).error).toMatch(/Cannot import \{ absent \} from 'node:path': it exports/)
})

test('tslab notebooks find their API', async () => {
  const { messages } = await session.run('import * as tslab from "tslab"\ntslab.display.html("<b>x</b>"); tslab.display.png(new Uint8Array([1, 2, 3])); const one = tslab.newDisplay(); one.text("1"); one.text("2")')
  const shown = messages.filter(m => m.type === 'display')
  expect(shown.map(m => [m.data, m.update])).toEqual([[{ 'text/html': '<b>x</b>' }, false], [{ 'image/png': 'AQID' }, false], [{ 'text/plain': '1' }, false], [{ 'text/plain': '2' }, true]])
})
