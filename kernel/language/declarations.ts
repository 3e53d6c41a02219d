// Turns a cell into the body of a namespace: its declarations, exported; everything that only runs is left out.
// The result is read by the type checker alone and never runs, so errors in it do no harm. Not here: which
// namespaces there are and what stands (earlier.ts).
import MagicString from 'magic-string'
import { declaration, visitOwn, type Cell, type Node } from './cell.js'

/** A name that a cell imports: `clause` and `from` are its import statement again, for this name alone. */
export interface ImportedName { local: string; clause: string; from: string }

/** Imports a module as a whole and says under which name; `from` is the rest of the statement. */
type ImportModule = (form: 'namespace' | 'default' | 'require', from: string) => string

export function declarationsOf(cell: Cell, module: ImportModule): { body: string; globals: string; imports: ImportedName[] } {
  const text = new MagicString(cell.code)
  const globals: string[] = []
  const imports: ImportedName[] = []
  for (const statement of cell.statements) {
    const node = declaration(statement)
    if (statement.type === 'ImportDeclaration') {
      const names = importedNames(statement, cell.code)
      imports.push(...names)
      text.overwrite(statement.start, statement.end, names.map(name => exported(name, module)).join(' '))
    }
    else if (node === undefined) text.remove(statement.start, statement.end)
    else if (isGlobal(node)) {
      globals.push(cell.code.slice(statement.start, statement.end))
      text.remove(statement.start, statement.end)
    } else {
      declare(text, node, cell.code, module, imports)
      if (statement === node) text.appendLeft(firstOffset(node), 'export ')
      for (const each of awaitsOf(node)) {
        text.overwrite(each.start, (each.argument as Node).start, '__awaited(')
        text.appendRight(each.end, ')')
      }
    }
  }
  const hoisted = cell.hoisted.map(name => `\nexport var ${name}: any`).join('')
  return { body: text.toString() + hoisted, globals: globals.join('\n'), imports }
}

/** `declare global` and `declare module 'x'` say something about the program, not about names of the cell. */
function isGlobal(node: Node): boolean {
  return node.type === 'TSModuleDeclaration' && (node.kind === 'global' || (node.id as Node).type === 'Literal')
}

function firstOffset(node: Node): number {
  const decorators = node.decorators as Node[] | undefined
  return Math.min(node.start, ...(decorators ?? []).map(each => each.start))
}

/** Inside a namespace `await` is no keyword for every argument, so a function stands for it. */
function awaitsOf(node: Node): Node[] {
  const found: Node[] = []
  if (node.type === 'VariableDeclaration') visitOwn(node, each => { if (each.type === 'AwaitExpression') found.push(each) })
  return found
}

function declare(text: MagicString, node: Node, code: string, module: ImportModule, imports: ImportedName[]): void {
  if (node.type === 'TSImportEqualsDeclaration') {
    const reference = node.moduleReference as Node
    if (reference.type !== 'TSExternalModuleReference') return
    const from = `= ${code.slice(reference.start, reference.end)}`
    imports.push({ local: (node.id as unknown as { name: string }).name, clause: (node.id as unknown as { name: string }).name, from })
    text.overwrite(reference.start, reference.end, module('require', from))
    return
  }
  if (node.type !== 'VariableDeclaration') return
  const declarations = node.declarations as Node[]
  if (String(node.kind).endsWith('using') && declarations[0] !== undefined) text.overwrite(node.start, declarations[0].start, 'const ')
  for (const each of declarations) {
    const init = each.init as Node | null
    const id = each.id as { typeAnnotation?: unknown }
    if (init === null || id.typeAnnotation != null) continue
    // In one file these types grow with what is assigned later; across cells that is `any`, not `never[]` or `null`.
    if (init.type === 'ArrayExpression' && (init.elements as unknown[]).length === 0) text.appendRight(init.end, ' as any[]')
    else if (node.kind !== 'const' && isNothing(init)) text.appendRight(init.end, ' as any')
  }
}

function isNothing(init: Node): boolean {
  return (init.type === 'Literal' && init.value === null && init.raw === 'null') || (init.type === 'Identifier' && init.name === 'undefined')
}

function importedNames(statement: Node, code: string): ImportedName[] {
  const from = `from ${code.slice((statement.source as Node).start, statement.end).replace(/;\s*$/, '').replace(/\s+/g, ' ')}`
  return (statement.specifiers as Node[]).map(specifier => {
    const local = (specifier.local as { name: string }).name
    const own = code.slice(specifier.start, specifier.end)
    const clause = specifier.type === 'ImportSpecifier' ? `{ ${own} }` : own
    return { local, clause: statement.importKind === 'type' ? `type ${clause}` : clause, from }
  })
}

/** An alias of a module's export; a default export need not be called so in its module, hence a value and a type. */
function exported({ local, clause, from }: ImportedName, module: ImportModule): string {
  const original = /^(?:type )?\{ (?:type )?([^\s}]+)/.exec(clause)?.[1]
  if (clause.replace(/^type /, '').startsWith('*')) return `export import ${local} = ${module('namespace', from)};`
  if (original !== undefined && original !== 'default') return /^['"]/.test(original) ? `export const ${local}: any;` : `export import ${local} = ${module('namespace', from)}.${original};`
  const name = module('default', from)
  return `export const ${local} = ${name}; export type ${local} = ${name};`
}
