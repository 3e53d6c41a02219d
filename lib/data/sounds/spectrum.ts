// Power spectra of overlapping frames: Hann window, centred frames with reflected edges, as librosa, torch.stft and transformers do it.
import { DataError } from '../errors.js'

/** Numbers of a transform in work: input read with a stride, output written in place. Nothing is allocated per frame. */
class Transform {
  readonly re: Float64Array
  readonly im: Float64Array
  readonly #turns: Turns[] = []
  constructor(readonly size: number) {
    this.re = new Float64Array(size)
    this.im = new Float64Array(size)
  }

  /** Discrete Fourier transform of real samples into `re` and `im`. */
  run(samples: Float64Array): void { this.#part(samples, 0, 1, this.size, 0) }

  /** Cooley–Tukey: halves while even, a plain sum for the odd rest. */
  #part(samples: Float64Array, from: number, stride: number, n: number, to: number): void {
    const { re, im } = this
    if (n === 1) {
      re[to] = samples[from]!
      im[to] = 0
      return
    }
    if (n === 2) {
      re[to] = samples[from]! + samples[from + stride]!
      re[to + 1] = samples[from]! - samples[from + stride]!
      im[to] = im[to + 1] = 0
      return
    }
    const { cos, sin } = this.#turns[n] ??= turns(n)
    if (n % 2 === 0) {
      const half = n / 2
      this.#part(samples, from, stride * 2, half, to)
      this.#part(samples, from + stride, stride * 2, half, to + half)
      for (let k = to, j = 0; j < half; k++, j++) {
        const or = re[k + half]!, oi = im[k + half]!
        const tr = cos[j]! * or + sin[j]! * oi, ti = cos[j]! * oi - sin[j]! * or
        re[k + half] = re[k]! - tr
        im[k + half] = im[k]! - ti
        re[k]! += tr
        im[k]! += ti
      }
    } else {
      for (let k = 0; k < n; k++) {
        let sr = 0, si = 0
        for (let i = 0, turn = 0, at = from; i < n; i++, at += stride, turn = (turn + k) % n) {
          sr += samples[at]! * cos[turn]!
          si -= samples[at]! * sin[turn]!
        }
        re[to + k] = sr
        im[to + k] = si
      }
    }
  }
}

interface Turns { cos: Float64Array; sin: Float64Array }

const turns = (n: number): Turns => ({ cos: Float64Array.from({ length: n }, (_, k) => Math.cos((2 * Math.PI * k) / n)), sin: Float64Array.from({ length: n }, (_, k) => Math.sin((2 * Math.PI * k) / n)) })

const transforms = new Map<number, Transform>()

function transformOf(size: number): Transform {
  const transform = transforms.get(size) ?? new Transform(size)
  transforms.set(size, transform)
  return transform
}

/** Periodic Hann window of `length`, in the middle of `size` samples. */
function hann(length: number, size: number): Float64Array {
  const window = new Float64Array(size), start = Math.floor((size - length) / 2)
  for (let i = 0; i < length; i++) window[start + i] = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length)
  return window
}

export interface Spectrum { /** `[frames, bins]` */ power: Float64Array; frames: number; bins: number }

/** |STFT|² in 1 + ⌊length / hop⌋ frames of fft / 2 + 1 bins. All lengths in samples. */
export function powerSpectrum(samples: Float32Array, fft: number, windowLength: number, hop: number): Spectrum {
  for (const [name, value] of Object.entries({ fft, window: windowLength, hop })) if (!Number.isInteger(value) || value < 1) throw new DataError(`Cannot compute a spectrum: ${name} must be a whole number of samples, got ${value}.`)
  if (windowLength > fft) throw new DataError(`Cannot compute a spectrum: the window (${windowLength}) must not be longer than fft (${fft}).`)
  const pad = Math.floor(fft / 2)
  if (samples.length <= pad) throw new DataError(`Cannot compute a spectrum: ${samples.length} samples are too few for frames of ${fft}; at least ${pad + 1} are needed. Use a smaller fft or longer recordings.`)
  const bins = Math.floor(fft / 2) + 1, frames = 1 + Math.floor(samples.length / hop)
  const window = hann(windowLength, fft), power = new Float64Array(frames * bins)
  const padded = new Float64Array(samples.length + 2 * pad)
  for (let i = 0; i < padded.length; i++) {
    const at = Math.abs(i - pad)
    padded[i] = samples[at < samples.length ? at : 2 * samples.length - 2 - at] ?? 0
  }
  const frameSamples = new Float64Array(fft), transform = transformOf(fft), { re, im } = transform
  for (let frame = 0; frame < frames; frame++) {
    for (let i = 0, at = frame * hop; i < fft; i++, at++) frameSamples[i] = window[i]! * padded[at]!
    transform.run(frameSamples)
    for (let bin = 0, at = frame * bins; bin < bins; bin++, at++) power[at] = re[bin]! * re[bin]! + im[bin]! * im[bin]!
  }
  return { power, frames, bins }
}
