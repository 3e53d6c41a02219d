// Several workers train as one: the same course, the same decisions, and one that dies is named. Real processes on this machine.
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, jest, test } from '@jest/globals'
import { startEngine } from '../../lib/engine/index.js'
import { distance, newFolder, start, trainer, trainOn } from './support/launched.js'
import { train, type Seen } from './support/train.js'

jest.setTimeout(180_000)

let alone: Seen
beforeAll(async () => {
  startEngine()
  alone = await train({})
})

test('two workers with half of each batch follow the course of one: 56 steps with batch norm, dropout, AdamW and clipping; the first one writes', async () => {
  const folder = newFolder()
  const { code, seen: [first, second], output } = await trainOn(2, { worker: 1, otherSeed: true, saveTo: folder, options: { checkpoints: join(folder, 'checkpoints') } })
  expect({ code, output }).toMatchObject({ code: 0 })
  expect(first!.losses).toHaveLength(56)
  for (const seen of [first!, second!]) {
    seen.losses.forEach((loss, i) => expect(Math.abs(loss - alone.losses[i]!)).toBeLessThan(1e-4))
    seen.norms.forEach((norm, i) => expect(Math.abs(norm - alone.norms[i]!)).toBeLessThan(1e-3))
    expect(distance(seen.weights, alone.weights)).toBeLessThan(1e-4)                   // moving averages of batch norm among them
  }
  expect(second!.weights).toEqual(first!.weights)
  expect(second!.history).toEqual(first!.history)
  const figures = ({ history }: Seen) => (history as { train: Record<string, number>; validation: Record<string, number> }[]).flatMap(({ train: a, validation: b }) => [...Object.values(a), ...Object.values(b)])
  figures(first!).forEach((figure, i) => expect(Math.abs(figure - figures(alone)[i]!)).toBeLessThan(1e-4))
  expect(first!.checkpoints).toBe(8)
  expect(second!.checkpoints).toBe(0)
  expect(readdirSync(folder).sort()).toEqual(['0', 'checkpoints'])
})

test('a head fitted on cached features, phases, an average of the weights, class weights: as one worker', async () => {
  const options = { augment: false, frozenEpochs: 1, epochs: 2, ema: 0.9, classWeights: [1, 3] } as const
  const here = await train({ options })
  const { code, seen } = await trainOn(2, { options })
  expect(code).toBe(0)
  for (const each of seen) {
    each!.losses.forEach((loss, i) => expect(Math.abs(loss - here.losses[i]!)).toBeLessThan(1e-3))
    expect(distance(each!.weights, here.weights)).toBeLessThan(1e-3)
  }
})

test('a worker that is killed is named within seconds; the run goes on from the last checkpoint with one, two or four workers, to the same end', async () => {
  const checkpoints = join(newFolder(), 'run'), options = { checkpoints: { folder: checkpoints, everySteps: 10 } }
  const { code, output, seen: [survivor, dead] } = await trainOn(2, { options, worker: 1, killAt: 24 })
  expect(dead).toBeUndefined()
  expect(code).toBe(137)
  expect(output).toMatch(/Worker 1 failed first: ended by SIGKILL/)
  expect(survivor!.failure).toMatch(/^Cannot go on: worker 1 \(127\.0\.0\.1:\d+\) is gone\. .*resume/)
  expect(survivor!.failedAfter).toBeLessThan(10)
  const resumed = [await trainOn(2, { options: { resume: checkpoints } })]
  for (const workers of [1, 4]) {
    const folder = join(newFolder(), 'run')
    mkdirSync(folder, { recursive: true })
    resumed.push(await trainOn(workers, { options: { resume: checkpoints } }))
  }
  for (const { code: end, seen, output: told } of resumed) {
    expect({ end, told }).toMatchObject({ end: 0 })
    for (const each of seen) expect(distance(each!.weights, alone.weights)).toBeLessThan(1e-4)
  }
  expect(resumed[0]!.seen[0]!.losses.length).toBeLessThan(56 - 15)
  expect(resumed[0]!.seen[1]!.notes.join()).toContain('Resumed from')
})

test('Stop on one worker ends all after the same step', async () => {
  const { code, seen: [first, second] } = await trainOn(2, { worker: 1, stopAt: 12 })
  expect(code).toBe(0)
  expect([first!.reason, second!.reason]).toEqual(['stopped', 'stopped'])
  expect(first!.losses).toEqual(second!.losses)
  expect(first!.losses.length).toBeGreaterThanOrEqual(12)
  expect(first!.losses.length).toBeLessThan(16)
  expect(first!.weights).toEqual(second!.weights)
})

test('workers that would not do the same are refused by name: other data, batches that cannot be shared', async () => {
  const [other, uneven] = [await trainOn(2, { worker: 1, rows: 96 }), await trainOn(3)]
  for (const each of other.seen) expect(each!.failure).toMatch(/^Cannot fine-tune together: the training rows, .*of worker 1 \(.*\) is not what worker 0 has/)
  expect(other.code).toBe(1)
  for (const each of uneven.seen) expect(each!.failure).toBe('Cannot fine-tune with batchSize 16 on 3 workers: each takes as many rows of a step as the others. Use batchSize: 15.')
})

test('Ctrl-C ends all workers; the exit code says so', async () => {
  const folder = newFolder()
  const { child, ended } = start([trainer, folder, JSON.stringify({ slow: 200 })], folder)
  await new Promise<void>((resolve) => child.stderr!.on('data', (text: string) => { if (/now listens/.test(text)) resolve() }))
  child.kill('SIGINT')
  const { code, seconds, output } = await ended
  expect(code).toBe(130)
  expect(seconds).toBeLessThan(30)
  expect(output).toContain('stopping the workers')
  expect(existsSync(join(folder, 'worker-0.log'))).toBe(true)
})
