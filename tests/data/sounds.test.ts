// Recordings: log-mel and MFCC against transformers and SciPy, WAV in its variants, resampling, folders with odd files.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, jest, test } from '@jest/globals'
import { disposeBatch, sounds, transcriptSymbols, type LogMelFeatures, type SoundPreprocessing } from '../../lib/data/index.js'
import { randomStream } from '../../lib/data/random.js'
import { logMel } from '../../lib/data/sounds/mel.js'
import { resample } from '../../lib/data/sounds/resample.js'
import { decodeWav, encodeWav } from '../../lib/data/sounds/wav.js'

jest.setTimeout(120_000)
const root = mkdtempSync(join(tmpdir(), 'afinar-sounds-'))
process.env['AFINAR_CACHE'] = join(root, 'cache')
afterAll(() => rmSync(root, { recursive: true, force: true }))

const stored = readFileSync('tests/fixtures/logmel.safetensors'), headerLength = Number(stored.readBigUInt64LE(0))
const header = JSON.parse(stored.subarray(8, 8 + headerLength).toString()) as Record<string, { shape: number[]; data_offsets: [number, number] }>
const judged = (name: string) => new Float32Array(Uint8Array.from(stored.subarray(8 + headerLength + header[name]!.data_offsets[0], 8 + headerLength + header[name]!.data_offsets[1])).buffer)

const variants: Record<string, LogMelFeatures> = {
  htk40: { type: 'log-mel', fft: 256, window: 256, hop: 80, bands: 40, lowest: 20, floor: 1e-6 },
  slaney64: { type: 'log-mel', fft: 400, window: 400, hop: 160, bands: 64, scale: 'slaney', compression: 'log10' },
  htk40_db: { type: 'log-mel', fft: 256, window: 256, hop: 128, bands: 40, compression: 'dB' },
}

test.each([...Object.entries(variants).map(([name, features]) => [`${name}/logmel`, features] as const), ['htk40/mfcc13', { ...variants['htk40']!, type: 'mfcc' }] as const])('features equal the reference: %s', (name, features) => {
  const { data, frames, width } = logMel(judged('input/waveform'), 8000, features as LogMelFeatures), expected = judged(`output/${name}`)
  expect([width, frames]).toEqual(header[`output/${name}`]!.shape)
  let worst = 0
  for (let t = 0; t < frames; t++) for (let k = 0; k < width; k++) worst = Math.max(worst, Math.abs(data[t * width + k]! - expected[k * frames + t]!))
  expect(worst).toBeLessThan(1e-3)
})

const tone = (rate: number, seconds = 0.5, hz = 440) => Float32Array.from({ length: Math.round(rate * seconds) }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * i) / rate))

test.each([[8000, 16000], [44100, 16000], [16000, 8000], [22050, 44100]])('resamples a tone from %s to %s Hz', (from, to) => {
  const out = resample(tone(from), from, to), expected = tone(to)
  expect(out.length).toBe(Math.ceil((tone(from).length * to) / from))
  const middle = out.subarray(200, out.length - 200)
  expect(middle.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i + 200]!)), 0)).toBeLessThan(0.005)
})

test('a tone that the new rate cannot hold is gone', () => {
  expect(Math.max(...resample(tone(16000, 0.5, 6000), 16000, 8000).subarray(200, 3800))).toBeLessThan(0.02)
})

/** A WAV file of one stereo frame pattern in any format. */
function wav(format: number, bits: number, write: (b: Buffer, at: number, v: number) => void, values: number[]): Buffer {
  const bytes = bits / 8, out = Buffer.alloc(44 + values.length * bytes)
  out.write('RIFF\0\0\0\0WAVEfmt ', 0, 'latin1')
  out.writeUInt32LE(16, 16)
  out.writeUInt16LE(format, 20)
  out.writeUInt16LE(2, 22)
  out.writeUInt32LE(8000, 24)
  out.writeUInt32LE(8000 * 2 * bytes, 28)
  out.writeUInt16LE(2 * bytes, 32)
  out.writeUInt16LE(bits, 34)
  out.write('data', 36, 'latin1')
  out.writeUInt32LE(values.length * bytes, 40)
  values.forEach((value, i) => write(out, 44 + i * bytes, value))
  return out
}

test.each([
  ['8 bits', wav(1, 8, (b, at, v) => b.writeUInt8(Math.round(v * 128 + 128), at), [0.5, 0.25, -0.5, -0.25]), 2],
  ['16 bits', wav(1, 16, (b, at, v) => b.writeInt16LE(v * 32768, at), [0.5, 0.25, -0.5, -0.25]), 4],
  ['24 bits', wav(1, 24, (b, at, v) => b.writeIntLE(v * 8388608, at, 3), [0.5, 0.25, -0.5, -0.25]), 6],
  ['32 bits', wav(1, 32, (b, at, v) => b.writeInt32LE(v * 2147483648, at), [0.5, 0.25, -0.5, -0.25]), 6],
  ['float', wav(3, 32, (b, at, v) => b.writeFloatLE(v, at), [0.5, 0.25, -0.5, -0.25]), 6],
] as const)('decodes %s and averages the channels', (_, bytes, digits) => {
  const { samples, rate, channels } = decodeWav(bytes)
  expect([rate, channels, samples.length]).toEqual([8000, 2, 2])
  expect(samples[0]).toBeCloseTo(0.375, digits - 1)
  expect(samples[1]).toBeCloseTo(-0.375, digits - 1)
})

