// Checkpoints: an interrupted run that goes on ends in the same weights, to the bit; damage and other data are named.
import { cpSync, mkdtempSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, jest, test } from '@jest/globals'
import { startEngine } from '../../lib/engine/index.js'
import type { TrainOptions } from '../../lib/train/index.js'
import { fineTune } from '../../lib/workflow/index.js'
import { stripes, tinyModel, valuesOf } from './support/stripes.js'

jest.setTimeout(120_000)
beforeAll(() => { startEngine() })

const folder = () => mkdtempSync(join(tmpdir(), 'afinar-run-'))
const options: TrainOptions = { epochs: 3, frozenEpochs: 1, fitHead: false, batchSize: 16, learningRate: 1e-2, augment: { shift: 0.1 }, batchNorm: 'updating', ema: 0.9, restoreBest: false, seed: 3 }

async function stopAfter(step: number, where: string, more: TrainOptions = {}) {
  const model = tinyModel()
  const run = fineTune(model, stripes(), { live: false, ...options, ...more, checkpoints: { folder: where } })
  for await (const event of run) if (event.type === 'step' && event.step === step) run.stop()
  await run
  return model
}

test('stopped in a head phase, in the middle of an epoch, or at its end: going on gives the weights of an uninterrupted run', async () => {
  const whole = tinyModel(), data = stripes()
  const straight = await fineTune(whole, data, { live: false, ...options })
  const expected = valuesOf(whole)
  for (const step of [2, 7, 8]) {
    const where = folder()
    const stopped = await stopAfter(step, where)
    // A new process would build the model anew; the stopped one will do as well.
    const model = step === 7 ? stopped : tinyModel()
    const run = fineTune(model, data, { live: false, ...options, resume: where })
    const result = await run
    expect(valuesOf(model)).toEqual(expected)
    expect(result.history).toEqual(straight.history)
    expect(run.events.filter((event) => event.type === 'epoch')).toHaveLength(4)
    expect(readdirSync(where).length).toBeLessThanOrEqual(2)
  }
})

test('a checkpoint that was cut in half is skipped for the one before it; without another one the error says what and why', async () => {
  const where = folder()
  await stopAfter(9, where)
  const [older, newest] = readdirSync(where).sort() as [string, string]
  const file = join(where, newest, 'tensors.safetensors')
  truncateSync(file, statSync(file).size / 2)
  const model = tinyModel()
  const run = fineTune(model, stripes(), { live: false, ...options, resume: where })
  await run
  const notes = run.events.filter((event) => event.type === 'note').map(({ text }) => text)
  expect(notes.some((text) => text.includes(newest) && text.includes('damaged'))).toBe(true)
  expect(notes.some((text) => text.includes(`Resumed from ${join(where, older)}`))).toBe(true)
  const only = join(where, readdirSync(where).sort().at(-1)!)
  writeFileSync(join(only, 'run.json'), readFileSync(join(only, 'run.json')).subarray(0, 40))
  await expect(fineTune(tinyModel(), stripes(), { live: false, ...options, resume: only })).rejects.toThrow('Cannot resume from')
})

test('other data, another batch size or no checkpoint: refused by name', async () => {
  const where = folder()
  await stopAfter(6, where)
  const resume = (more: TrainOptions, data = stripes()) => fineTune(tinyModel(), data, { live: false, ...options, resume: where, ...more })
  await expect(resume({ batchSize: 8 })).rejects.toThrow(/the batch size/)
  await expect(resume({}, stripes({ train: 80 }))).rejects.toThrow(/the training rows/)
  await expect(resume({ seed: 4 })).rejects.toThrow(/the seed/)
  await expect(resume({ loss: 'focal' })).rejects.toThrow(/the loss or the weights of rows is not what it was/)
  await expect(resume({ rowWeights: () => 2 })).rejects.toThrow(/the loss or the weights of rows/)
  await expect(resume({ resume: join(where, 'nowhere') })).rejects.toThrow('there is no such folder. Give a folder')
  await expect(resume({ resume: folder() })).rejects.toThrow('it holds no checkpoint')
})

test('checkpoints every few steps; a folder that cannot be written costs a warning, not the training', async () => {
  const where = folder()
  const run = fineTune(tinyModel(), stripes(), { live: false, ...options, frozenEpochs: 0, epochs: 1, checkpoints: { folder: where, everySteps: 2, keep: 5 } })
  await run
  expect(run.events.flatMap((event) => event.type === 'checkpoint' ? [event.step] : [])).toEqual([2, 4, 4])
  const file = join(where, 'a-file')
  writeFileSync(file, '')
  const other = fineTune(tinyModel(), stripes(), { live: false, ...options, frozenEpochs: 0, epochs: 1, checkpoints: file })
  expect((await other).reason).toBe('finished')
  expect(other.events.filter((event) => event.type === 'note' && event.text.includes('Cannot write a checkpoint'))).toHaveLength(1)
})

test('one changed byte anywhere, a missing file, an empty one: the checkpoint before is used, and the damaged one goes', async () => {
  const where = folder()
  await stopAfter(9, where)
  const newest = readdirSync(where).sort().at(-1)!
  const record = readFileSync(join(where, newest, 'run.json'), 'utf8')
  const damages: [file: string, content: (bytes: Buffer) => Buffer][] = [
    ['tensors.safetensors', (bytes) => { bytes[bytes.length - 3]! ^= 1; return bytes }],
    ['tensors.safetensors', (bytes) => { bytes[20]! ^= 1; return bytes }],
    ['run.json', () => Buffer.from(record.replace(/"step":(\d)/, (_all, digit: string) => `"step":${(Number(digit) + 1) % 10}`))],
    ['run.json', () => Buffer.alloc(0)],
  ]
  for (const [file, damage] of damages) {
    const copy = folder()
    cpSync(where, copy, { recursive: true })
    const path = join(copy, newest, file)
    writeFileSync(path, damage(readFileSync(path)))
    const run = fineTune(tinyModel(), stripes(), { live: false, ...options, resume: copy })
    expect((await run).reason).toBe('finished')
    expect(run.events.some((event) => event.type === 'note' && event.text.includes(newest) && event.text.includes('damaged'))).toBe(true)
    expect(readdirSync(copy)).not.toContain(newest)
  }
})

test('a lowered rate is part of what is resumed', async () => {
  const lowered = async (stopAt: number | undefined, where: string) => {
    const model = tinyModel(), run = fineTune(model, stripes(), { live: false, ...options, frozenEpochs: 0, checkpoints: where })
    for await (const event of run) {
      if (event.type === 'epoch' && event.epoch === 1) run.lowerRate()
      if (event.type === 'epoch' && event.epoch === stopAt) run.stop()
    }
    await run
    return model
  }
  const straight = await lowered(undefined, folder()), where = folder()
  await lowered(2, where)
  const model = tinyModel(), run = fineTune(model, stripes(), { live: false, ...options, frozenEpochs: 0, resume: where })
  await run
  expect(valuesOf(model)).toEqual(valuesOf(straight))
})
