// The door of this room: a cell as a TypeScript document. Transpiling has a door of its own, transpile.ts, because the
// session needs it without the rest.
export type { Completeness, CompletionItem, Completions, Diagnostic, Inspection } from './answers.js'
export { isComplete } from './completeness.js'
export { formatDiagnostics } from './diagnostics.js'
export { MAGICS, readMagics, type Magics, type TypesMode } from './magics.js'
export { LONGEST } from './outline.js'
export { LanguageService } from './service.js'
