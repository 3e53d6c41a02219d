// TF_CONFIG as TensorFlow's users write it, and what is said of one that cannot be joined; the words of `afinar launch`.
import { expect, test } from '@jest/globals'
import { readArguments } from '../../kernel/cli/launch/arguments.js'
import { shareCores } from '../../kernel/cli/launch/place.js'
import { launch } from '../../kernel/cli/launch/index.js'
import { clusterFrom } from '../../lib/engine/index.js'

const config = (cluster: unknown, task: unknown) => JSON.stringify({ cluster, task })

test('workers, with or without a chief; one alone is no cluster', () => {
  expect(clusterFrom(config({ worker: ['a:1', 'b:2'] }, { type: 'worker', index: 1 }))).toEqual({ addresses: ['a:1', 'b:2'], rank: 1 })
  expect(clusterFrom(config({ chief: ['a:1'], worker: ['b:2', 'c:3'] }, { type: 'worker', index: '1' }))).toEqual({ addresses: ['a:1', 'b:2', 'c:3'], rank: 2 })
  expect(clusterFrom(config({ chief: ['a:1'], worker: ['b:2'] }, { type: 'chief', index: 0 }))).toEqual({ addresses: ['a:1', 'b:2'], rank: 0 })
  expect(clusterFrom(config({ worker: ['[fd00::1]:2222', 'host.lan:2222'] }, { type: 'worker', index: 0 }))!.addresses[0]).toBe('[fd00::1]:2222')
  for (const none of [undefined, '', ' ', '{}', config({ worker: ['a:1'] }, { type: 'worker', index: 0 }), JSON.stringify({ cluster: { worker: ['a:1'] } })]) expect(clusterFrom(none)).toBeUndefined()
})

test.each([
  ['{', /is not JSON/],
  ['3', /has no "cluster"/],
  [config({ worker: ['a:1', 'a:1'] }, { type: 'worker', index: 0 }), /an address twice/],
  [config({ worker: ['a', 'b:1'] }, { type: 'worker', index: 0 }), /"a", which is not host:port/],
  [config({ worker: 'a:1' }, { type: 'worker', index: 0 }), /must list the addresses of "worker"/],
  [config({ worker: ['a:1', 'b:1'] }, { type: 'worker', index: 2 }), /task index 2 of 2 workers/],
  [config({ worker: ['a:1', 'b:1'] }, { type: 'worker', index: -1 }), /task index -1/],
  [config({ worker: ['a:1', 'b:1'] }, { type: 'evaluator', index: 0 }), /task type "evaluator"/],
  [config({ worker: ['a:1', 'b:1'], ps: ['c:1'] }, { type: 'worker', index: 0 }), /the job "ps"/],
  [config({ chief: ['a:1', 'b:1'] }, { type: 'chief', index: 0 }), /2 chiefs/],
  [config({}, { type: 'worker', index: 0 }), /names no worker/],
  [JSON.stringify({ cluster: { worker: ['a:1', 'b:1'] } }), /has no "task"/],
])('%s is refused', (text, why) => {
  expect(() => clusterFrom(text)).toThrow(why)
  expect(() => clusterFrom(text)).toThrow(/^Cannot join the cluster: TF_CONFIG .*\. Write for example TF_CONFIG='\{/)
})

test('the words of afinar launch: its own before the program, the program\'s after it', () => {
  expect(readArguments(['--workers', '4', '--no-pin', 'train.ts', '--workers', '9'])).toEqual({ program: 'train.ts', args: ['--workers', '9'], workers: 4, pin: false, isolate: false })
  expect(readArguments(['-w', '3', '--logs', 'x', '--port', '4000', '--isolate', '--', 'a.ipynb'])).toEqual({ program: 'a.ipynb', args: [], workers: 3, pin: true, isolate: true, logs: 'x', port: 4000 })
  expect(readArguments(['--help'])).toBe('help')
  for (const [words, why] of [[[], /name a script/], [['-w', '0', 'a.ts'], /0 workers/], [['-w', 'x', 'a.ts'], /x workers/], [['--port', '70000', 'a.ts'], /port 70000/], [['--nope', 'a.ts'], /nope/], [['a.txt'], /a\.txt: give a script/]] as const) {
    expect(() => readArguments(words)).toThrow(why)
  }
})

test('cores are shared in neighbours, or not at all', async () => {
  expect(shareCores([0, 1, 2, 3, 8], 2)).toEqual([[0, 1], [2, 3, 8]])
  expect(shareCores([0], 2)).toBeUndefined()
  await expect(launch({ program: 'nowhere.ts', args: [], workers: 2, pin: true, isolate: false })).rejects.toThrow('Cannot launch nowhere.ts: there is no such file.')
})