test('what is encoded decodes, a length that lies ends with the file, and mutations end in errors', () => {
  const good = encodeWav(tone(8000), 8000)
  expect(decodeWav(good).samples.length).toBe(4000)
  expect(decodeWav(good.subarray(0, 1044)).samples.length).toBe(500)
  expect(() => decodeWav(Buffer.from('ID3 some mp3'))).toThrow(/no WAV file/)
  const random = randomStream(2)
  for (let i = 0; i < 2000; i++) {
    const mutated = Buffer.from(good.subarray(0, 300))
    for (let k = 0; k < 3; k++) mutated[Math.floor(random() * 60)] = Math.floor(random() * 256)
    try { decodeWav(mutated) } catch (error) { expect((error as Error).message).toMatch(/^Cannot decode the recording/) }
  }
})

const write = (name: string, content: Buffer | string) => { const path = join(root, 'set', name); mkdirSync(dirname(path), { recursive: true }); writeFileSync(path, content) }

test('recordings by a pattern, speakers kept together, broken ones named, batches of one shape', async () => {
  for (let i = 0; i < 24; i++) write(`${i % 2}_speaker${i % 6}_${i}.wav`, encodeWav(tone(8000, 0.3 + (i % 3) * 0.2, 300 + 200 * (i % 2)), 8000))
  write('1_speaker0_99.wav', encodeWav(new Float32Array(0), 8000))
  write('0_speaker1_98.wav', 'not a recording')
  write('0_speaker1_97.mp3', 'ID3')
  write('0_speaker1_96.ogg', 'OggS')
  const data = await sounds.fromFolder<{ speaker: string }>(join(root, 'set'), { pattern: /(?<label>\d)_(?<speaker>\w+)_\d+\.wav$/, group: 'speaker' })
  expect(data.problems.map(({ rule, detail }) => [rule, detail.slice(0, 20)])).toEqual(expect.arrayContaining([['unreadable file', 'it has 0 samples'], ['unknown format', 'WAV, FLAC and MP3 ar']]))
  expect(data.problems).toHaveLength(4)
  const speakers = Object.values(data.splits).map(({ rows }) => new Set(rows.map(({ speaker }) => speaker)))
  expect(speakers.reduce((sum, { size }) => sum + size, 0)).toBe(6)
  const preprocessing: SoundPreprocessing = { kind: 'sound', sampleRate: 16000, seconds: 0.5, features: { ...variants['htk40']!, hop: 160 } }
  for await (const batch of data.train.batches({ batchSize: 4, preprocessing, augment: { timeMask: 5, bandMask: 4 } })) {
    expect(batch.inputs['sounds']!.shape).toEqual([4, 51, 40])
    disposeBatch(batch)
  }
  await expect(sounds.fromFolder(join(root, 'set'), { pattern: /nothing(?<label>x)/ })).rejects.toThrow(/not one usable row/)
})

test('bands without logarithm are what the logarithm was taken of; quiet recordings are amplified, loud ones are not', async () => {
  const f: LogMelFeatures = { type: 'log-mel', fft: 256, window: 256, hop: 80, bands: 40, floor: 0 }
  const plain = logMel(judged('input/waveform'), 8000, { ...f, compression: 'none' }).data, logs = logMel(judged('input/waveform'), 8000, { ...f, floor: 1e-30 }).data
  expect(Math.max(...plain.map((value, i) => Math.abs(value - Math.exp(logs[i]!)) / (value + 1e-9)))).toBeLessThan(1e-4)
  const folder = join(root, 'loudness')
  for (const [name, gain] of [['quiet/a', 0.002], ['quiet/b', 0.002], ['loud/a', 1], ['loud/b', 1]] as const) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, `${name}.wav`), encodeWav(tone(8000).map((value) => value * gain), 8000))
  }
  const data = await sounds.fromFolder(folder, { split: false })
  for await (const batch of data.train.batches({ batchSize: 4, preprocessing: { kind: 'sound', sampleRate: 8000, seconds: 0.5, features: { type: 'waveform' }, loudness: -30 } })) {
    const levels = (batch.inputs['sounds']!.square().mean(1).dataSync() as Float32Array).map((power) => 10 * Math.log10(power))
    data.train.rows.forEach(({ label }, row) => expect(levels[row]).toBeCloseTo(label === 'quiet' ? -30 : 20 * Math.log10(0.5 / Math.SQRT2), 1))
    disposeBatch(batch)
  }
})

test('transcripts become symbols in one case, unknown characters are left out or marked', async () => {
  const { spell } = await import('../../lib/data/sounds/transcripts.js')
  const t = transcriptSymbols(['Ab  ba', 'cá'])
  expect(t).toEqual({ symbols: ['<pad>', '|', 'a', 'b', 'c', 'á'], blank: 0, space: '|', letters: 'lower', maxLength: 5 })
  expect(spell(' AB x\tca\u0301', t)).toEqual([2, 3, 1, 1, 4])
  expect(spell('axb', { ...t, unknown: 9 })).toEqual([2, 9, 3])
})
