// Mel bands, their logarithm and cosine transform (MFCC), equal to transformers' audio_utils and so to librosa. Frames come from spectrum.ts.
import type { LogMelFeatures } from '../types.js'
import { powerSpectrum } from './spectrum.js'

const scales = {
  /** O'Shaughnessy 1987, as HTK has it. */
  htk: { toMel: (hz: number) => 2595 * Math.log10(1 + hz / 700), toHz: (mel: number) => 700 * (10 ** (mel / 2595) - 1) },
  /** Slaney's Auditory Toolbox: linear below 1 kHz, logarithmic above. */
  slaney: {
    toMel: (hz: number) => hz < 1000 ? (3 * hz) / 200 : 15 + (27 / Math.log(6.4)) * Math.log(hz / 1000),
    toHz: (mel: number) => mel < 15 ? (200 * mel) / 3 : 1000 * Math.exp((Math.log(6.4) / 27) * (mel - 15)),
  },
}

/** Triangular filters `[bins, bands]`; Slaney's have the same area each. */
export function melFilters(rate: number, f: LogMelFeatures): Float64Array {
  const bins = Math.floor(f.fft / 2) + 1, scale = f.scale ?? 'htk', { toMel, toHz } = scales[scale]
  const low = toMel(f.lowest ?? 0), high = toMel(f.highest ?? rate / 2)
  const edges = Array.from({ length: f.bands + 2 }, (_, i) => toHz(low + ((high - low) * i) / (f.bands + 1)))
  const filters = new Float64Array(bins * f.bands)
  for (let bin = 0; bin < bins; bin++) {
    const hz = (bin * (rate / 2)) / (bins - 1)
    for (let band = 0; band < f.bands; band++) {
      const [left, centre, right] = [edges[band]!, edges[band + 1]!, edges[band + 2]!]
      const height = Math.max(0, Math.min((hz - left) / (centre - left), (right - hz) / (right - centre)))
      filters[bin * f.bands + band] = scale === 'slaney' ? (height * 2) / (right - left) : height
    }
  }
  return filters
}

/** A band's filter without its zeros. */
interface Band { first: number; weights: Float64Array }

const bandsOf = new Map<string, Band[]>()

function knownBands(rate: number, f: LogMelFeatures): Band[] {
  const key = JSON.stringify([rate, f.fft, f.bands, f.lowest, f.highest, f.scale])
  const known = bandsOf.get(key)
  if (known) return known
  const filters = melFilters(rate, f), bins = filters.length / f.bands
  const bands = Array.from({ length: f.bands }, (_, band): Band => {
    const column = Array.from({ length: bins }, (_, bin) => filters[bin * f.bands + band]!)
    const first = Math.max(0, column.findIndex((weight) => weight > 0))
    return { first, weights: Float64Array.from(column.slice(first, column.findLastIndex((weight) => weight > 0) + 1)) }
  })
  bandsOf.set(key, bands)
  return bands
}

export interface Features { /** `[frames, width]` */ data: Float32Array; frames: number; width: number }

/** Log-mel bands or MFCC, frame by frame. */
export function logMel(samples: Float32Array, rate: number, f: LogMelFeatures): Features {
  const filters = knownBands(rate, f)
  const { power, frames, bins } = powerSpectrum(samples, f.fft, f.window, f.hop)
  const floor = f.floor ?? 1e-10, compress = { log: Math.log, log10: Math.log10, dB: (v: number) => 10 * Math.log10(v), none: (v: number) => v }[f.compression ?? 'log']
  const bands = new Float64Array(frames * f.bands)
  for (let frame = 0; frame < frames; frame++) {
    for (let band = 0; band < f.bands; band++) {
      const { first, weights } = filters[band]!
      let sum = 0
      for (let k = 0, at = frame * bins + first; k < weights.length; k++, at++) sum += power[at]! * weights[k]!
      bands[frame * f.bands + band] = compress(Math.max(floor, sum))
    }
  }
  const width = f.type === 'mfcc' ? Math.min(f.coefficients ?? 13, f.bands) : f.bands
  const values = f.type === 'mfcc' ? cosineTransform(bands, frames, f.bands, width) : bands
  const mean = f.mean ?? 0, std = f.std ?? 1
  return { data: Float32Array.from(values, (value) => (value - mean) / std), frames, width }
}

/** Orthonormal DCT-II of every frame, the first `kept` coefficients. */
function cosineTransform(bands: Float64Array, frames: number, count: number, kept: number): Float64Array {
  const out = new Float64Array(frames * kept)
  const basis = Float64Array.from({ length: kept * count }, (_, i) => Math.cos((Math.PI * Math.floor(i / count) * (2 * (i % count) + 1)) / (2 * count)) * Math.sqrt((i < count ? 1 : 2) / count))
  for (let frame = 0; frame < frames; frame++) for (let k = 0; k < kept; k++) {
    let sum = 0
    for (let band = 0; band < count; band++) sum += bands[frame * count + band]! * basis[k * count + band]!
    out[frame * kept + k] = sum
  }
  return out
}
