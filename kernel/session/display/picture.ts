// Pictures: bytes that are one, canvases, sharp's pipelines.
import type { MimeBundle } from '../messages.js'

const signatures: [type: string, bytes: number[], offset?: number][] = [
  ['image/png', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ['image/jpeg', [0xff, 0xd8, 0xff]],
  ['image/gif', [0x47, 0x49, 0x46, 0x38]],
  ['image/webp', [0x57, 0x45, 0x42, 0x50], 8],
  ['application/pdf', [0x25, 0x50, 0x44, 0x46, 0x2d]],
]

export async function picture(value: object): Promise<MimeBundle | undefined> {
  if (value instanceof Uint8Array) return ofBytes(value)
  const object = value as { getContext?: unknown; toBuffer?: (type?: string) => unknown; clone?: () => { png(): { toBuffer(): Promise<Uint8Array> } } }
  if (typeof object.toBuffer !== 'function') return undefined
  if (typeof object.getContext === 'function') return ofBytes(await object.toBuffer('image/png') as Uint8Array)
  if (value.constructor?.name === 'Sharp' && typeof object.clone === 'function') return ofBytes(await object.clone().png().toBuffer())
  return undefined
}

function ofBytes(bytes: Uint8Array): MimeBundle | undefined {
  const type = signatures.find(([, signature, offset = 0]) => signature.every((byte, i) => bytes[offset + i] === byte))?.[0]
  return type ? { [type]: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'), 'text/plain': `${type}, ${bytes.length.toLocaleString('en')} bytes` } : undefined
}
