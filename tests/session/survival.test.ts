// What must not end the session, and what its neighbours may ask of it.
import { afterAll, expect, test } from '@jest/globals'
import { TestSession, plain } from './support/session.js'

const session = new TestSession()
afterAll(() => session.close())

test('process.exit says so', async () => {
  expect((await session.run('process.exit(3)')).error).toMatch(/^ProcessExit: process\.exit\(3\) was called\. The session goes on/)
})

test('a throw in a timer and an unhandled rejection are reported in their cell', async () => {
  const { done } = await session.run('setTimeout(() => { throw new Error("in a timer") }, 5); setTimeout(() => Promise.reject(new Error("unhandled")), 5)')
  await session.run('await new Promise(r => setTimeout(r, 60))')
  const reported = session.log.flatMap(m => m.type === 'error' && m.cell === done.cell ? [plain(m.traceback)] : [])
  expect(reported).toHaveLength(2)
  expect(reported.join()).toMatch(/in a timer\n {4}at .*Cell \[\d+\]:1:26/)
})

test('globals that are gone', async () => {
  await session.run('delete (globalThis as any).console; for (const name of ["Promise", "setTimeout", "setImmediate", "Map", "Set", "process"]) (globalThis as any)[name] = 1')
  expect((await session.run('[1, 2].length')).result).toBe('2')
  expect((await session.run('throw new TypeError("still")')).error).toMatch(/^TypeError: still/)
})

test('endless recursion and very long cells', async () => {
  expect((await session.run('const f = (): any => f(); f()')).error).toMatch(/^RangeError/)
  expect((await session.run(Array.from({ length: 10_000 }, (_, i) => `const v${i}: number = ${i}`).join('\n') + '\nv9999')).result).toBe('9999')
  expect((await session.run('"\\ud800" + "😀".length')).status).toBe('ok')
})

test('the user answers a prompt; Stop ends the wait', async () => {
  const other = new TestSession()
  other.onMessage = message => { if (message.type === 'input-request' && message.prompt === 'Name? ') other.send({ type: 'input-reply', value: 'Ana' }) }
  expect((await other.run('const name = prompt("Name?"); name')).result).toBe("'Ana'")
  expect((await other.run('prompt("Never?")', { stopAfter: [100] })).done.error?.name).toBe('Interrupted')
  expect((await other.run('prompt("Who?")', { allowStdin: false })).error).toMatch(/Cannot ask "Who\? "/)
  other.close()
})

test('comms carry data and buffers both ways', async () => {
  const other = new TestSession()
  other.onMessage = message => {
    if (message.type === 'comm' && message.kind === 'message') other.send({ ...message, data: { echo: message.data } })
    if (message.type === 'comm' && message.kind === 'open') other.send({ type: 'comm', kind: 'open', id: 'x', target: 'unknown', data: {}, metadata: {}, buffers: [] })
  }
  const run = await other.run(`const comm = (globalThis as any)[Symbol.for('afinar.session')].comm('demo', { a: 1 })
    const [data, buffers] = await new Promise<any>(r => { comm.onMessage((d: any, b: any) => r([d, b])); comm.send({ q: 1 }, { buffers: [new Uint8Array([1, 2])] }) })
    ;[data, buffers]`)
  expect(run.result).toBe('[ { echo: { q: 1 } }, [ Uint8Array(2) [ 1, 2 ] ] ]')
  expect(other.log).toContainEqual(expect.objectContaining({ type: 'comm', kind: 'close', id: 'x' }))
  other.close()
})

test('shutdown ends it, and so does a host that goes while a cell blocks', async () => {
  for (const end of [(s: TestSession) => s.send({ type: 'shutdown' }), (s: TestSession) => { void s.run('for (;;);').catch(() => {}); setTimeout(() => { s.process.disconnect(); s.process.stdio[4]?.destroy() }, 300) }]) {
    const other = new TestSession()
    await other.ready
    const gone = new Promise(resolve => other.process.once('exit', resolve))
    end(other)
    await gone
  }
})
