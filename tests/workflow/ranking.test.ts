// rankModels: what fits and what not, the order with its uncertainty, and what was measured.
import { join } from 'node:path'
import { mkdtempSync } from 'node:fs'
import os from 'node:os'
import { beforeAll, expect, jest, test } from '@jest/globals'
import { startEngine } from '../../lib/engine/index.js'
import { buildModel } from '../../lib/models/index.js'
import { rankModels } from '../../lib/workflow/index.js'
import { stripes } from './support/stripes.js'

jest.setTimeout(300_000)
beforeAll(() => { startEngine() })

/** A saved model: its features are a candidate's, whatever they are worth. */
async function saved(seed: number): Promise<string> {
  const folder = join(mkdtempSync(join(os.tmpdir(), 'afinar-rank-')), `m${seed}`)
  const model = buildModel('small-cnn', { classes: ['x', 'y'], imageSize: 16, seed, config: { channels: [4, 4] } })
  await model.save(folder)
  model.dispose()
  return folder
}

test('compatible ones by evidence, measured, with the distance to the best; the others last with the reason', async () => {
  const data = stripes({ train: 120, noise: 0.3 }), source = await saved(1)
  const ranked = await rankModels(data, ['no/such/folder', 'scratch:bert', source, 'scratch:small-cnn'], { imageSize: 16, scratchSeconds: 20 })
  expect(ranked.rows.map(({ source: one, compatible }) => [one, compatible]).slice(2)).toEqual([['no/such/folder', false], ['scratch:bert', false]])
  for (const row of ranked.rows.slice(0, 2)) {
    expect(row.seconds).toBeGreaterThan(0)
    expect(row.peakMemory).toBeGreaterThanOrEqual(0)
    expect(row.accuracy).toBeGreaterThan(0.5)
    expect(row.evidence).toBe(row.source.startsWith('scratch:') ? 'short training' : 'linear probe')
    expect(row.standardError).toBeGreaterThan(0) // also where all held-out rows were answered right
    expect(row.behind.interval[0]).toBeLessThanOrEqual(row.behind.difference)
    expect(row.behind.interval[1]).toBeGreaterThanOrEqual(row.behind.difference)
  }
  expect(ranked.rows[0]!.behind).toEqual({ difference: 0, interval: [0, 0] })
  expect(ranked.contenders[0]).toBe(ranked.best)
  expect(ranked.plot().data.length).toBeGreaterThan(0)
  expect(String(ranked)).toMatch(/does not fit: /)
})

test('the same model twice cannot be told apart, and a useless one can be', async () => {
  const data = stripes({ train: 120, noise: 0.1 }), source = await saved(1)
  const twice = await rankModels(data, [source, `file:${source}`], { imageSize: 16 })
  expect(twice.contenders).toEqual([source, `file:${source}`])
  expect(twice.rows[1]!.behind.difference).toBe(0)
  expect(String(twice)).toContain('does not tell the first 2 apart')
})

test('licence and memory decide before anything is computed', async () => {
  const data = stripes({ train: 60 }), source = await saved(2)
  const licence = await rankModels(data, [source], { imageSize: 16, licences: ['MIT', 'Apache-2.0'] })
  expect(licence.rows[0]).toMatchObject({ compatible: false, reason: 'its licence is not said, and accepted are MIT, Apache-2.0' })
  const memory = await rankModels(data, [source], { imageSize: 16, memory: 1000 })
  expect(memory.rows[0]).toMatchObject({ compatible: false, reason: expect.stringMatching(/^training it takes .* even for one row at a time, and there are 1\.0 kB$/) })
  expect(() => memory.best).toThrow('no candidate fits')
})
