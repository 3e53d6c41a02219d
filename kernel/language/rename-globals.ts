// A cell may call its own variable `URL`, `Map` or `performance`. At a REPL's top level that would hide the global from every
// library in the process, so such a variable gets another name inside; every binding of that name in the cell goes along.
import type MagicString from 'magic-string'
import { isVariable, walk, type Node } from './syntax-tree.js'

/** What a cell's own variable is called inside when it has a global's name. */
export const insideName = (name: string) => `$$${name}`

export function renameGlobals(body: Node[], text: MagicString, names: ReadonlySet<string>) {
  walk(body, (node, parent) => {
    if (node.type === 'Property' && node.shorthand === true) {
      const key = node.key as Node
      if (names.has(key.name as string)) text.appendLeft(key.start, `${key.name as string}: `)
    } else if (node.type === 'ImportSpecifier') {
      const local = node.local as Node, imported = node.imported as Node
      if (local.start === imported.start && names.has(local.name as string)) text.appendLeft(local.start, `${local.name as string} as `)
    }
    if (isVariable(node, parent) && names.has(node.name as string)) text.update(node.start, node.end, insideName(node.name as string))
  })
}
