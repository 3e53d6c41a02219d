// What TypeScript says about a cell before it runs, and what follows from it: `%types on` (stop the cell), `warn` or `off`.
import { formatDiagnostics, type LanguageService, type TypesMode } from '../language/index.js'
import type { ErrorReport } from '../session/messages.js'

/** How long a check may hold a cell up, while TypeScript still reads its own types for instance (ms). */
const PATIENCE = 10_000
/** Longer cells are run unchecked (UTF-16 units). */
const CHECKED = 1_000_000

export type Verdict = { run: true; warning?: string } | { run: false; error: ErrorReport }

export class TypeCheck {
  mode: TypesMode = 'error'

  constructor(private readonly language: Promise<LanguageService | undefined>) {}

  /** Checks a cell as it was written, magics included. Without a language service every cell may run. */
  async judge(code: string, count: number): Promise<Verdict> {
    if (this.mode === 'off' || code.trim() === '') return { run: true }
    if (code.length > CHECKED) return { run: true, warning: `This cell has ${code.length} characters and was not type-checked; the limit is ${CHECKED}.\n` }
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<undefined>((resolve) => { timer = setTimeout(resolve, PATIENCE, undefined) })
    const found = await Promise.race([this.language.then((language) => language?.check(code)), patience]) ?? []
    clearTimeout(timer)
    const errors = found.filter(({ severity }) => severity === 'error')
    if (errors.length === 0) return { run: true }
    const traceback = formatDiagnostics(errors, { count })
    if (this.mode === 'warn') return { run: true, warning: `${traceback.join('\n')}\n` }
    return { run: false, error: { name: 'TypeError', value: `TS${errors[0]!.code}: ${errors[0]!.message}`, traceback } }
  }
}
