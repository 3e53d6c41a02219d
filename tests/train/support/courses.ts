// Courses of training of known kind, drawn from a seed: what a network truly does, then what one measures of it. Knows nothing of the judge:
// a kind is defined by the true course, before any noise.
import type { EpochRecord, VerdictKind } from '../../../lib/train/index.js'

export interface Course {
  kind: VerdictKind
  epochs: EpochRecord[]
  rows: number
  validationRows: number
  classes: number
  /** First epoch whose true validation loss is above the lowest. */
  onset?: number
}

export const kinds: readonly VerdictKind[] = ['still learning', 'good fit', 'overfitting', 'underfitting', 'unstable', 'leaking', 'too little data']

interface Draw {
  between(low: number, high: number): number
  whole(low: number, high: number): number
  one<T>(list: readonly T[]): T
  normal(): number
  chance(p: number): boolean
}

/** mulberry32. */
function draws(seed: number): Draw {
  let state = (seed * 2654435761) >>> 0
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const between = (low: number, high: number) => low + (high - low) * uniform()
  return {
    between,
    whole: (low, high) => Math.floor(between(low, high + 1)),
    one: (list) => list[Math.floor(uniform() * list.length)]!,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    chance: (p) => uniform() < p,
  }
}

type Curve = (time: number) => number

/** From 1 to 0 (nearly) over `length`: exponential, a power law, or the S of one-cycle. */
function descent(d: Draw, length: number): Curve {
  const shape = d.one(['exponential', 'power', 's'] as const)
  if (shape === 'exponential') return (t) => Math.exp(-4 * t / length)
  if (shape === 'power') { const bend = length / d.between(12, 20); return (t) => (1 + t / bend) ** -1.4 }
  const middle = 0.35 * length, width = length / d.between(8, 12)
  return (t) => 1 / (1 + Math.exp((t - middle) / width))
}

interface Truth { train: Curve; validation: Curve; /** Share of validation rows that are right. */ accuracy: Curve; onset?: number; /** Measured training loss over its true value, epoch by epoch. */ disturb?: (epoch: number) => number }

/** Accuracy that belongs to a loss, for a network that is as sure as it is right. */
const rightAt = (loss: number, classes: number) => 1 / classes + (1 - 1 / classes) * Math.max(0, 1 - loss / Math.log(classes)) ** 0.8

function truthOf(kind: VerdictKind, d: Draw, n: number, classes: number): Truth {
  const guess = Math.log(classes)
  const floor = guess * d.between(0.04, 0.35), gap = d.between(1.02, 1.6)
  const plain = (train: Curve, validation: Curve): Truth => ({ train, validation, accuracy: (t) => rightAt(validation(t), classes) })
  switch (kind) {
    case 'good fit': {
      const fall = descent(d, d.between(0.3, 0.6) * n)
      return plain((t) => floor + (guess - floor) * fall(t), (t) => floor * gap + (guess - floor * gap) * fall(t))
    }
    case 'still learning': {
      // by the end it has gone 50 to 85 % of the way, at a steady pace
      const share = d.between(0.5, 0.85), rate = -Math.log(1 - share) / n, level = floor * 0.4
      const fall = d.chance(0.5) ? (t: number) => Math.exp(-rate * t) : (t: number) => 1 - share * t / n
      return plain((t) => level + (guess - level) * fall(t), (t) => level * gap + (guess - level * gap) * fall(t) * (1 + 0.05 * (gap - 1)))
    }
    case 'overfitting': {
      const onset = d.between(0.25, 0.7) * n, low = guess * d.between(0.15, 0.6), power = d.one([1, 1, 1.5, 0.7]), rise = low * d.between(0.25, 1.5)
      const fall = descent(d, onset), memory = descent(d, d.between(0.9, 1.4) * n)
      const validation = (t: number) => low + (guess - low) * fall(t) + (t > onset ? rise * ((t - onset) / (n - onset)) ** power : 0)
      const lowest = Array.from({ length: n }, (_, e) => validation(e + 1)).reduce((best, value, e, all) => value < all[best]! ? e : best, 0)
      return { train: (t) => 0.02 * guess + 0.98 * guess * memory(t), validation, accuracy: (t) => rightAt(Math.max(low, low + (guess - low) * fall(t)), classes) - 0.02 * Math.max(0, t - onset) / n, onset: lowest + 2 }
    }
    case 'underfitting': {
      const level = guess * d.between(0.75, 0.97), fall = descent(d, d.between(0.15, 0.5) * n), start = guess * d.between(1, 1.3)
      const slight = d.between(1, 1.04)
      return plain((t) => level + (start - level) * fall(t), (t) => slight * level + (start - level) * fall(t))
    }
    case 'unstable': {
      const fall = descent(d, 0.5 * n), mode = d.one(['swings', 'spikes', 'climbs'] as const), floor = guess * d.between(0.15, 0.4), depth = d.between(0.5, 1.2), from = d.between(0.3, 0.6) * n
      const base = (t: number) => floor + (guess - floor) * fall(t)
      const disturb = (e: number) => mode === 'swings' ? Math.exp(depth * (e % 2 ? 0.7 : -0.4) * (1 + 0.3 * d.normal())) : mode === 'spikes' ? (d.chance(0.3) ? 1 + d.between(1.5, 5) : 1) : e > from ? 1 + (e - from) * d.between(0.2, 0.9) : 1
      return { ...plain(base, (t) => base(t) * gap), disturb }
    }
    case 'leaking': {
      // contaminated weights know validation from the start; copies under strong augmentation are learned long before the rest
      const known = d.chance(0.5), level = guess * d.between(0.25, 0.7), fall = descent(d, d.between(0.5, 1) * n), quick = descent(d, d.between(0.1, 0.3) * n)
      const leaked = level * d.between(0.05, 0.35)
      return plain((t) => level + (guess - level) * fall(t), (t) => known ? leaked * (1 + 0.5 * fall(t)) : leaked + (guess - leaked) * quick(t))
    }
    case 'too little data': return truthOf(d.one(['good fit', 'still learning', 'overfitting', 'underfitting'] as const), d, n, classes)
  }
}

