// Recordings behind rows: features for batches, lengths, players, fingerprints and faults.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { atMost } from '../atmost.js'
import { DataError, shown } from '../errors.js'
import { escapeHtml } from '../look/html.js'
import { randomStream } from '../random.js'
import type { AssembleRequest, Assembled, Content, Fingerprint } from '../store.js'
import type { AugmentOptions, DataProblem, FindingRow, SoundPreprocessing } from '../types.js'
import { logMel, type Features } from './mel.js'
import { resample } from './resample.js'
import { decodeWav, encodeWav } from './wav.js'

export interface SoundFacts { seconds: number; rate: number; /** Largest absolute sample. */ peak: number }

/** Bytes of features that one data set keeps. */
const keptBytes = 512 * 2 ** 20

export class SoundContent implements Content {
  readonly #limited = atMost(8)
  readonly #broken = new Set<number>()
  #kept = { key: '', bytes: 0, features: new Map<number, Features>() }
  constructor(private readonly folder: string, private readonly files: readonly string[], private readonly facts: readonly SoundFacts[], private readonly problems: DataProblem[]) {}

  async #sound(id: number, rate?: number): Promise<{ samples: Float32Array; rate: number }> {
    const sound = decodeWav(await this.#limited(() => readFile(join(this.folder, this.files[id]!))))
    return rate === undefined ? sound : { samples: resample(sound.samples, sound.rate, rate), rate }
  }

