// Recordings behind rows: features for batches, lengths, players, fingerprints and faults.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { atMost } from '../atmost.js'
import { checkAugment, stretch } from '../augment/draw.js'
import { maskSounds } from '../augment/sequences.js'
import { DataError, shown } from '../errors.js'
import { escapeHtml } from '../look/html.js'
import { randomStream } from '../random.js'
import { rectangle, widthOf } from '../texts/padding.js'
import type { AssembleRequest, Assembled, Block, Content, Fault, Fingerprint } from '../store.js'
import type { AugmentOptions, DataProblem, FindingRow, SoundPreprocessing, TranscriptSymbols } from '../types.js'
import { soundFeatures, soundHash } from './fingerprint.js'
import { logMel, type Features } from './mel.js'
import { resample } from './resample.js'
import { spell } from './transcripts.js'
import { decodeSound } from './decode.js'
import { encodeWav } from './wav.js'

export interface SoundFacts { seconds: number; rate: number; /** Largest absolute sample. */ peak: number }

/** Bytes of features that one data set keeps. */
const keptBytes = 512 * 2 ** 20

export class SoundContent implements Content {
  readonly #limited = atMost(8)
  readonly #broken = new Set<number>()
  #kept = { key: '', bytes: 0, features: new Map<number, Features>() }
  constructor(private readonly folder: string, private readonly files: readonly string[], private readonly facts: readonly SoundFacts[], private readonly problems: DataProblem[], private readonly texts?: readonly string[]) {}

  async #sound(id: number, rate?: number): Promise<{ samples: Float32Array; rate: number }> {
    const sound = await decodeSound(await this.#limited(() => readFile(join(this.folder, this.files[id]!))))
    return rate === undefined ? sound : { samples: resample(sound.samples, sound.rate, rate), rate }
  }

  async #features(id: number, p: SoundPreprocessing): Promise<Features | undefined> {
    const key = JSON.stringify(p)
    if (key !== this.#kept.key) this.#kept = { key, bytes: 0, features: new Map() }
    const known = this.#kept.features.get(id)
    if (known || this.#broken.has(id)) return known
    try {
      const { samples: recorded } = await this.#sound(id, p.sampleRate)
      const samples = p.loudness === undefined ? recorded : amplified(recorded, p.loudness)
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
      if (features) data.set(features.data, place * frames * width)
      else broken.push(place)
    })
    return {
      ...this.#masks(ids, size, frames, width, p, augment, epoch),
      inputs: { sounds: { data, shape: p.features.type === 'waveform' ? [size, frames] : [size, frames, width] } }, broken, ...(p.transcript ? { labels: this.#spelled(ids, size, p.transcript) } : {}),
    }
  }

  #masks(ids: Int32Array, size: number, frames: number, width: number, p: SoundPreprocessing, o: AugmentOptions | undefined, epoch: number): Pick<Assembled, 'change'> {
    if (o) checkAugment(o)
    if ((!o?.timeMask && !o?.bandMask) || p.features.type === 'waveform') return {}
    const masks = new Float32Array(size * 4)
    ids.forEach((id, place) => {
      const random = randomStream(o.seed ?? 0, epoch, id)
      masks.set([...stretch(o.timeMask ?? 0, frames, random), ...stretch(o.bandMask ?? 0, width, random)], place * 4)
    })
    return { change: { apply: maskSounds, inputs: { masks: { data: masks, shape: [size, 4] } } } }
  }

  #spelled(ids: Int32Array, size: number, transcript: TranscriptSymbols): Block {
    if (!this.texts) throw new DataError('Cannot prepare transcripts: the recordings have none. Load them with text, the column or the part of the name that says what is spoken.')
    const spelled = Array.from(ids, (id) => spell(this.texts![id]!, transcript))
    const width = widthOf(Math.max(1, ...spelled.map(({ length }) => length)), transcript.maxLength, 'buckets', undefined)
    return { data: rectangle(spelled, size, width, -100), shape: [size, width] }
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
    if (!bytes) return undefined
    const exact = createHash('sha256').update(bytes).digest('hex')
    try {
      const { samples, rate } = await decodeSound(bytes), { shape, features } = soundFeatures(samples, rate)
      return { exact, near: { bits: soundHash(shape), values: shape, most: 0.12 }, features }
    } catch { return { exact } } // a file that broke since it was loaded: only its bytes can be compared
  }

  readonly featuresFrom = 'bands of frequency over time'
  readonly faultChecks = ['format'] as const

  shortly(id: number): string { return this.files[id]! }

  async faults(ids: Int32Array, where: (id: number) => FindingRow): Promise<Fault[]> {
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

/** Amplified to this root mean square in dB below full scale; what is louder stays as it is. */
function amplified(samples: Float32Array, loudness: number): Float32Array {
  const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length
  const gain = 10 ** ((loudness - 10 * Math.log10(power)) / 20)
  return gain > 1 && Number.isFinite(gain) ? samples.map((value) => value * gain) : samples
}
