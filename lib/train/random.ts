// Seeded random numbers for decisions made in JavaScript (bootstrap, search). Tensors get theirs from the engine's stateless ops.

/** Numbers in [0, 1): sfc32 seeded by (seed, stream); the same on every machine. */
export function randomNumbers(seed: number, stream = 0): () => number {
  let a = seed | 0, b = stream | 0, c = Math.floor(seed / 2 ** 32) ^ 0x9e3779b9, d = 1
  const next = () => {
    const t = (a + b | 0) + d | 0
    d = d + 1 | 0
    a = b ^ b >>> 9
    b = c + (c << 3) | 0
    c = (c << 21 | c >>> 11) + t | 0
    return (t >>> 0) / 2 ** 32
  }
  for (let i = 0; i < 15; i++) next()
  return next
}

/** Standard normal numbers (Box & Muller 1958). */
export function normalNumbers(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
