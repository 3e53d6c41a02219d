// Recordings of any format that is read: WAV here, FLAC and MP3 by decoders in WebAssembly, loaded at the first such file. What a file is, its first bytes say.
import { atMost } from '../atmost.js'
import { DataError } from '../errors.js'
import { decodeWav, type Sound } from './wav.js'

export const soundFiles = /\.(wave?|flac|mp3)$/i

interface Decoded { channelData: Float32Array[]; samplesDecoded: number; sampleRate: number; errors: readonly { message: string }[] }
interface Decoder { ready: Promise<void>; reset(): Promise<void>; decode(bytes: Uint8Array): Promise<Decoded> }

/** The decoders keep a state in their memory: one file at a time. */
const alone = { flac: atMost(1), mp3: atMost(1) }
const made: Partial<Record<'flac' | 'mp3', Promise<Decoder>>> = {}

async function make(format: 'flac' | 'mp3'): Promise<Decoder> {
  if (format === 'flac') {
    const { FLACDecoder } = await import('@wasm-audio-decoders/flac')
    const decoder = new FLACDecoder()
    return { ready: decoder.ready, reset: () => decoder.reset(), decode: (bytes) => decoder.decodeFile(bytes) }
  }
  const { MPEGDecoder } = await import('mpg123-decoder')
  const decoder = new MPEGDecoder()
  return { ready: decoder.ready, reset: () => decoder.reset(), decode: async (bytes) => decoder.decode(bytes) }
}

/** Seconds that one recording may last; beyond it a damaged header is likelier than a recording. */
const longest = 24 * 3600

async function decodeBy(format: 'flac' | 'mp3', bytes: Uint8Array): Promise<Sound> {
  const name = format.toUpperCase(), refuse = (rule: string, cause?: unknown): never => { throw new DataError(`Cannot decode the recording: ${rule}. Save it again, or as 16-bit PCM WAV.`, cause === undefined ? undefined : { cause }) }
  return alone[format](async () => {
    const decoder = await (made[format] ??= make(format))
    await decoder.ready
    let decoded: Decoded
    try {
      decoded = await decoder.decode(bytes)
      await decoder.reset()
    } catch (error) {
      delete made[format] // its memory may be spoilt: the next file gets a new one
      return refuse(`it is no whole ${name} file (${(error as Error).message})`, error)
    }
    const { channelData, samplesDecoded, sampleRate, errors } = decoded, channels = channelData.length
    if (samplesDecoded === 0 || channels === 0) return refuse(`it holds no sound that can be decoded as ${name}${errors[0] ? ` (${errors[0].message})` : ''}`)
    if (!(sampleRate >= 100 && sampleRate <= 1_000_000) || samplesDecoded > longest * sampleRate) return refuse(`${samplesDecoded} samples at ${sampleRate} Hz make no sense`)
    const samples = new Float32Array(samplesDecoded)
    for (const channel of channelData) for (let i = 0; i < samplesDecoded; i++) samples[i]! += channel[i]! / channels
    if (samples.some((value) => !Number.isFinite(value))) return refuse('it holds NaN or infinite samples')
    const twice = channels === 2 && channelData[0]!.every((value, i) => value === channelData[1]![i]) // the MP3 decoder gives mono on both sides
    return { samples, rate: sampleRate, channels: twice ? 1 : channels }
  })
}

/** Decodes a whole file by what its first bytes say it is. */
export async function decodeSound(bytes: Uint8Array): Promise<Sound> {
  const text = String.fromCharCode(...bytes.subarray(0, 4))
  if (text === 'fLaC') return decodeBy('flac', bytes)
  if (text.startsWith('ID3') || (bytes[0] === 0xff && (bytes[1]! & 0xe0) === 0xe0 && (bytes[1]! & 0x06) !== 0)) return decodeBy('mp3', bytes)
  if (text === 'RIFF') return decodeWav(bytes)
  throw new DataError(`Cannot decode the recording: WAV, FLAC and MP3 are read, and it is none of them: it begins with ${JSON.stringify(text)}. Convert it, e.g. ffmpeg -i in.ogg out.wav.`)
}
