// From a module's JavaScript to what V8's REPL evaluates: a top level whose names can all be declared again,
// imports through a helper, the last expression as the result. Runtime counterparts: kernel/session/runtime.ts.
import type MagicString from 'magic-string'
import { boundNames, isNode, isVariable, walk, type Node } from './syntax-tree.js'

/** What a cell imports: specifier, the names it takes, and how they are called in the cell. */
export interface CellImport { specifier: string; names: string[] }

export interface Rewritten { declared: string[]; imports: CellImport[]; hasResult: boolean }

/** The global that the rewritten code calls. */
export const runtime = '__afinar'

/**
 * V8's REPL lets `let` follow `let`, but not `var`, `const`, `class` and `function` each other. So each top-level declaration
 * becomes a `let`; `var` and `function` keep their hoisting.
 */
export function rewriteTopLevel(body: Node[], text: MagicString): Rewritten {
  const declared = new Set<string>(), hoisted = new Set<string>()
  const imports: CellImport[] = []
  const used = new Set<string>()
  walk(body, (node, parent, depth) => {
    if (isVariable(node, parent) && parent?.type !== 'ImportSpecifier' && parent?.type !== 'ImportDefaultSpecifier') used.add(node.name as string)
    if (node.type === 'VariableDeclaration' && node.kind === 'var' && depth === 0) hoistVariables(node, parent, text, hoisted)
  })
  const statements = body.flatMap(statement => unwrapExport(statement, text))
  const functions: Node[] = []
  for (const statement of statements) {
    if (statement.type === 'VariableDeclaration' && statement.kind !== 'var') {
      if (statement.kind === 'const') text.update(statement.start, statement.start + 5, 'let')
      for (const declarator of statement.declarations as Node[]) for (const name of boundNames(declarator.id as Node)) declared.add(name)
    } else if (statement.type === 'ClassDeclaration') {
      const name = (statement.id as Node).name as string
      declared.add(name)
      text.appendRight(statement.start, `let ${name} = `).appendLeft(statement.end, ';')
    } else if (statement.type === 'FunctionDeclaration') {
      hoisted.add((statement.id as Node).name as string)
      functions.push(statement)
    } else if (statement.type === 'ImportDeclaration') {
      imports.push(rewriteImport(statement, text, used))
      for (const specifier of statement.specifiers as Node[]) declared.add((specifier.local as Node).name as string)
    }
  }
  const last = lastExpression(statements)
  if (last) text.appendRight(last.start, `${runtime}.result(`).appendLeft(last.end, ')')
  hoistImports(statements, text)
  for (const f of functions) {
    const id = f.id as Node
    text.appendRight(f.start, `${id.name as string} = `).remove(id.start, id.end).appendLeft(f.end, ';\n')
    if (f.start > 0) text.move(f.start, f.end, 0)
  }
  text.prepend(`"use strict";${hoisted.size ? `let ${[...hoisted].join(', ')};` : ''}\n`)
  return { declared: [...declared, ...hoisted].filter(name => !ofLowering.test(name)), imports, hasResult: last !== undefined }
}

/** Variables that lowering decorators and `using` adds. */
const ofLowering = /^(_usingCtx\d*|__esDecorate|__runInitializers|__propKey|__setFunctionName)$/

