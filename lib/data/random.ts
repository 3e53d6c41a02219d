// Seeded randomness: hashes of keys and streams of numbers. Everything random in this room comes from here and is the same on every machine.

/** Taken out of the global once: hashing calls it millions of times. */
const { imul } = Math

/** MurmurHash3 (Appleby), 32 bits, over UTF-16 units. */
export function hash32(text: string, seed = 0): number {
  let h = seed | 0
  for (let i = 0; i < text.length; i++) {
    let k = imul(text.charCodeAt(i), 0xcc9e2d51)
    k = imul((k << 15) | (k >>> 17), 0x1b873593)
    h ^= k
    h = imul((h << 13) | (h >>> 19), 5) + 0xe6546b64 | 0
  }
  return mix(h ^ text.length)
}

/** MurmurHash3's last step: every bit of the result depends on every bit given. */
export function mix(h: number): number {
  h = imul(h ^ (h >>> 16), 0x85ebca6b)
  h = imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** A number in [0, 1) that depends on the seed and the key alone. */
export const unitHash = (seed: number, key: string): number =>
  (hash32(key, mix(seed ^ 0x9e3779b9)) * 2097152 + (hash32(key, mix(seed + 0x7f4a7c15)) >>> 11)) / 9007199254740992

/** Uniform numbers in [0, 1). */
export type Random = () => number

/** A stream of its own for every combination of keys (sfc32, seeded by mixing the keys). */
export function randomStream(...keys: number[]): Random {
  let a = 0x9e3779b9, b = 0x243f6a88, c = 0xb7e15162, counter = 1
  for (const key of keys) {
    a = mix(a ^ Math.trunc(key))
    b = mix(b + a + Math.trunc(key / 4294967296))
    c = mix(c ^ b)
  }
  const next = () => {
    const t = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t | 0
    return (t >>> 0) / 4294967296
  }
  for (let i = 0; i < 12; i++) next()
  return next
}

/** The numbers 0..n−1 in random order (Fisher–Yates). */
export function permutation(n: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const kept = order[i]!
    order[i] = order[j]!
    order[j] = kept
  }
  return order
}

/** A normal number (Box–Muller). */
export const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())

/** Gamma(shape, 1) by Marsaglia and Tsang 2000; below 1 by their boost. */
function gamma(shape: number, random: Random): number {
  if (shape < 1) return gamma(shape + 1, random) * (1 - random()) ** (1 / shape)
  const d = shape - 1 / 3, c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = normal(random), v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}

/** Beta(α, α), as mixup draws it. */
export function symmetricBeta(alpha: number, random: Random): number {
  const a = gamma(alpha, random), b = gamma(alpha, random)
  return a + b === 0 ? 0.5 : a / (a + b)
}