/** @param seed the same seed gives the same course */
export function courseOf(kind: VerdictKind, seed: number): Course {
  const d = draws(seed * 31 + kinds.indexOf(kind) + 1)
  const few = kind === 'too little data', short = few && d.chance(0.4)
  const n = short ? d.whole(1, 2) : d.whole(7, 40), classes = d.one([2, 2, 3, 5, 10])
  const validationRows = few && !short ? d.whole(2, 15) : Math.round(Math.exp(d.between(Math.log(60), Math.log(3000))))
  const truth = truthOf(kind, d, n, classes)
  // Both are measured: training along the way, under dropout and augmentation; validation at the end, on few rows, neighbouring epochs alike.
  const inflation = kind === 'leaking' || kind === 'unstable' ? 1 : d.between(1, 1.25), jitter = Math.exp(d.between(Math.log(0.005), Math.log(0.06)))
  const sampling = Math.hypot(d.between(0.1, 0.4) / Math.sqrt(validationRows), jitter * d.between(0.5, 1.5)), bias = 1 + d.normal() * 0.5 / Math.sqrt(validationRows), memory = d.between(0, 0.4)
  let drift = 0
  const epochs = Array.from({ length: n }, (_, e): EpochRecord => {
    drift = memory * drift + d.normal() * sampling
    const along = [0.125, 0.375, 0.625, 0.875].reduce((sum, part) => sum + truth.train(e + part), 0) / 4
    const train = along * inflation * (1 + jitter * d.normal()) * (truth.disturb?.(e + 1) ?? 1), swing = truth.disturb ? 1 + 0.5 * Math.abs(d.normal()) : 1
    const validation = Math.max(1e-4, truth.validation(e + 1) * bias * (1 + drift) * swing)
    const right = Math.min(1, Math.max(0, truth.accuracy(e + 1)))
    const counted = Math.round(Math.min(1, Math.max(0, right + d.normal() * Math.sqrt(right * (1 - right) / validationRows) * 0.3)) * validationRows) / validationRows
    return { epoch: e + 1, train: { loss: train, accuracy: Math.min(1, rightAt(Math.min(train, Math.log(classes)), classes)) }, validation: { loss: validation, accuracy: counted } }
  })
  return { kind, epochs, rows: d.whole(100, 5000), validationRows, classes, ...(truth.onset === undefined ? {} : { onset: truth.onset }) }
}
