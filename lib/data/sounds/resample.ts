// Another sample rate: band-limited interpolation with a Hann-windowed sinc (Smith, "Digital Audio Resampling"; torchaudio's defaults).

const zeroCrossings = 6, rolloff = 0.99

const gcd = (a: number, b: number): number => b === 0 ? a : gcd(b, a % b)

/** Samples at `to` Hz; their number is ⌈length · to / from⌉. */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return samples
  const divisor = gcd(from, to), down = from / divisor, up = to / divisor
  const cutoff = Math.min(down, up) * rolloff, reach = Math.ceil((zeroCrossings * down) / cutoff)
  const taps = 2 * reach + down
  // one filter for each of the `up` phases of the output
  const filters = Array.from({ length: up }, (_, phase) => Float64Array.from({ length: taps }, (_, k) => {
    const t = Math.max(-zeroCrossings, Math.min(zeroCrossings, (-phase / up + (k - reach) / down) * cutoff))
    const window = Math.cos((t * Math.PI) / zeroCrossings / 2) ** 2
    return (t === 0 ? 1 : Math.sin(t * Math.PI) / (t * Math.PI)) * window * (cutoff / down)
  }))
  const out = new Float32Array(Math.ceil((samples.length * up) / down))
  for (let i = 0; i < out.length; i++) {
    const filter = filters[i % up]!, first = Math.floor(i / up) * down - reach
    let sum = 0
    for (let k = Math.max(0, -first), end = Math.min(taps, samples.length - first); k < end; k++) sum += filter[k]! * samples[first + k]!
    out[i] = sum
  }
  return out
}
