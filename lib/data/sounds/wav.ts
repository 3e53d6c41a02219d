// WAV files to samples between −1 and 1, one channel, and back for players. PCM of 8 to 32 bits, floats, A-law and µ-law; nothing else.
import { DataError } from '../errors.js'

export interface Sound { /** −1..1, channels averaged. */ samples: Float32Array; /** Hz */ rate: number; /** Of the file. */ channels: number }

const refuse = (rule: string): never => { throw new DataError(`Cannot decode the recording: ${rule}. Save it as 16-bit PCM WAV.`) }

/** G.711: the 8-bit codes of telephone recordings. */
function aLaw(code: number): number {
  const c = code ^ 0x55, exponent = (c & 0x70) >> 4, mantissa = c & 15
  const size = exponent === 0 ? mantissa * 16 + 8 : (mantissa * 16 + 264) << (exponent - 1)
  return (c & 0x80 ? size : -size) / 32768
}
function muLaw(code: number): number {
  const c = ~code & 255, size = ((((c & 15) << 3) + 132) << ((c & 0x70) >> 4)) - 132
  return (c & 0x80 ? -size : size) / 32768
}

function readerOf(view: DataView, format: number, bits: number): ((at: number) => number) | undefined {
  switch (`${format}/${bits}`) {
    case '1/8': return (at) => (view.getUint8(at) - 128) / 128
    case '1/16': return (at) => view.getInt16(at, true) / 32768
    case '1/24': return (at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 8388608
    case '1/32': return (at) => view.getInt32(at, true) / 2147483648
    case '3/32': return (at) => view.getFloat32(at, true)
    case '3/64': return (at) => view.getFloat64(at, true)
    case '6/8': return (at) => aLaw(view.getUint8(at))
    case '7/8': return (at) => muLaw(view.getUint8(at))
    default: return undefined
  }
}

/** Decodes a whole file. A length that the header overstates (a recorder that was switched off) ends where the file does. */
export function decodeWav(bytes: Uint8Array): Sound {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const text = (at: number) => at + 4 <= bytes.length ? String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!) : ''
  if (text(0) !== 'RIFF' || text(8) !== 'WAVE') refuse(`it is no WAV file, it begins with ${JSON.stringify(text(0))}`)
  let format = 0, channels = 0, rate = 0, bits = 0, align = 0
  for (let at = 12; at + 8 <= bytes.length;) {
    const name = text(at), start = at + 8, size = Math.min(view.getUint32(at + 4, true), bytes.length - start)
    if (name === 'fmt ' && size >= 16) {
      format = view.getUint16(start, true)
      channels = view.getUint16(start + 2, true)
      rate = view.getUint32(start + 4, true)
      align = view.getUint16(start + 12, true)
      bits = view.getUint16(start + 14, true)
      if (format === 0xfffe && size >= 26) format = view.getUint16(start + 24, true)
    } else if (name === 'data') {
      const read = readerOf(view, format, bits)
      if (!read) return refuse(`format ${format} with ${bits} bits is not read`)
      if (channels < 1 || channels > 64 || rate < 100 || rate > 1_000_000 || align !== (channels * bits) / 8) refuse(`${channels} channels at ${rate} Hz in blocks of ${align} bytes make no sense`)
      const samples = new Float32Array(Math.floor(size / align))
      for (let i = 0; i < samples.length; i++) {
        let sum = 0
        for (let c = 0; c < channels; c++) sum += read(start + i * align + (c * bits) / 8)
        samples[i] = sum / channels
      }
      if (samples.some((value) => !Number.isFinite(value))) refuse('it holds NaN or infinite samples')
      return { samples, rate, channels }
    }
    at = start + size + (size % 2)
  }
  return refuse('it has no sound in it (no "data" chunk)')
}

/** A 16-bit WAV file of one channel. */
export function encodeWav(samples: Float32Array, rate: number): Buffer {
  const out = Buffer.alloc(44 + samples.length * 2)
  out.write('RIFF', 0, 'latin1')
  out.writeUInt32LE(36 + samples.length * 2, 4)
  out.write('WAVEfmt ', 8, 'latin1')
  out.writeUInt32LE(16, 16)
  out.writeUInt16LE(1, 20)
  out.writeUInt16LE(1, 22)
  out.writeUInt32LE(rate, 24)
  out.writeUInt32LE(rate * 2, 28)
  out.writeUInt16LE(2, 32)
  out.writeUInt16LE(16, 34)
  out.write('data', 36, 'latin1')
  out.writeUInt32LE(samples.length * 2, 40)
  samples.forEach((value, i) => out.writeInt16LE(Math.max(-32768, Math.min(32767, Math.round(value * 32768))), 44 + i * 2))
  return out
}
