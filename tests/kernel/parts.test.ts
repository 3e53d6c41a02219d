// The parts of the wire and the host that can be judged without a kernel. What needs one is in conformance.test.ts.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { helpRequest } from '../../kernel/host/help.js'
import { History } from '../../kernel/host/history.js'
import { Journal, journalFile, readJournal, replay } from '../../kernel/host/journal.js'
import { memoryWarning } from '../../kernel/host/memory-watch.js'
import { readConnectionFile } from '../../kernel/wire/connection.js'
import { Codec, type Message, RefusedMessage } from '../../kernel/wire/message.js'
import { Outbox } from '../../kernel/wire/outbox.js'

const folder = mkdtempSync(join(tmpdir(), 'afinar-parts-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const codec = new Codec('key')
const parent = codec.header('execute_request')
const message = (type: string, content: Record<string, unknown>): Message => ({ identities: [], header: codec.header(type), parent, metadata: {}, content, buffers: [] })
const stream = (text: string, name = 'stdout'): Message => message('stream', { name, text })

function outbox(send: () => Promise<void> = () => Promise.resolve()): { outbox: Outbox; sent: Record<string, unknown>[]; pressure: boolean[]; errors: unknown[] } {
  const sent: Record<string, unknown>[] = [], pressure: boolean[] = [], errors: unknown[] = []
  const other = new Codec('key')
  return {
    sent, pressure, errors,
    outbox: new Outbox({
      encode: (each) => codec.encode(each), onError: (error) => errors.push(error), onPressure: (full) => pressure.push(full),
      send: async (frames) => { await send(); sent.push(other.decode(frames.map((frame) => Buffer.from(frame))).content) },
    }),
  }
}

test('waiting stream text is merged, in order, and never across another message or stream', async () => {
  const { outbox: box, sent } = outbox()
  for (const each of [stream('a'), stream('b'), stream('!', 'stderr'), stream('c'), message('display_data', { data: {} }), stream('d'), stream('e')]) box.put(each)
  await box.flushed()
  expect(sent.map(({ text }) => text ?? 'display')).toEqual(['ab', '!', 'c', 'display', 'de'])
})

test('a message that cannot be sent is reported and holds up nobody', async () => {
  const { outbox: box, sent, errors } = outbox()
  box.put(message('display_data', { data: 1n }))
  box.put(stream('after'))
  await box.flushed()
  expect(sent).toEqual([{ name: 'stdout', text: 'after' }])
  expect(errors).toHaveLength(1)
})

test('a slow front end makes pressure, and what waits is neither lost nor dropped', async () => {
  let open = (): void => {}
  const gate = new Promise<void>((resolve) => { open = resolve })
  const { outbox: box, sent, pressure } = outbox(() => gate)
  for (let i = 0; i < 50; i++) box.put(stream('x'.repeat(1 << 20)))
  expect(pressure).toEqual([true])
  open()
  await box.flushed()
  expect(pressure).toEqual([true, false])
  expect(sent.reduce((sum, { text }) => sum + (text as string).length, 0)).toBe(50 << 20)
})

test('text on the heels of text waits a little for more, and for nothing where something else follows', async () => {
  const { outbox: box, sent } = outbox()
  box.put(stream('first'))
  await box.flushed()
  for (let i = 0; i < 5; i++) { box.put(stream(String(i))); await new Promise((resolve) => setImmediate(resolve)) }
  expect(sent).toHaveLength(1)
  box.put(message('status', { execution_state: 'idle' }))
  await new Promise((resolve) => setImmediate(resolve))
  await box.flushed()
  expect(sent.map(({ text }) => text)).toEqual(['first', '01234', undefined])
})

test('half a surrogate pair goes out as U+FFFD, whole pairs and written escapes as they are', () => {
  const frames = codec.encode(message('stream', { text: 'a\ud83d b\ude00 😀 \\ud83d' })).map((frame) => Buffer.from(frame))
  expect(new Codec('key').decode(frames).content['text']).toBe('a\ufffd b\ufffd 😀 \\ud83d')
})

test('a replayed message is refused, whatever else came between', () => {
  const judge = new Codec('key'), frames = codec.encode(stream('once')).map((frame) => Buffer.from(frame))
  judge.decode(frames)
  for (let i = 0; i < 1000; i++) judge.decode(codec.encode(stream(String(i))).map((frame) => Buffer.from(frame)))
  expect(() => judge.decode(frames)).toThrow(RefusedMessage)
})

test('a connection file that says nothing else means loopback, and a wrong one is named', () => {
  const file = join(folder, 'connection.json'), ports = { shell_port: 1, iopub_port: 2, stdin_port: 3, control_port: 4, hb_port: 5 }
  writeFileSync(file, JSON.stringify({ ...ports, key: 'k' }))
  expect(readConnectionFile(file)).toMatchObject({ ip: '127.0.0.1', transport: 'tcp', signature_scheme: 'hmac-sha256' })
  writeFileSync(file, JSON.stringify({ ...ports, hb_port: 'five' }))
  expect(() => readConnectionFile(file)).toThrow(/must give a port as hb_port and gives "five"/)
  writeFileSync(file, JSON.stringify({ ...ports, signature_scheme: 'none' }))
  expect(() => readConnectionFile(file)).toThrow(/signature scheme none/)
})

test('history answers hostile patterns at once, and counts as asked', () => {
  const history = new History(join(folder, 'history.jsonl'))
  for (let i = 1; i <= 20; i++) history.add(i, `cell ${i} ${'a'.repeat(2000)}`)
  const start = performance.now()
  expect(history.answer({ hist_access_type: 'search', pattern: `${'*a'.repeat(200)}b` })).toEqual([])
  expect(performance.now() - start).toBeLessThan(2000)
  expect(history.answer({ hist_access_type: 'tail', n: 0 })).toEqual([])
  expect(history.answer({ hist_access_type: 'search', pattern: 'cell 1?*', n: 2 }).map(([, line]) => line)).toEqual([18, 19])
  expect(new History(join(folder, 'history.jsonl')).answer({ hist_access_type: 'range', session: -1, start: 3, stop: 5 }).map(([, line]) => line)).toEqual([3, 4])
})

test('a journal shows each cell as a notebook would show it now, in bounded space', () => {
  const file = journalFile(join(folder, 'kernel.json')), journal = new Journal(file, 20_000)
  const note = (type: string, content: Record<string, unknown>): void => journal.note(type, content, 'cell')
  note('execute_input', { code: 'train()', execution_count: 3 })
  note('stream', { name: 'stdout', text: 'one ' })
  note('stream', { name: 'stdout', text: 'two' })
  note('display_data', { data: { 'text/plain': 'epoch 0' }, metadata: {}, transient: { display_id: 'live' } })
  for (let i = 1; i <= 5000; i++) note('update_display_data', { data: { 'text/plain': `epoch ${i}` }, metadata: {}, transient: { display_id: 'live' } })
  journal.sync()
  const [cell] = replay(readJournal(join(folder, 'kernel.json')))
  expect(cell).toEqual({ request: 'cell', code: 'train()', count: 3, running: true, outputs: [
    { output_type: 'stream', name: 'stdout', text: 'one two' }, { output_type: 'display_data', data: { 'text/plain': 'epoch 5000' }, metadata: {} },
  ] })
  note('status', { execution_state: 'idle' })
  journal.sync()
  expect(replay(readJournal(join(folder, 'kernel.json')))[0]!.running).toBe(false)
  for (let i = 0; i < 1000; i++) note('stream', { name: 'stdout', text: 'x'.repeat(1000) })
  journal.sync()
  expect(readdirSync(folder).filter((name) => name.startsWith('kernel')).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)).toBeLessThan(45_000)
  journal.remove()
  expect(readJournal(join(folder, 'kernel.json'))).toEqual([])
})

test('memory is warned of when little is left and the session holds much of it', () => {
  expect(memoryWarning({ available: 8e9, limit: 16e9, held: 7e9 })).toBeUndefined()
  expect(memoryWarning({ available: 0.5e9, limit: 16e9, held: 1e9 })).toBeUndefined()
  expect(memoryWarning({ available: 0.5e9, limit: 16e9, held: 14e9 })).toMatch(/14\.0 GB, and of 16\.0 GB only 0\.5 GB/)
})

test('help is asked for by a whole cell only', () => {
  expect(['a.b?', '?a', 'a??', ' x ? '].map(helpRequest)).toEqual(['a.b', 'a', 'a', 'x'])
  expect(['a ? b : c', 'a?.b', '', '?', 'f()?'].map(helpRequest)).toEqual([undefined, undefined, undefined, undefined, undefined])
})
