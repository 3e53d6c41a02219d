// `afinar attach` and the epochs of `afinar run` from records as the library writes them; with a real kernel: tests/kernel/fronts.py.
import { afterAll, expect, test } from '@jest/globals'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attach } from '../../kernel/cli/attach/index.js'
import { chooseJournal, isAlive, journalsIn, runtimeFolder } from '../../kernel/cli/attach/journals.js'
import { stateOf } from '../../kernel/cli/attach/view.js'
import { loadSparkline, TrainingFollower } from '../../kernel/cli/run/training.js'
import { replay, type JournalEntry } from '../../kernel/host/index.js'

const folder = mkdtempSync(join(tmpdir(), 'afinar-attach-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const EVENT = 'application/vnd.afinar.train-event+json'

const entry = (request: string, type: string, content: Record<string, unknown>): JournalEntry => ({ time: '', type, request, content })
const cell = (request: string, code: string, count: number, ...outputs: JournalEntry[]): JournalEntry[] => [entry(request, 'execute_input', { code, execution_count: count }), ...outputs]
const idle = (request: string) => entry(request, 'status', { execution_state: 'idle' })
const progress = (at: Record<string, unknown>, text: string, type = 'display_data') =>
  entry('b', type, { data: { [EVENT]: { epochs: 3, step: 1, steps: 9, ...at }, 'text/plain': text }, metadata: {}, transient: { display_id: 'd' } })

const journal = [
  ...cell('a', 'const a = 1', 1, entry('a', 'stream', { name: 'stdout', text: 'early' }), idle('a')),
  ...cell('b', '\nfineTune(model)', 2, progress({ epoch: 1, losses: [] }, 'epoch 1'), idle('b')),
  progress({ epoch: 2, losses: [0.5] }, 'epoch 2', 'update_display_data'),
  ...cell('c', 'for (;;);', 3, entry('c', 'stream', { name: 'stdout', text: Array.from({ length: 50 }, (_, i) => `line ${i}`).join('\n') })),
]

test('the state is that of the latest training and what came after it', () => {
  const text = stateOf(replay(journal))
  expect(text).toBe(`[2] training goes on  fineTune(model)\n    epoch 2\n\n[3] running  for (;;);\n    … 38 lines\n${Array.from({ length: 12 }, (_, i) => `    line ${i + 38}`).join('\n')}`)
  expect(stateOf(replay(journal), false)).toMatch(/training cut short: the kernel ended[\s\S]*cut short/)
  expect(stateOf(replay(journal.slice(0, 3)))).toBe('[1] done  const a = 1\n    early')
  expect(stateOf([])).toBe('No cell has run yet.')
})

test('a terminal is redrawn in place, a file gets the state, and a kernel that is gone ends it', async () => {
  const connectionFile = join(folder, 'kernel-abc.json')
  writeFileSync(join(folder, 'kernel-abc.journal.jsonl'), journal.map((each) => JSON.stringify(each)).join('\n'))
  writeFileSync(connectionFile, JSON.stringify({ ip: '127.0.0.1', hb_port: 1, transport: 'tcp' }))
  let out = ''
  expect(await attach([connectionFile], { write: (text) => { out += text } })).toBe(0)
  expect(out).toMatch(/^kernel abc, gone, last word [\d: -]+\n\n\[2\] training cut short/)
  out = ''
  await attach([connectionFile], { write: (text) => { out += text }, isTTY: true, columns: 30, rows: 8 })
  expect(out.split('\n').length).toBeLessThanOrEqual(8)
  expect(Math.max(...out.replace(/\x1b\[\w+/g, '').split('\n').map((line) => line.length))).toBeLessThan(30)
})

test('kernels are found by the beginning of their id, the last one first', async () => {
  writeFileSync(join(folder, 'kernel-abd.journal.jsonl'), '')
  utimesSync(join(folder, 'kernel-abd.journal.jsonl'), new Date(), new Date(Date.now() + 5000))
  expect(journalsIn(folder).map(({ id }) => id)).toEqual(['abd', 'abc'])
  expect(chooseJournal(undefined, folder).id).toBe('abd')
  expect(chooseJournal('abc', folder).id).toBe('abc')
  expect(() => chooseJournal('x', folder)).toThrow("Cannot attach to 'x': no kernel's id begins so. There are: abd, abc.")
  expect(() => chooseJournal(undefined, join(folder, 'none'))).toThrow('Cannot attach: no kernel of afinar has run here')
  await expect(attach(['--nope'])).rejects.toThrow('Cannot attach')
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  writeFileSync(join(folder, 'live.json'), JSON.stringify({ ip: '127.0.0.1', hb_port: (server.address() as AddressInfo).port, transport: 'tcp' }))
  expect(await isAlive(join(folder, 'live.json'))).toBe(true)
  await new Promise((resolve) => server.close(resolve))
  expect(await isAlive(join(folder, 'live.json'))).toBe(false)
  expect(await isAlive(join(folder, 'none.json'))).toBe(false)
  expect(runtimeFolder({ JUPYTER_DATA_DIR: '/d' }, 'linux')).toBe('/d/runtime')
  expect(runtimeFolder({ APPDATA: 'C:/a' }, 'win32')).toBe('C:/a/jupyter/runtime')
})

test('the records beside the live view become a line an epoch, and a line that moves', async () => {
  await loadSparkline()
  const follower = new TrainingFollower(), take = (at: Record<string, unknown>) => follower.take({ [EVENT]: { epochs: 3, steps: 12, metric: 'accuracy', ...at } })
  expect(take({ epoch: 0, step: 0, losses: [] })).toEqual([])
  expect(follower.line).toBe('')
  expect(take({ epoch: 1, step: 2, loss: 1, losses: [], examplesPerSecond: 50 })).toEqual([])
  expect(follower.line).toMatch(/^epoch 1\/3 step 2\/12 {2}loss 1\.00 . {2}50\/s$/)
  expect(take({ epoch: 2, step: 5, loss: 0.5, losses: [0.75], train: { loss: 0.75, accuracy: 0.5 }, validation: { loss: 0.8, accuracy: 0.4 } })).toEqual([expect.stringMatching(/^epoch 1\/3 {2}loss 0\.750 {2}accuracy 0\.500 {2}val loss 0\.800 {2}val accuracy 0\.400/)])
  expect(take({ epoch: 2, step: 6, loss: 0.5, losses: [0.75], verdict: 'good fit' })).toEqual(['verdict: good fit'])
  // updates may be skipped: the epochs between are told too
  expect(take({ epoch: 3, step: 12, losses: [0.75, 0.5, 0.25], train: { loss: 0.25 }, verdict: 'good fit', end: 'finished' })).toEqual([expect.stringMatching(/^epoch 2\/3 {2}loss 0\.500/), expect.stringMatching(/^epoch 3\/3 {2}loss 0\.250/)])
  expect(follower.line).toBe('')
})