/** The names that a cell declares at its top level. */
export function topLevelNames(body: Node[]): string[] {
  const names: string[] = []
  walk(body, (node, parent, depth) => {
    if (node.type === 'VariableDeclaration' && (node.kind === 'var' ? depth === 0 : isTopLevel(node, parent))) {
      for (const { id } of node.declarations as Node[]) names.push(...boundNames(id as Node))
    } else if ((node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') && isTopLevel(node, parent) && node.id) {
      names.push((node.id as Node).name as string)
    } else if (node.type.startsWith('Import') && isNode(node.local)) names.push(node.local.name as string)
  })
  return names
}

const isTopLevel = (node: Node, parent: Node | undefined) => parent === undefined || (/^Export/.test(parent.type) && parent.declaration === node)

/** `var a = 1, b` anywhere outside functions becomes the assignment `(a = 1)`; its names are declared at the top. */
function hoistVariables(node: Node, parent: Node | undefined, text: MagicString, hoisted: Set<string>) {
  const declarators = node.declarations as Node[]
  for (const { id } of declarators) for (const name of boundNames(id as Node)) hoisted.add(name)
  const ofLoop = (parent?.type === 'ForOfStatement' || parent?.type === 'ForInStatement') && parent.left === node
  const first = declarators[0], end = declarators.at(-1)?.end ?? node.end
  if (!first) return
  if (ofLoop) { text.remove(node.start, first.start); return }
  if (declarators.every(declarator => !declarator.init)) { text.remove(node.start, end); return }
  text.update(node.start, first.start, '(')
  for (const { id, init, end } of declarators) if (!init) text.appendLeft(end, ` = ${(id as Node).name as string}`)
  text.appendLeft(end, ')')
}

/** A cell has nobody to export to: what is exported stays, the word goes. */
function unwrapExport(statement: Node, text: MagicString): Node[] {
  const declaration = statement.declaration as Node | null | undefined
  if (statement.type === 'ExportNamedDeclaration' && declaration) {
    text.remove(statement.start, declaration.start)
    return [declaration]
  }
  if (statement.type === 'ExportDefaultDeclaration' && declaration) {
    text.remove(statement.start, declaration.start)
    if (/Declaration$/.test(declaration.type) && declaration.id) return [declaration]
    return [{ type: 'ExpressionStatement', start: declaration.start, end: statement.end, expression: declaration }]
  }
  if (statement.type === 'ExportNamedDeclaration' || statement.type === 'ExportAllDeclaration') {
    const source = statement.source as Node | null
    text.update(statement.start, statement.end, source ? `await ${runtime}.import(${JSON.stringify(source.value)});` : ';')
    return []
  }
  return [statement]
}

function rewriteImport(statement: Node, text: MagicString, used: Set<string>): CellImport {
  const specifier = (statement.source as Node).value as string
  const attributes = (statement.attributes as Node[]).map(a => [(a.key as Node).name ?? (a.key as Node).value, (a.value as Node).value])
  const options = attributes.length ? JSON.stringify({ with: Object.fromEntries(attributes) }) : 'undefined'
  const bindings: string[] = [], names: string[] = [], needed: string[] = []
  let namespace: string | undefined
  for (const s of statement.specifiers as Node[]) {
    const local = (s.local as Node).name as string
    if (s.type === 'ImportNamespaceSpecifier') { namespace = local; continue }
    const imported = s.type === 'ImportDefaultSpecifier' ? 'default' : ((s.imported as Node).name ?? (s.imported as Node).value) as string
    names.push(imported)
    if (used.has(local)) needed.push(imported)
    bindings.push(`${JSON.stringify(imported)}: ${local}`)
  }
  const call = `await ${runtime}.import(${JSON.stringify(specifier)}, ${options}`
  const parts = [
    ...(namespace ? [`let ${namespace} = ${call});`] : []),
    ...(bindings.length ? [`let { ${bindings.join(', ')} } = ${call}, ${JSON.stringify(names)}, ${JSON.stringify(needed)});`] : []),
  ]
  text.update(statement.start, statement.end, (parts.length ? parts.join(' ') : `${call});`) + '\n')
  return { specifier, names: namespace ? ['*', ...names] : names }
}

/** As in a module, imports come before the rest. */
function hoistImports(statements: Node[], text: MagicString) {
  let late = false
  for (const statement of statements) {
    if (statement.type !== 'ImportDeclaration') late ||= statement.type !== 'FunctionDeclaration'
    else if (late) text.move(statement.start, statement.end, 0)
  }
}

/** The expression whose value the cell shows; the lowering of a top-level `using` has wrapped the cell in a try. */
function lastExpression(statements: Node[]): Node | undefined {
  const last = statements.findLast(statement => statement.type !== 'EmptyStatement' && statement.type !== 'FunctionDeclaration')
  if (last?.type === 'ExpressionStatement') return last.expression as Node
  if (last?.type !== 'TryStatement') return undefined
  const inner = (last.block as Node).body as Node[]
  const context = inner[0]?.type === 'VariableDeclaration' ? (inner[0].declarations as Node[])[0] : undefined
  return context && /^_usingCtx/.test(((context.id as Node).name ?? '') as string) ? lastExpression(inner) : undefined
}
