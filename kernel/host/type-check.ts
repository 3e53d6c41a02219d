// What TypeScript says about a cell before it runs, and what follows from it: `%types on` (stop the cell), `warn` or `off`.
import { formatDiagnostics, type LanguageService, LONGEST, type TypesMode } from '../language/index.js'
import type { ErrorReport } from '../session/messages.js'

/** How long a check may hold a cell up, while TypeScript still reads its own types for instance (ms). */
const PATIENCE = 10_000

export type Verdict = { run: true; warning?: string } | { run: false; error: ErrorReport }

/** tslab checks by looser rules (null fits everywhere): in a notebook written for it, what only our rules find must not stop a cell. */
const FOR_TSLAB = /^\s*(?:import\s[^;'"]*from\s*['"]tslab['"]|(?:const|let|var)\s[^;]*require\(['"]tslab['"]\))/m

export class TypeCheck {
  private asked: TypesMode | undefined
  private forTslab = false

  /** What `%types` says; without it type errors stop a cell, or are warnings once a cell has imported tslab. */
  get mode(): TypesMode { return this.asked ?? (this.forTslab ? 'warn' : 'error') }
  set mode(asked: TypesMode) { this.asked = asked }

  constructor(private readonly language: Promise<LanguageService | undefined>) {}

  /** Checks a cell as it was written, magics included. Without a language service every cell may run. */
  async judge(code: string, count: number): Promise<Verdict> {
    this.forTslab ||= FOR_TSLAB.test(code)
    if (this.mode === 'off' || code.trim() === '') return { run: true }
    if (code.length > LONGEST) return { run: true, warning: `This cell has ${code.length} characters and was not type-checked; the limit is ${LONGEST}.\n` }
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
