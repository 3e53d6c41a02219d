// Printed text: in order, complete, in the cell that caused it.
import { afterAll, expect, test } from '@jest/globals'
import { TestSession } from './support/session.js'

const session = new TestSession()
afterAll(() => session.close())

test('console and process.stdout keep their order', async () => {
  const { messages } = await session.run('console.log("a"); console.error("b"); process.stdout.write("c"); console.log("%d%%", 5)')
  expect(messages.flatMap(m => m.type === 'stream' ? [[m.name, m.text]] : [])).toEqual([['stdout', 'a\n'], ['stderr', 'b\n'], ['stdout', 'c5%\n']])
})

test('ten thousand lines arrive in few messages, all before the cell is done', async () => {
  const run = await session.run('for (let i = 0; i < 10000; i++) console.log(i)')
  expect(run.stdout).toBe(Array.from({ length: 10000 }, (_, i) => `${i}\n`).join(''))
  expect(run.messages.at(-1)?.type).toBe('done')
  expect(run.messages.length).toBeLessThan(300)
})

test('a text of many megabytes arrives whole, its surrogates too', async () => {
  const { stdout } = await session.run('console.log("x".repeat(1048575) + "😀".repeat(1_000_000))')
  expect(stdout.length).toBe(1048575 + 2_000_000 + 1)
  expect(session.log.every(m => m.type !== 'stream' || !/[\ud800-\udbff]$/.test(m.text))).toBe(true)
})

test('a timer prints into the cell that set it', async () => {
  await session.run('setTimeout(() => console.log("mine"), 60); Promise.resolve().then(() => new Promise(r => setTimeout(r, 60))).then(() => console.log("also"))')
  const next = await session.run('await new Promise(r => setTimeout(r, 150)); console.log("other")')
  expect(next.stdout).toBe('other\n')
  expect(session.log.flatMap(m => m.type === 'stream' && m.cell === next.done.cell - 1 ? [m.text] : []).sort()).toEqual(['also\n', 'mine\n'])
})

test('native output comes through the pipe', async () => {
  await session.run('import { execSync } from "node:child_process"; execSync("echo from a child", { stdio: "inherit" }); require("fs").writeSync(1, "raw\\n")')
  expect(session.native).toContain('from a child\nraw\n')
})

test('200 updates of one display arrive', async () => {
  const { messages } = await session.run('const s = (globalThis as any)[Symbol.for("afinar.session")]; for (let i = 0; i < 200; i++) s.display({ "text/plain": `${i}` }, { id: "one", update: i > 0 })')
  const shown = messages.filter(m => m.type === 'display')
  expect(shown.length).toBe(200)
  expect(shown.at(-1)).toMatchObject({ update: true, transient: { display_id: 'one' }, data: { 'text/plain': '199' } })
})

test('console.clear clears the cell', async () => {
  expect((await session.run('console.clear()')).messages[0]).toMatchObject({ type: 'clear-output', wait: false })
})
