// Parsing JavaScript to a syntax tree and walking it; what a pattern binds. No edits here.
import { parseSync } from 'oxc-parser'

/** A node of the ESTree that oxc-parser returns. */
export interface Node { type: string; start: number; end: number; [key: string]: unknown }

export const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'

export function parseJavaScript(file: string, code: string): Node[] {
  const parsed = parseSync(file, code, { lang: 'js', sourceType: 'module' })
  try {
    return parsed.program.body as unknown as Node[]
  } catch { // the tree crosses from Rust as one string, which may be longer than V8's strings
    throw new RangeError(`Cannot run code of ${code.length} characters: it has too many expressions for one syntax tree. Split it into several cells; data belongs in a file.`)
  }
}

/** Calls `visit` for every node, parents first; `functionDepth` counts the functions and class bodies around it. */
export function walk(root: Node | Node[], visit: (node: Node, parent: Node | undefined, functionDepth: number) => void) {
  const stack: [Node, Node | undefined, number][] = (Array.isArray(root) ? root : [root]).toReversed().map(node => [node, undefined, 0])
  for (let top = stack.pop(); top; top = stack.pop()) {
    const [node, parent, depth] = top
    visit(node, parent, depth)
    const inner = depth + (opensFunction(node) ? 1 : 0)
    for (const key in node) {
      const child = node[key]
      if (isNode(child)) stack.push([child, node, inner])
      else if (Array.isArray(child)) for (const item of child) if (isNode(item)) stack.push([item, node, inner])
    }
  }
}

const opensFunction = (node: Node) => node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression'
  || node.type === 'ArrowFunctionExpression' || node.type === 'StaticBlock' || node.type === 'PropertyDefinition'

/** The names that a binding pattern declares. */
export function boundNames(pattern: Node): string[] {
  switch (pattern.type) {
    case 'Identifier': return [pattern.name as string]
    case 'AssignmentPattern': return boundNames(pattern.left as Node)
    case 'RestElement': return boundNames(pattern.argument as Node)
    case 'ArrayPattern': return (pattern.elements as (Node | null)[]).flatMap(element => element ? boundNames(element) : [])
    case 'ObjectPattern': return (pattern.properties as Node[]).flatMap(property => boundNames(property.type === 'RestElement' ? property : property.value as Node))
    default: return []
  }
}

/** Whether an identifier stands for a variable, not for the name of a property, a label or an import's far side. */
export function isVariable(node: Node, parent: Node | undefined): boolean {
  if (node.type !== 'Identifier') return false
  switch (parent?.type) {
    case 'MemberExpression': return parent.property !== node || parent.computed === true
    case 'Property': case 'MethodDefinition': case 'PropertyDefinition': case 'AccessorProperty': return parent.key !== node || parent.computed === true || parent.value === node
    case 'LabeledStatement': case 'BreakStatement': case 'ContinueStatement': case 'MetaProperty': case 'ExportSpecifier': return false
    case 'ImportSpecifier': return parent.local === node
    default: return true
  }
}
