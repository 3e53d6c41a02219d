// The verdict on generated curves of known kind: noise, length, speed and level are drawn at random.
import { expect, test } from '@jest/globals'
import { judge, randomNumbers, type EpochRecord, type VerdictKind } from '../../lib/train/index.js'
import { normalNumbers } from '../../lib/train/random.js'
import { courseOf, kinds as known } from './support/courses.js'

interface Curve { kind: VerdictKind; epochs: EpochRecord[]; rows: number; onset?: number }

function generate(kind: VerdictKind, seed: number): Curve {
  const random = randomNumbers(seed, 17), normal = normalNumbers(random)
  const between = (low: number, high: number) => low + (high - low) * random()
  const classes = 3, chance = Math.log(classes)
  const n = kind === 'too little data' && random() < 0.5 ? 1 + Math.floor(random() * 2) : Math.round(between(6, 30))
  const rows = kind === 'too little data' && n > 2 ? 4 + Math.floor(random() * 12) : Math.round(between(40, 400))
  const noise = between(0.005, 0.03), speed = between(0.08, 0.2) * n, floor = between(0.05, 0.3), gap = between(1.05, 1.5)
  const onset = Math.round(between(0.3, 0.65) * n)
  const slope = between(0.5, 2)
  const epochs = Array.from({ length: n }, (_, e): EpochRecord => {
    let train = floor + (chance - floor) * Math.exp(-(e + 1) / speed), validation = floor * gap + (chance - floor) * Math.exp(-(e + 1) / speed)
    if (kind === 'still learning') { train = floor + (chance - floor) * Math.exp(-(e + 1) / (0.9 * n)); validation = train * gap }
    if (kind === 'overfitting') {
      train = 0.02 + chance * Math.exp(-(e + 1) / (0.3 * n))
      validation = 0.3 + (chance - 0.3) * Math.exp(-(e + 1) / (0.18 * n)) + (e > onset ? slope * (e - onset) / n : 0)
    }
    if (kind === 'underfitting') { train = chance * (0.82 + 0.17 * Math.exp(-(e + 1) / 2)); validation = train * between(1, 1.03) }
    if (kind === 'unstable') { train = chance * (0.5 + 1.5 * random() ** 2); validation = train * between(0.9, 1.4) }
    if (kind === 'leaking') validation = train * between(0.2, 0.35)
    const accuracy = (loss: number) => Math.max(0.34, Math.min(1, 1 - loss / chance * 0.66))
    const noisy = (value: number) => Math.max(0.001, value * (1 + noise * normal()))
    const t = noisy(train), v = noisy(validation)
    return { epoch: e + 1, train: { loss: t, accuracy: accuracy(t) - (kind === 'leaking' ? 0.08 : 0) }, validation: { loss: v, accuracy: kind === 'leaking' ? Math.max(0.95, accuracy(v)) : accuracy(v) } }
  })
  return { kind, epochs, rows, ...(kind === 'overfitting' ? { onset: onset + 2 } : {}) }
}

const kinds: VerdictKind[] = ['still learning', 'good fit', 'overfitting', 'underfitting', 'unstable', 'leaking', 'too little data']

test('at least nine of ten curves of each kind are recognized', () => {
  const table: Record<string, Record<string, number>> = {}
  let onsetsInside = 0, onsets = 0
  for (const kind of kinds) {
    table[kind] = {}
    for (let seed = 0; seed < 40; seed++) {
      const { epochs, rows, onset } = generate(kind, seed)
      const verdict = judge(epochs, { rows: 300, validationRows: rows, classes: 3, metric: 'accuracy', planned: epochs.length })
      table[kind]![verdict.verdict] = (table[kind]![verdict.verdict] ?? 0) + 1
      expect(verdict.evidence.length).toBeGreaterThan(20)
      expect(verdict.remedies.length).toBeGreaterThan(0)
      if (verdict.verdict === 'overfitting' && onset !== undefined) {
        onsets++
        if (Math.abs(verdict.onsetEpoch! - onset) <= 2 || (verdict.interval![0] <= onset && onset <= verdict.interval![1])) onsetsInside++
      }
    }
  }
  const right = kinds.map((kind) => (table[kind]![kind] ?? 0) / 40)
  if (process.env['AFINAR_SHOW']) console.table(table)
  expect(Object.fromEntries(kinds.map((kind, i) => [kind, right[i]! >= 0.9 ? 'ok' : table[kind]]))).toEqual(Object.fromEntries(kinds.map((kind) => [kind, 'ok'])))
  expect(onsetsInside / onsets).toBeGreaterThan(0.85)
})

test('one epoch tells nothing, and a loss that is no number is unstable', () => {
  const context = { rows: 100, validationRows: 50, classes: 2, metric: 'accuracy', planned: 5 }
  expect(judge([{ epoch: 1, train: { loss: 1 }, validation: { loss: 1 } }], context).verdict).toBe('too little data')
  expect(judge([1, 2, 3].map((epoch) => ({ epoch, train: { loss: epoch === 2 ? NaN : 1 }, validation: { loss: 1 } })), context).verdict).toBe('unstable')
})

