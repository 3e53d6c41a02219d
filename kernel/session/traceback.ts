// An error as people read it: name, message, own frames first with the line underlined, library frames folded, causes below.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { inspect } from 'node:util'
import type { TypeScriptSyntaxError } from '../language/transpile.js'
import { Interrupted } from './cell.js'
import { Error, Math, Object, Set, String, SyntaxError, undisturbed } from './intrinsics.js'
import type { ErrorReport } from './messages.js'
import { fileLabel, mapPlaces, sourceByLabel } from './places.js'
import { readFrames, type Frame } from './stack-frames.js'

const red = (text: string) => `\x1b[31m${text}\x1b[39m`
const cyan = (text: string) => `\x1b[36m${text}\x1b[39m`
const dim = (text: string) => `\x1b[2m${text}\x1b[22m`

/** Causes and members of an AggregateError that are shown. */
const deepest = 5

/** Never throws: a property that cannot be read is left out. */
export function errorReport(error: unknown): ErrorReport {
  if (error instanceof Interrupted) return { name: 'Interrupted', value: error.message, traceback: [`${red('Interrupted')}: ${error.message}`] }
  if (!isError(error)) {
    const value = read(() => inspect(error, { depth: 2 })) ?? typeof error
    return { name: 'Thrown', value, traceback: [`${red('Thrown')}: ${value} ${dim('(not an Error, so there is no traceback)')}`] }
  }
  return undisturbed(() => ({ name: nameOf(error), value: messageOf(error), traceback: lines(error, new Set(), '') }))
}

const isError = (value: unknown): value is Error => read(() => value instanceof Error || Object.prototype.toString.call(value) === '[object Error]') === true
const nameOf = (error: Error) => String(read(() => error.name) || read(() => error.constructor.name) || 'Error')
const messageOf = (error: Error) => mapPlaces(String(read(() => error.message) ?? ''))

function read<T>(get: () => T): T | undefined {
  try { return get() } catch { return undefined }
}

function lines(error: Error, seen: Set<unknown>, indent: string): string[] {
  seen.add(error)
  const own = [`${red(nameOf(error))}: ${messageOf(error)}`, ...placeLines(error), ...propertyLines(error)]
  const cause = read(() => error.cause)
  const members = read(() => (error as AggregateError).errors)
  const more: string[] = []
  if (seen.size < deepest) {
    for (const member of Array.isArray(members) ? members.slice(0, deepest) : []) if (!seen.has(member)) more.push(...nested(member, seen, '  '))
    if (cause !== undefined && !seen.has(cause)) more.push('', dim('Caused by:'), ...nested(cause, seen, ''))
  }
  return [...own, ...more].map(line => indent + line)
}

const nested = (value: unknown, seen: Set<unknown>, indent: string): string[] =>
  isError(value) ? lines(value, seen, indent) : [indent + (read(() => inspect(value)) ?? typeof value)]

/** What Node's errors say besides: code, path, syscall. */
function propertyLines(error: Error): string[] {
  const properties = read(() => Object.entries(error).filter(([name, value]) => !['name', 'message', 'stack', 'cause', 'errors', 'file', 'place', 'hint'].includes(name) && (typeof value === 'string' || typeof value === 'number')))
  return properties?.length ? [dim(`    { ${properties.slice(0, 8).map(([name, value]) => `${name}: ${inspect(value)}`).join(', ')} }`)] : []
}

/** Code that could not be read has no frame of its own; from the loader's thread such an error comes as a copy. */
const hasPlace = (error: Error): error is TypeScriptSyntaxError => error instanceof SyntaxError && read(() => typeof (error as TypeScriptSyntaxError).place.line) === 'number'

function placeLines(error: Error): string[] {
  if (hasPlace(error)) {
    const { place, file, hint } = error
    return [...frameLines({ label: sourceByLabel(file) ? file : fileLabel(file), name: '', ...place, own: true }, true), ...(hint ? [dim(`    ${hint}`)] : [])]
  }
  const stack = mapPlaces(String(read(() => error.stack) ?? ''))
  const unread = error instanceof SyntaxError ? ofUnreadFile(stack) : []
  const frames = readFrames(stack)
  const own = frames.filter(frame => frame.own)
  if (own.length === 0) return [...unread, ...frames.filter(frame => !frame.library?.startsWith('node:')).slice(0, deepest).map(frame => dim(`    at ${frame.name || '<anonymous>'} (${frame.label}:${frame.line}:${frame.column})`))]
  const shown = own.slice(0, 12).flatMap((frame, i) => frameLines(frame, i === 0))
  if (own.length > 12) shown.push(dim(`    … ${own.length - 12} more of your own frames`))
  const last = frames.findLastIndex(frame => frame.own)
  return [...unread, ...shown, ...foldedLibraries(frames.slice(0, last).filter(frame => !frame.own))]
}

/** A CommonJS file that V8 could not read is named above the message, with the line and a mark below it. */
function ofUnreadFile(stack: string): string[] {
  const [, file = '', line = '', , marked] = /^(\S[^\n]*):(\d+)\n([^\n]*)\n( *)\^/.exec(stack) ?? []
  return marked === undefined ? [] : frameLines({ label: fileLabel(file), name: '', line: +line, column: marked.length + 1, own: true }, true)
}

function frameLines(frame: Frame, withSource: boolean): string[] {
  const at = `    at ${frame.name ? `${frame.name} ` : ''}${cyan(`${frame.name ? '(' : ''}${frame.label}:${frame.line}:${frame.column}${frame.name ? ')' : ''}`)}`
  return withSource ? [at, ...excerpt(frame)] : [at]
}

function excerpt({ label, line, column }: Frame): string[] {
  const text = (sourceByLabel(label)?.text ?? read(() => readFileSync(resolve(label), 'utf8')))?.split('\n')
  const here = text?.[line - 1]
  if (!text || here === undefined) return []
  const width = String(line).length
  // of a long line, the part around the place
  const from = column <= shownWidth - 20 ? 0 : column - shownWidth / 2
  const clip = (text: string) => (from > 0 && text ? '…' : '') + text.slice(from, from + shownWidth) + (text.length > from + shownWidth ? '…' : '')
  const numbered = (n: number) => `      ${dim(String(n).padStart(width) + ' |')} ${clip(text[n - 1] ?? '')}`
  const length = Math.min(shownWidth / 2, /^[\w$]+/.exec(here.slice(column - 1))?.[0].length ?? 1)
  const pointer = `      ${dim(' '.repeat(width) + ' |')} ${' '.repeat(column - 1 - from + (from > 0 ? 1 : 0))}${red('^'.repeat(length))}`
  return [...(line > 1 && text[line - 2]?.trim() && from === 0 ? [numbered(line - 1)] : []), numbered(line), pointer]
}

/** Characters of a source line that are shown. */
const shownWidth = 160

function foldedLibraries(frames: Frame[]): string[] {
  const libraries = [...new Set(frames.map(frame => frame.library).filter(name => name !== undefined))]
  return libraries.length ? [dim(`    … ${frames.length} ${frames.length === 1 ? 'frame' : 'frames'} in ${libraries.slice(0, 4).join(', ')}`)] : []
}
