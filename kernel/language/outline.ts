// What a very long cell declares, found by its keywords alone: parsing a hundred megabytes would hold up every answer.
import { namesByKeyword, type NameKind } from './cell.js'

/** Longer cells are neither checked nor parsed here (UTF-16 units). */
export const LONGEST = 1_000_000

const IMPORT = /^import\s[^'"`\r\n]*\sfrom\s*(['"])[^'"\r\n]+\1/gm
const TYPES: ReadonlySet<NameKind> = new Set(['interface', 'type', 'namespace', 'class', 'enum'])

/** Code that declares the same names, as `any`; its imports stay. */
export function outlineOf(code: string): string {
  const names = new Map(namesByKeyword(code))
  const declarations = [...names].map(([name, kind]) => `let ${name}: any${TYPES.has(kind) ? `; type ${name} = any` : ''}`)
  return [...[...code.matchAll(IMPORT)].map(([statement]) => statement), ...declarations].join('\n')
}
