// Pictures with captions in a grid, as HTML that needs no script.
import type { MimeBundle } from './figure.js'
import { escapeHTML } from './format.js'
import { meaning } from './theme.js'

export interface GridImage {
  /** A data: URL, or the bytes of a PNG, JPEG or WebP file. */
  image: string | Uint8Array
  caption?: string | undefined
  /** Marks a picture by a coloured frame and ✓ or ✗, e.g. a prediction. */
  right?: boolean | undefined
}

export interface GridOptions { title?: string; /** Height of a picture in pixels. Default 96. */ height?: number }

/**
 * @returns an object that displays itself as the grid
 * @example imageGrid([{ image: await readFile('bee.jpg'), caption: 'bee, .98', right: true }])
 */
export function imageGrid(images: readonly GridImage[], { title, height = 96 }: GridOptions = {}): { html: string } {
  const cells = images.map(({ image, caption, right }) => {
    const frame = right === undefined ? '1px solid rgba(128,128,128,0.3)' : `2px solid ${right ? meaning.best : meaning.validation}`
    const mark = right === undefined ? '' : right ? '✓ ' : '✗ '
    return `<figure style="margin:0;width:min-content"><img src="${escapeHTML(typeof image === 'string' ? image : dataURL(image))}" alt="${escapeHTML(caption ?? '')}" style="height:${height}px;max-width:none;border:${frame};border-radius:3px"/>`
      + (caption === undefined ? '' : `<figcaption style="font-size:11px;line-height:1.3;overflow-wrap:anywhere">${mark}${escapeHTML(caption)}</figcaption>`) + '</figure>'
  })
  const html = `${title ? `<div style="font-weight:600;margin-bottom:4px">${escapeHTML(title)}</div>` : ''}<div style="display:flex;flex-wrap:wrap;gap:8px;max-width:900px">${cells.join('')}</div>`
  const text = [title ?? `${images.length} pictures`, ...images.map(({ caption, right }) => caption && `${right === undefined ? '' : right ? '✓ ' : '✗ '}${caption}`).filter(Boolean)].join('\n')
  const grid = { html }
  Object.defineProperty(grid, Symbol.for('Jupyter.display'), { value: (): MimeBundle => ({ 'text/html': html, 'text/plain': text }), enumerable: false })
  return grid
}

function dataURL(bytes: Uint8Array): string {
  const [a, b] = bytes
  const type = a === 0x89 && b === 0x50 ? 'image/png' : a === 0xff && b === 0xd8 ? 'image/jpeg' : a === 0x52 && b === 0x49 ? 'image/webp' : a === 0x42 && b === 0x4d ? 'image/bmp' : 'image/gif'
  return `data:${type};base64,${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}`
}