  async #features(id: number, p: SoundPreprocessing): Promise<Features | undefined> {
    const key = JSON.stringify(p)
    if (key !== this.#kept.key) this.#kept = { key, bytes: 0, features: new Map() }
    const known = this.#kept.features.get(id)
    if (known || this.#broken.has(id)) return known
    try {
      const { samples } = await this.#sound(id, p.sampleRate)
      const fixed = new Float32Array(Math.round(p.seconds * p.sampleRate))
      fixed.set(samples.subarray(0, fixed.length))
      const features = p.features.type === 'waveform' ? { data: p.features.normalize ? normalized(fixed, samples.length) : fixed, frames: fixed.length, width: 1 } : logMel(fixed, p.sampleRate, p.features)
      if (this.#kept.key === key && this.#kept.bytes + features.data.byteLength <= keptBytes) {
        this.#kept.features.set(id, features)
        this.#kept.bytes += features.data.byteLength
      }
      return features
    } catch (error) {
      if (error instanceof DataError && /spectrum/.test(error.message)) throw error // the preprocessing is wrong, not the file
      this.#broken.add(id)
      this.problems.push({ file: this.files[id]!, rule: 'unreadable file', detail: (error as Error).message })
      return undefined
    }
  }

  async assemble({ ids, size, preprocessing: p, augment, epoch }: AssembleRequest): Promise<Assembled> {
    if (p.kind !== 'sound') throw new DataError('Cannot prepare recordings: the preprocessing is not for sounds.')
    if (!(p.seconds > 0) || !Number.isFinite(p.seconds) || !Number.isInteger(p.sampleRate) || p.sampleRate < 100) throw new DataError(`Cannot prepare recordings: seconds must be above 0 and sampleRate whole Hz, got ${shown(p.seconds)} and ${shown(p.sampleRate)}.`)
    const all = await Promise.all(Array.from(ids, (id) => this.#features(id, p)))
    const some = all.find((features) => features !== undefined)
    const frames = some?.frames ?? expectedFrames(p), width = some?.width ?? (p.features.type === 'waveform' ? 1 : p.features.type === 'mfcc' ? p.features.coefficients ?? 13 : p.features.bands)
    const data = new Float32Array(size * frames * width)
    const broken: number[] = []
    all.forEach((features, place) => {
      if (!features) { broken.push(place); return }
      const target = data.subarray(place * frames * width, (place + 1) * frames * width)
      target.set(features.data)
      if (augment && p.features.type !== 'waveform') mask(target, frames, width, augment, randomStream(augment.seed ?? 0, epoch, ids[place]!))
    })
    return { inputs: { sounds: { data, shape: p.features.type === 'waveform' ? [size, frames] : [size, frames, width] } }, broken }
  }

  async sizes(ids: Int32Array): Promise<Record<string, number[]>> {
    return { seconds: Array.from(ids, (id) => this.facts[id]!.seconds), 'sample rate (Hz)': Array.from(ids, (id) => this.facts[id]!.rate) }
  }

  async samples(ids: Int32Array): Promise<string[]> {
    return Promise.all(Array.from(ids, async (id) => {
      const { samples, rate } = await this.#sound(id)
      const short = samples.subarray(0, rate * 3)
      return `<audio controls preload="none" title="${escapeHtml(this.files[id]!)}" style="height:28px;width:190px;margin:2px" src="data:audio/wav;base64,${encodeWav(short, rate).toString('base64')}"></audio>`
    }))
  }

  async fingerprint(id: number): Promise<Fingerprint | undefined> {
    const bytes = await this.#limited(() => readFile(join(this.folder, this.files[id]!))).catch(() => undefined)
    return bytes && { exact: createHash('sha256').update(bytes).digest('hex') }
  }

  shortly(id: number): string { return this.files[id]! }

  async faults(ids: Int32Array, where: (id: number) => FindingRow): Promise<{ check: 'format' | 'encoding'; text: string; advice: string; rows: FindingRow[] }[]> {
    const rows = (test: (facts: SoundFacts) => boolean) => Array.from(ids).filter((id) => test(this.facts[id]!)).map(where)
    const rates = new Set(Array.from(ids, (id) => this.facts[id]!.rate))
    const silent = rows(({ peak }) => peak < 0.001), clipped = rows(({ peak }) => peak >= 0.9999)
    return [
      ...(silent.length > 0 ? [{ check: 'format' as const, rows: silent, text: `${silent.length} recordings are silent (peak below −60 dB).`, advice: 'Leave them out with .filter().' }] : []),
      ...(clipped.length > ids.length / 20 ? [{ check: 'format' as const, rows: clipped, text: `${clipped.length} recordings reach the largest value: they may be clipped.`, advice: 'Listen to some; record again at a lower level if they crackle.' }] : []),
      ...(rates.size > 1 ? [{ check: 'format' as const, rows: [], text: `Sample rates differ: ${[...rates].sort((a, b) => a - b).join(', ')} Hz.`, advice: 'They are resampled for the model; check that the rate does not go with the class.' }] : []),
    ]
  }
}

const expectedFrames = (p: SoundPreprocessing) => { const n = Math.round(p.seconds * p.sampleRate); return p.features.type === 'waveform' ? n : 1 + Math.floor(n / p.features.hop) }

/** Mean 0, deviation 1 over the recording itself, padding left at 0, as wav2vec2's feature extractor. */
function normalized(fixed: Float32Array, length: number): Float32Array {
  const real = fixed.subarray(0, Math.min(length, fixed.length))
  const mean = real.reduce((sum, value) => sum + value, 0) / real.length
  const std = Math.sqrt(real.reduce((sum, value) => sum + (value - mean) ** 2, 0) / real.length + 1e-7)
  return fixed.map((value, i) => i < real.length ? (value - mean) / std : 0)
}

/** SpecAugment: one stretch of frames and one of bands become the mean. */
function mask(data: Float32Array, frames: number, width: number, o: AugmentOptions, random: () => number): void {
  const stretch = (most: number, of: number): [number, number] => {
    const length = Math.floor(random() * (Math.min(most, of) + 1)), start = Math.floor(random() * (of - length + 1))
    return [start, start + length]
  }
  const [t0, t1] = stretch(o.timeMask ?? 0, frames), [b0, b1] = stretch(o.bandMask ?? 0, width)
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length
  for (let t = 0; t < frames; t++) for (let b = 0; b < width; b++) if ((t >= t0 && t < t1) || (b >= b0 && b < b1)) data[t * width + b] = mean
}
