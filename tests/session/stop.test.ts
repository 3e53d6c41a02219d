// Stop: ends what runs, keeps the variables, never hits the next cell.
import { afterAll, expect, test } from '@jest/globals'
import { TestSession } from './support/session.js'

const session = new TestSession({ execArgv: ['--expose-gc'] })
afterAll(() => session.close())
const prelude = session.run('let n = 1; const sleep = (ms: number) => new Promise(r => setTimeout(r, ms)); const session = (globalThis as any)[Symbol.for("afinar.session")]; setInterval(() => (globalThis as any).gc(), 50).unref()')

test.each([
  ['a synchronous loop', 'while (true) n++'],
  ['a loop after an await', 'await sleep(5); while (true) n++'],
  ['an asynchronous loop', 'for (;;) await sleep(5)'],
  ['an asynchronous loop that catches', 'for (;;) { try { await sleep(5) } catch {} }'],
  ['a loop in a finally', 'try { while (true) {} } finally { while (true) {} }'],
  ['a loop in a timer', 'setTimeout(() => { for (;;); }, 5); await sleep(1e5)'],
  ['microtasks without end', 'await (async () => { for (;;) await null })()'],
  ['a promise that never settles', 'await new Promise(() => {})'],
  ['for await over a stream without end', 'for await (const _ of (async function* () { for (;;) { yield 1; await sleep(2) } })());'],
  ['prints without end', 'for (;;) console.log("flood")'],
])('%s is stopped and variables are kept', async (_, code) => {
  await prelude
  const run = await session.run(code, { stopAfter: [150] })
  expect(run.done.error?.name).toBe('Interrupted')
  expect((await session.run('n > 0')).result).toBe('true')
})

test('a display without end is stopped and shown as what it is', async () => {
  const run = await session.run('({ [Symbol.for("Jupyter.display")]() { for (;;); } })', { stopAfter: [150] })
  expect([run.status, run.result]).toEqual(['ok', '[object: its display was stopped]'])
})

test('who listens to the signal ends by itself', async () => {
  const run = await session.run('const soFar = await new Promise(r => session.signal.addEventListener("abort", () => setTimeout(r, 30, "so far"))); soFar', { stopAfter: [100] })
  expect([run.status, run.result]).toEqual(['ok', "'so far'"])
})

test('Stop between cells ends what an ended cell left going, and nothing else', async () => {
  await session.run('let left = "going", heard = 0; session.signal.addEventListener("abort", () => { left = "ended"; heard++ })')
  session.send({ type: 'interrupt', cell: 0 })
  await new Promise(resolve => setTimeout(resolve, 50))
  expect((await session.run('left')).result).toBe("'ended'")
  session.send({ type: 'interrupt', cell: 0 })
  expect((await session.run('for (let i = 0; i < 20; i++) await sleep(5); heard')).result).toBe('1')
})

test('a second Stop ends who listens and goes on', async () => {
  const run = await session.run('session.signal.addEventListener("abort", () => console.log("asked")); for (;;) await sleep(5)', { stopAfter: [100, 400] })
  expect([run.status, run.stdout]).toEqual(['error', 'asked\n'])
  expect(run.milliseconds).toBeGreaterThan(395)
})

test('finally runs when an await is stopped', async () => {
  expect((await session.run('try { await sleep(1e5) } finally { console.log("cleaned") }', { stopAfter: [50] })).stdout).toBe('cleaned\n')
})

test('a Stop that comes late never hits the next cell', async () => {
  for (let i = 0; i < 12; i++) {
    const late = session.run(`{ const end = performance.now() + ${45 + 3 * i}; while (performance.now() < end); }`, { stopAfter: [1] })
    const next = session.run('for (let i = 0; i < 1e6; i++) n += i; "through"')
    await late
    expect((await next).result).toBe("'through'")
  }
})