test('of 350 courses drawn without knowing the judge, nine of ten of each kind are recognized, and the interval holds the true onset', () => {
  const wrong: Record<string, string[]> = {}
  let inside = 0, found = 0
  for (const kind of known) {
    wrong[kind] = []
    for (let seed = 2000; seed < 2050; seed++) {
      const { epochs, rows, validationRows, classes, onset } = courseOf(kind, seed)
      const { verdict, interval, onsetEpoch } = judge(epochs, { rows, validationRows, classes, metric: 'accuracy', planned: epochs.length })
      if (verdict !== kind) wrong[kind]!.push(`${seed} ${verdict}`)
      if (verdict !== 'overfitting' || kind !== verdict) continue
      found++
      expect(interval![0]).toBeLessThanOrEqual(onsetEpoch!)
      expect(interval![1]).toBeGreaterThanOrEqual(onsetEpoch!)
      if (interval![0] <= onset! && onset! <= interval![1]) inside++
    }
  }
  expect(Object.entries(wrong).filter(([, list]) => list.length > 5)).toEqual([])
  expect(inside / found).toBeGreaterThanOrEqual(0.9)
})

test('remedies begin with what has not been tried, are whole calls, and say how much more data', () => {
  const { epochs } = courseOf('overfitting', 3)
  const context = { rows: 258, validationRows: 80, classes: 3, metric: 'accuracy', planned: epochs.length, learningRate: 1e-3, batchSize: 16, images: true }
  const plain = judge(epochs, context).remedies, augmented = judge(epochs, { ...context, augmented: true }).remedies
  const at = (remedies: typeof plain, word: string) => remedies.findIndex(({ text, code }) => `${text} ${code ?? ''}`.includes(word))
  expect(at(plain, 'augment:')).toBeLessThan(at(plain, 'More data'))
  expect(at(augmented, 'augment:')).toBeGreaterThan(at(augmented, 'More data'))
  expect(augmented.find(({ text }) => text.startsWith('More data'))!.text).toMatch(/260 more training rows would lower the validation loss from [\d.]+ to about [\d.]+/)
  for (const kind of known) for (const { code } of judge(courseOf(kind, 3).epochs, context).remedies) if (code) expect(() => new Function(`return async () => { ${code.replace(/^const /gm, 'var ')} }`)).not.toThrow()
  expect(judge([], { ...context, trouble: { step: 7, why: 'the loss is NaN in step 7' } })).toMatchObject({ verdict: 'unstable', evidence: expect.stringContaining('step 7') })
})

test('a head that was computed is judged by what its features tell, not by a course that it does not have', () => {
  const context = { rows: 258, validationRows: 65, classes: 3, metric: 'accuracy', planned: 1, headOnly: true, fitted: true }
  const one = (train: number, validation: number) => judge([{ epoch: 1, train: { loss: train, accuracy: 1 }, validation: { loss: validation, accuracy: 0.8 } }], context)
  expect(one(0.05, 0.83)).toMatchObject({ verdict: 'good fit', evidence: expect.stringContaining('no course to judge'), remedies: [{ code: 'fineTune(model, data)' }, { code: 'await result.evaluate(data.test)' }] })
  expect(one(1.02, 1.08)).toMatchObject({ verdict: 'underfitting', evidence: expect.stringContaining('hardly tell the classes apart') })
  expect(one(0.057, 2.01)).toMatchObject({ verdict: 'too little data', evidence: expect.stringContaining('knows its training rows') })
  expect(judge([{ epoch: 1, train: { loss: 1, accuracy: 1 } }], { ...context, validationRows: 0 }).verdict).toBe('too little data')
})

test('only a network of pictures is advised to begin from weights of pictures', () => {
  const epochs = Array.from({ length: 20 }, (_, e) => ({ epoch: e + 1, train: { loss: Math.exp(-e / 5), accuracy: 0.9 }, validation: { loss: 0.5 + (e < 6 ? 0.5 * Math.exp(-e / 2) : 0.06 * (e - 6)), accuracy: 0.8 } }))
  const advice = (images: boolean) => judge(epochs, { rows: 500, validationRows: 100, classes: 2, metric: 'accuracy', planned: 20, scratch: true, images }).remedies.map(({ code }) => code).join('\n')
  expect(advice(true)).toContain('efficientnet')
  expect(advice(false)).not.toContain('efficientnet')
  expect(advice(false)).toContain('rankModels')
})

test('what is said of the weights of an overfitted run depends on which were kept', () => {
  const epochs = Array.from({ length: 12 }, (_, e): EpochRecord => ({ epoch: e + 1, train: { loss: Math.exp(-e / 4) }, validation: { loss: 0.5 + Math.abs(e - 3) / 10 } }))
  const first = (keptLast: boolean) => judge(epochs, { rows: 5000, validationRows: 500, classes: 0, metric: 'rmse', planned: 12, keptLast }).remedies[0]
  expect(first(false)!.text).toMatch(/^Nothing is lost: the weights of epoch 4/)
  expect(first(true)).toMatchObject({ text: expect.stringMatching(/last epoch were kept, those of epoch 4 were better/), code: expect.stringContaining('restoreBest: true') })
})
