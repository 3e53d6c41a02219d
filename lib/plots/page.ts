// An empty page in jsdom that plotly.js is content with: text measured, a canvas that can hold a heatmap, no script run from outside.
import { deflateSync } from 'node:zlib'
import type { DOMWindow } from 'jsdom'
import { nowhere, textBox } from './text-box.js'
import { textWidth } from './text-width.js'

/** Opens the page. jsdom is loaded here and not before. */
export async function emptyPage(): Promise<DOMWindow> {
  const { JSDOM, VirtualConsole } = await import('jsdom')
  // a console of its own: what jsdom has not implemented is nobody's concern in a notebook
  const { window } = new JSDOM('<!doctype html><body></body>', { runScripts: 'outside-only', pretendToBeVisual: true, virtualConsole: new VirtualConsole() })
  Object.assign(window, { TextDecoder, TextEncoder })
  window.URL.createObjectURL = () => 'blob:'
  measureText(window)
  paintHeatmaps(window)
  return window
}

/** Plotly places titles, legends and margins by measured text, which jsdom answers with zeros. */
function measureText(window: DOMWindow): void {
  const svg = window.SVGElement.prototype as unknown as { getBBox(): unknown; getComputedTextLength(): number }
  svg.getBBox = function (this: Element) {
    const { left, top, right, bottom } = textBox(this, false) ?? nowhere
    return { x: left, y: top, width: right - left, height: bottom - top }
  }
  svg.getComputedTextLength = function (this: Element) {
    const { left, right } = textBox(this, false) ?? nowhere
    return right - left
  }
  const plain = window.Element.prototype.getBoundingClientRect
  window.Element.prototype.getBoundingClientRect = function (this: Element) {
    const box = /^(text|tspan|g|a)$/i.test(this.tagName) ? textBox(this, true) : undefined
    if (!box) return plain.call(this)
    return { ...box, x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top, toJSON() {} }
  }
}

interface Pixels { width: number; height: number; data: Uint8ClampedArray }

/** Heatmaps come as a canvas of coloured rectangles: keep its pixels, hand them out as PNG. */
function paintHeatmaps(window: DOMWindow): void {
  const contexts = new WeakMap<object, { image: Pixels }>()
  const empty = (width: number, height: number): Pixels => ({ width, height, data: new Uint8ClampedArray(width * height * 4) })
  const canvas = window.HTMLCanvasElement.prototype as unknown as { getContext(this: HTMLCanvasElement): unknown; toDataURL(this: HTMLCanvasElement): string }
  canvas.getContext = function () {
    const known = contexts.get(this)
    if (known) return known
    const context = {
      canvas: this, fillStyle: '#000', image: empty(this.width, this.height),
      measureText: (text: string) => ({ width: textWidth(text, 12) }),
      createImageData: empty, getImageData: () => context.image, putImageData(image: Pixels) { context.image = image },
      clearRect() {}, save() {}, restore() {},
      fillRect(x: number, y: number, width: number, height: number) {
        const [red = 0, green = 0, blue = 0, opacity = 1] = String(context.fillStyle).match(/[\d.]+/g)?.map(Number) ?? []
        const image = context.image
        for (let row = Math.floor(y); row < y + height; row++) {
          for (let column = Math.floor(x); column < x + width; column++) image.data.set([red, green, blue, opacity * 255], (row * image.width + column) * 4)
        }
      },
    }
    if (context.image.data.length === 0) context.image = empty(1, 1)
    contexts.set(this, context)
    return context
  }
  canvas.toDataURL = function () {
    const image = contexts.get(this)?.image ?? empty(1, 1)
    return `data:image/png;base64,${encodePNG(image).toString('base64')}`
  }
}

/** RGBA pixels as a PNG file: one filterless IDAT chunk (PNG specification, third edition). */
function encodePNG({ width, height, data }: Pixels): Buffer {
  const rows = Buffer.alloc(height * (width * 4 + 1))
  for (let row = 0; row < height; row++) rows.set(data.subarray(row * width * 4, (row + 1) * width * 4), row * (width * 4 + 1) + 1)
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 6, 0, 0, 0], 8)
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4), checksum = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  checksum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, checksum])
}

function crc32(bytes: Buffer): number {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}
