// The declarations that earlier cells left standing, kept as one document that the cell at hand looks into.
// Each cell becomes a namespace of that document and is typed only as far as somebody looks at it, so a check stays as
// fast with 300 cells as with three. A name that is declared again simply comes from a later namespace; what was
// written against the older one goes on meaning the older one. Not here: the server, and the cell at hand (live.ts).
import { createHash } from 'node:crypto'
import { readCell, type NameKind } from './cell.js'
import { declarationsOf, type ImportedName } from './declarations.js'

/** The file name of the document, and the import that brings it in. */
export const EARLIER_FILE = '__earlier__.ts'

/** Names of ours that must never reach a user. */
export const OUR_NAMES = /^__(?:earlier|cell\d+|module\d+|awaited)(?:__)?$/

/** What the session adds to Node's globals: a browser's ways to ask, served by the front end. */
const ASKING = 'declare global { function prompt(message?: string, value?: string): string | null; function confirm(message?: string): boolean; function alert(message?: string): void }'

/** The text before `from`, `with` or `=`: one way of importing a whole module. */
type ModuleForm = 'namespace' | 'default' | 'require'

export interface EarlierCell {
  id: string
  text: string
  globals: string
  names: Map<string, NameKind>
  imports: ImportedName[]
  uses: Set<EarlierCell>
  /** Equal keys mean: same code, written against the same declarations. */
  key: string
  source: string
  depth: number
  /** Cells that must be typed before this one can be. */
  chain: number
}

const IDENTIFIER = /[\p{ID_Start}$_][\p{ID_Continue}$]*/gu
/** Longer chains (two cells that feed each other, run again and again) are cut where a cell of the same code is at hand. */
const DEEPEST = 32

export class EarlierCells {
  readonly #standing = new Map<string, EarlierCell>()
  readonly #modules = new Map<string, { name: string; statement: string }>()
  #cells: EarlierCell[] = []
  #next = 1

  /** The document. */
  text(): string {
    const modules = [...this.#modules.values()].map(each => each.statement).join('\n')
    return `${modules}\nexport declare function __awaited<T>(value: T): Awaited<T>\n${ASKING}\n${this.#cells.map(cell => cell.text + cell.globals).join('\n')}\n`
  }

  /** The cell that was taken in last. */
  latest(): EarlierCell | undefined { return this.#cells.at(-1) }

  /** Kind of a standing name, as its cell declared it. */
  kindOf(name: string): NameKind | undefined {
    return this.#standing.get(name)?.names.get(name)
  }

  /**
   * One line that brings the standing names into another document, less those it declares itself.
   * With `code`, only the names that occur in it: looking up a name of a large package takes the server milliseconds.
   */
  head(declared: ReadonlyMap<string, unknown>, code?: string): string {
    const names = code === undefined ? new Set(this.#standing.keys()) : this.#occurring(code)
    for (const name of declared.keys()) names.delete(name)
    const parts = [`import * as __earlier from './${EARLIER_FILE}'`, ...this.#imports(names)]
    for (const name of names) {
      const cell = this.#standing.get(name)
      if (cell === undefined || cell.imports.some(each => each.local === name)) continue
      // An alias carries value, type and namespace alike, but cannot be assigned to.
      parts.push(cell.names.get(name) === 'let' ? `declare let ${name}: typeof __earlier.${cell.id}.${name}` : `import ${name} = __earlier.${cell.id}.${name}`)
    }
    return parts.join('; ')
  }

  /**
   * Standing imports, as they were written. A name that is not wanted leaves its module behind: the server builds its
   * program anew when a document imports other modules than before.
   */
  #imports(names: ReadonlySet<string>): string[] {
    return this.#cells.flatMap(cell => cell.imports.filter(each => this.#standing.get(each.local) === cell).map(({ local, clause, from }) =>
      names.has(local) ? `import ${clause} ${from}` : `import ${from.replace(/^from |^= *require\(([^)]*)\).*/, '$1')}`))
  }

  /** Takes in what a cell that ran declared. Returns what changed: nothing, the document, or also its imports. */
  commit(source: string): 'nothing' | 'document' | 'imports' {
    const cell = readCell(source)
    if (cell.problems.length > 0) return 'nothing' // nothing of it ran
    if (cell.names.size === 0 && !cell.statements.some(statement => statement.type === 'TSModuleDeclaration')) return 'nothing'
    const uses = new Map<string, EarlierCell>()
    for (const name of this.#occurring(cell.code)) {
      const from = this.#standing.get(name)
      if (from !== undefined && !cell.names.has(name)) uses.set(name, from)
    }
    const key = createHash('sha1').update(JSON.stringify([cell.code, [...uses].map(([name, from]) => [name, from.key]).sort()])).digest('base64')
    const depth = 1 + Math.max(0, ...[...uses.values()].map(from => from.depth))
    const chain = 1 + Math.max(0, ...[...uses.values()].map(from => from.chain))
    const same = this.#cells.find(each => each.key === key) ?? (depth > DEEPEST ? this.#cells.findLast(each => each.source === cell.code) : undefined)
    if (same !== undefined) {
      for (const name of same.names.keys()) this.#standing.set(name, same)
      return this.#forget() ? 'document' : 'nothing'
    }
    const id = `__cell${this.#next++}`
    const modules = this.#modules.size
    const { body, globals, imports } = declarationsOf(cell, (form, from) => this.#module(form, from))
    const aliases = [...uses].map(([name, from]) => `import ${name} = ${from.id}.${name};`).join(' ')
    const added: EarlierCell = { id, key, depth, chain, globals, imports, source: cell.code, names: cell.names, uses: new Set(uses.values()), text: `export namespace ${id} { ${aliases}\n${body}\n}` }
    this.#cells.push(added)
    for (const name of cell.names.keys()) this.#standing.set(name, added)
    this.#forget()
    return this.#modules.size === modules ? 'document' : 'imports'
  }

  /** The name under which the document imports a module. */
  #module(form: ModuleForm, from: string): string {
    const key = `${form} ${from}`
    let module = this.#modules.get(key)
    if (module === undefined) {
      const name = `__module${this.#modules.size + 1}`
      module = { name, statement: `import ${form === 'namespace' ? `* as ${name}` : name} ${from}` }
      this.#modules.set(key, module)
    }
    return module.name
  }

  #occurring(code: string): Set<string> {
    const names = new Set<string>()
    for (const [name] of code.matchAll(IDENTIFIER)) if (this.#standing.has(name)) names.add(name)
    return names
  }

  /** Drops cells of which nothing stands and that nothing standing was written against. */
  #forget(): boolean {
    const kept = new Set<EarlierCell>()
    const keep = (cell: EarlierCell): void => {
      if (kept.has(cell)) return
      kept.add(cell)
      for (const used of cell.uses) keep(used)
    }
    for (const cell of this.#standing.values()) keep(cell)
    for (const cell of this.#cells) if (cell.globals !== '') keep(cell)
    const before = this.#cells.length
    this.#cells = this.#cells.filter(cell => kept.has(cell))
    return this.#cells.length !== before
  }
}
