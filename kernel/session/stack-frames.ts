// A stack, as V8 writes it and with its places already mapped, read into frames: which are the user's, which a library's.
import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { process, URL } from './intrinsics.js'
import { fileLabel } from './places.js'

export interface Frame {
  /** The function, '' at the top level. */
  name: string
  label: string
  line: number
  column: number
  own: boolean
  /** The package or part of Node that a foreign frame belongs to. */
  library?: string
}

/** What V8 calls a function that nobody named. */
const unnamed = /^(?:Object\.<anonymous>|async|(?:Timeout|Immediate)\._on\w+)$/

/** Frames of the session itself and of the inspector are left out. */
export function readFrames(stack: string): Frame[] {
  const frames: Frame[] = []
  for (const text of stack.split('\n')) {
    const match = /^\s+at (?:(.*?) \()?((?:[^()]|\([^()]*\))+?):(\d+):(\d+)\)?$/.exec(text)
    if (!match) continue
    const [, name = '', location = '', line = '1', column = '1'] = match
    const label = location.replace(/^async /, '')
    const library = libraryOf(label)
    if (library === 'session') continue
    frames.push({ name: unnamed.test(name) ? '' : name, label: library === undefined && isAbsolute(label) ? fileLabel(label) : label, line: +line, column: +column, own: library === undefined, ...(library ? { library } : {}) })
  }
  return frames
}

const sessionFolder = fileURLToPath(new URL('.', import.meta.url))

function libraryOf(location: string): string | undefined {
  if (location.startsWith('Cell [') || location.startsWith('./')) return location.includes('/node_modules/') ? packageOf(location) : undefined
  if (location.startsWith('node:')) return location.split('/')[0] ?? 'node'
  const path = location.startsWith('file:') ? fileURLToPath(location.replace(/\?.*/, '')) : location
  if (path.startsWith(sessionFolder) || path.startsWith('afinar:')) return 'session'
  if (path.includes('/node_modules/') || path.includes('\\node_modules\\')) return packageOf(path)
  if (/[\\/]dist[\\/]lib[\\/]/.test(path)) return 'afinar'
  return path.startsWith(process.cwd()) || path.endsWith('.ts') ? undefined : path.split(/[\\/]/).at(-1) ?? path
}

function packageOf(path: string): string {
  const after = path.split(/[\\/]node_modules[\\/]/).at(-1)?.split(/[\\/]/) ?? []
  return after[0]?.startsWith('@') ? `${after[0]}/${after[1] ?? ''}` : after[0] ?? path
}
