// Tree-structured Parzen estimators (Bergstra et al. 2011): look where good trials were dense and bad ones were not.
import { isChoice, pointOf, type Space, type Value } from './space.js'

/** Candidates drawn from the good trials' density, of which the best is taken. */
const candidates = 24
/** The best tenth counts as good, 25 trials at most (Optuna's rule). */
const goodShare = 0.1, mostGood = 25

export interface Tried { params: Readonly<Record<string, Value>>; /** Lower is better. */ loss: number }

/** Gaussians around the known points, each as wide as the way to its neighbours, and one over everything. */
function parzen(points: readonly number[]): { mean: number; width: number }[] {
  const sorted = [0.5, ...points].sort((a, b) => a - b), narrowest = 1 / Math.min(100, sorted.length + 1)
  let prior = true
  return sorted.map((mean, i) => {
    if (mean === 0.5 && prior) { prior = false; return { mean, width: 1 } }
    const left = i > 0 ? mean - sorted[i - 1]! : mean, right = i < sorted.length - 1 ? sorted[i + 1]! - mean : 1 - mean
    return { mean, width: Math.min(1, Math.max(narrowest, left, right)) }
  })
}

/** Abramowitz & Stegun 7.1.26 for the normal distribution; error below 1.5e-7. */
function below(z: number): number {
  const x = Math.abs(z) / Math.SQRT2, t = 1 / (1 + 0.3275911 * x)
  const erf = 1 - (((((1.061405429 * t - 1.453152027) * t) + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-x * x)
  return z < 0 ? (1 - erf) / 2 : (1 + erf) / 2
}

/** Of Gaussians cut off outside of 0..1. */
function logDensity(x: number, mixture: readonly { mean: number; width: number }[]): number {
  const density = mixture.reduce((sum, { mean, width }) => sum + Math.exp(-0.5 * ((x - mean) / width) ** 2) / (width * Math.max(1e-12, below((1 - mean) / width) - below(-mean / width))), 0)
  return Math.log(density / mixture.length + 1e-300)
}

function draw(mixture: readonly { mean: number; width: number }[], random: () => number): number {
  const { mean, width } = mixture[Math.floor(random() * mixture.length)]!
  for (let i = 0; i < 100; i++) {
    const x = mean + width * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    if (x >= 0 && x < 1) return x
  }
  return random()
}

/** The next point in the unit cube. */
export function suggestTPE(space: Space, tried: readonly Tried[], random: () => number): number[] {
  const sorted = [...tried].sort((a, b) => a.loss - b.loss), count = Math.min(mostGood, Math.ceil(goodShare * sorted.length))
  const good = sorted.slice(0, count).map(({ params }) => pointOf(space, params)), bad = sorted.slice(count).map(({ params }) => pointOf(space, params))
  return Object.values(space).map((dimension, d) => {
    const column = (points: readonly number[][]) => points.map((point) => point[d]!)
    if (isChoice(dimension)) {
      const weigh = (units: readonly number[]) => {
        const counts = dimension.map(() => 1)
        for (const unit of units) counts[Math.min(dimension.length - 1, Math.floor(unit * dimension.length))]!++
        return counts.map((one) => one / (units.length + dimension.length))
      }
      const l = weigh(column(good)), g = weigh(column(bad))
      const pick = () => { let at = random(); return Math.max(0, l.findIndex((share) => (at -= share) < 0)) }
      const best = Array.from({ length: candidates }, pick).reduce((a, b) => l[b]! / g[b]! > l[a]! / g[a]! ? b : a)
      return (best + 0.5) / dimension.length
    }
    const l = parzen(column(good)), g = parzen(column(bad))
    const promise = (x: number) => logDensity(x, l) - logDensity(x, g)
    return Array.from({ length: candidates }, () => draw(l, random)).reduce((a, b) => promise(b) > promise(a) ? b : a)
  })
}
