// The API of the package `tslab`, so that notebooks written for it run unchanged.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { session } from './api.js'
import { Buffer, JSON, process } from './intrinsics.js'

export interface Display {
  javascript(text: string): void
  html(text: string): void
  markdown(text: string): void
  latex(text: string): void
  svg(text: string): void
  png(bytes: Uint8Array): void
  jpeg(bytes: Uint8Array): void
  gif(bytes: Uint8Array): void
  pdf(bytes: Uint8Array): void
  text(text: string): void
  raw(contentType: string, content: string | Uint8Array): void
}

/** With an id, the second and later calls replace what the first one showed. */
function displayAs(id?: string): Display {
  let shown = false
  const raw = (contentType: string, content: string | Uint8Array) => {
    const data = typeof content === 'string' ? content : Buffer.from(content).toString('base64')
    session.display({ [contentType]: data }, id === undefined ? {} : { id, update: shown })
    shown = id !== undefined
  }
  const as = (contentType: string) => (content: string | Uint8Array) => raw(contentType, content)
  return {
    javascript: as('text/javascript'), html: as('text/html'), markdown: as('text/markdown'), latex: as('text/latex'), svg: as('image/svg+xml'),
    png: as('image/png'), jpeg: as('image/jpeg'), gif: as('image/gif'), pdf: as('application/pdf'), text: as('text/plain'), raw,
  }
}

export const display: Display = displayAs()

/** A display whose content is replaced by each call. */
export const newDisplay = (): Display => displayAs(randomBytes(8).toString('hex'))

const version = (name: string): string => {
  try { return (JSON.parse(readFileSync(createRequire(import.meta.url).resolve(`${name}/package.json`), 'utf8')) as { version: string }).version } catch { return '' }
}

export const versions = { tslab: version('tslab'), typescript: version('typescript'), node: process.version }
