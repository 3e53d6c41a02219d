// What a cell says at its top level: its statements, the names it declares, its imports and its awaits.
// Syntax only. Not here: types, nor what becomes of these facts (earlier.ts, completeness.ts).
import { parseSync } from 'oxc-parser'

export type NameKind = 'const' | 'let' | 'function' | 'class' | 'enum' | 'interface' | 'type' | 'namespace' | 'import'

/** A node of the ESTree that oxc gives, as loosely as it is read here. Offsets are UTF-16 units. */
export interface Node { type: string; start: number; end: number; [key: string]: unknown }

export interface SyntaxProblem { message: string; start: number; end: number }

export interface Cell {
  /** The code with lone surrogates replaced by U+FFFD, which is as long. */
  code: string
  /** Empty when the cell cannot be parsed. */
  statements: Node[]
  problems: SyntaxProblem[]
  /** Names declared at the top level, `var`s of inner blocks included. */
  names: Map<string, NameKind>
  /** `var`s that inner blocks declare. */
  hoisted: string[]
  /** An object literal such as `{ a: 1, b: 2 }`, which is read as in parentheses. */
  isObject: boolean
}

/** Reads a cell. Never throws; a cell that cannot be parsed has `problems`, and names found by their keywords. */
export function readCell(source: string): Cell {
  const code = (source as unknown as { toWellFormed(): string }).toWellFormed() // ES2024; Node has it since 20
  const isObject = isObjectLiteral(code)
  const parsed = isObject ? { statements: [], problems: [] } : parse(code)
  const names = new Map<string, NameKind>()
  const hoisted: string[] = []
  for (const statement of parsed.statements) {
    for (const [name, kind] of declaredBy(statement)) if (!names.has(name) || !isTypeOnly(kind)) names.set(name, kind)
  }
  for (const statement of parsed.statements) {
    if (declaration(statement) !== undefined) continue
    for (const name of innerVars(statement)) {
      if (names.has(name)) continue
      names.set(name, 'let')
      hoisted.push(name)
    }
  }
  if (parsed.problems.length > 0) for (const [name, kind] of namesByKeyword(code)) names.set(name, kind)
  return { code, ...parsed, names, hoisted, isObject }
}

/** Whether a cell in braces is an object, as `{ a: 1 }` is for V8's consoles too, and not a block. */
export function isObjectLiteral(code: string): boolean {
  return /^\s*\{/.test(code) && /\}\s*$/.test(code) && parse(`(${code}\n)`).problems.length === 0
}

function parse(code: string): { statements: Node[]; problems: SyntaxProblem[] } {
  const result = parseSync('cell.ts', code, { lang: 'ts', sourceType: 'module', astType: 'ts' })
  const problems = result.errors.map(error => ({
    message: error.message, start: error.labels[0]?.start ?? 0, end: error.labels[0]?.end ?? 0,
  }))
  // The tree is only turned into objects when it is asked for; a broken cell has none.
  return { problems, statements: problems.length > 0 ? [] : result.program.body as unknown as Node[] }
}

const DECLARATIONS: Readonly<Record<string, NameKind>> = {
  FunctionDeclaration: 'function', TSDeclareFunction: 'function', ClassDeclaration: 'class', TSEnumDeclaration: 'enum',
  TSInterfaceDeclaration: 'interface', TSTypeAliasDeclaration: 'type', TSModuleDeclaration: 'namespace', TSImportEqualsDeclaration: 'import',
}

/** The declaration in a statement, `export` or not; undefined for a statement that declares nothing. */
export function declaration(statement: Node): Node | undefined {
  const inner = statement.type === 'ExportNamedDeclaration' ? statement.declaration as Node | null : statement
  return inner != null && (inner.type === 'VariableDeclaration' || DECLARATIONS[inner.type] !== undefined) ? inner : undefined
}

function declaredBy(statement: Node): [string, NameKind][] {
  if (statement.type === 'ImportDeclaration') {
    return (statement.specifiers as Node[]).map(specifier => [(specifier.local as { name: string }).name, 'import'])
  }
  const node = declaration(statement)
  if (node === undefined) return []
  if (node.type === 'VariableDeclaration') {
    const kind = node.kind === 'let' || node.kind === 'var' ? 'let' : 'const'
    return (node.declarations as Node[]).flatMap(each => boundNames(each.id as Node)).map(name => [name, kind])
  }
  const name = (node.id as { name?: string } | null)?.name
  return name === undefined || node.kind === 'global' ? [] : [[name, DECLARATIONS[node.type] ?? 'const']]
}

function isTypeOnly(kind: NameKind): boolean {
  return kind === 'interface' || kind === 'type' || kind === 'namespace'
}

/** Names that a pattern binds: `{ a, b: [c] }` → a, c. */
export function boundNames(pattern: Node | null): string[] {
  if (pattern === null) return []
  switch (pattern.type) {
    case 'Identifier': return [pattern.name as string]
    case 'ObjectPattern': return (pattern.properties as Node[]).flatMap(property => boundNames((property.value ?? property.argument) as Node))
    case 'ArrayPattern': return (pattern.elements as (Node | null)[]).flatMap(boundNames)
    case 'AssignmentPattern': return boundNames(pattern.left as Node)
    case 'RestElement': return boundNames(pattern.argument as Node)
    default: return []
  }
}

const OWN_SCOPE = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression', 'ClassDeclaration', 'ClassExpression', 'TSModuleDeclaration'])

/** Visits the nodes of a statement that run in the cell's own scope: not what is inside functions, classes, namespaces. */
export function visitOwn(node: Node, visit: (node: Node) => void): void {
  visit(node)
  if (OWN_SCOPE.has(node.type)) return
  for (const key in node) {
    const value = node[key]
    if (value === null || typeof value !== 'object') continue
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) visitOwn(item, visit)
    } else if (isNode(value)) visitOwn(value, visit)
  }
}

function isNode(value: unknown): value is Node {
  return typeof (value as Node | null)?.type === 'string'
}

function innerVars(statement: Node): string[] {
  const names: string[] = []
  visitOwn(statement, node => {
    if (node.type === 'VariableDeclaration' && node.kind === 'var') for (const each of node.declarations as Node[]) names.push(...boundNames(each.id as Node))
  })
  return names
}

/** Good enough while a cell is being typed: names right after a declaring keyword at the start of a line. */
export function namesByKeyword(code: string): [string, NameKind][] {
  const kinds: Readonly<Record<string, NameKind>> = { const: 'const', let: 'let', var: 'let', function: 'function', class: 'class', enum: 'enum', interface: 'interface', type: 'type', namespace: 'namespace' }
  return [...code.matchAll(/^(?:export\s+)?(?:declare\s+|async\s+|abstract\s+)*(const|let|var|function|class|enum|interface|type|namespace)[\s*]+([\p{ID_Start}$_][\p{ID_Continue}$]*)/gmu)]
    .map(match => [match[2] ?? '', kinds[match[1] ?? ''] ?? 'const'])
}
