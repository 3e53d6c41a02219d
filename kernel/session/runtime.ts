// The globals that transpiled code calls (`__afinar`, `babelHelpers`) and those that notebooks expect (`require`, `prompt`).
// They cannot be overwritten or deleted by a cell.
import { runtime } from '../language/transpile.js'
import { cause } from './cell.js'
import { bundleOf } from './display/index.js'
import { decorate, usingCtx } from './lowered-syntax.js'
import { thrown } from './evaluate.js'
import { importForCell, importMeta, notebookRequire } from './imports.js'
import { confirm, prompt, say } from './input.js'
import { iterate, wait } from './interruptible.js'
import { Object } from './intrinsics.js'

export function installGlobals() {
  const helper = Object.freeze({
    wait, iterate,
    import: importForCell,
    meta: importMeta,
    result(value: unknown) { cause().result = value },
    thrown(value: unknown) { thrown.value = value },
    async shown(value: unknown) { return JSON.stringify(await bundleOf(value)) },
  })
  for (const [name, value] of [[runtime, helper], ['babelHelpers', Object.freeze({ usingCtx, decorate })]] as const) {
    Object.defineProperty(globalThis, name, { value, enumerable: false, writable: false, configurable: false })
  }
  const expected = { require: notebookRequire, __filename: importMeta.filename, __dirname: importMeta.dirname, prompt, confirm, alert: say }
  for (const [name, value] of Object.entries(expected)) {
    Object.defineProperty(globalThis, name, { value, enumerable: false, writable: true, configurable: true })
  }
}
