// Makes waiting interruptible: every await and for-await passes through a helper that rejects once its cell is stopped.
// Not here: the helper (kernel/session/interruptible.ts).
import type MagicString from 'magic-string'
import { runtime } from './rewrite-cell.js'
import { walk, type Node } from './syntax-tree.js'

/** Cells have no loader behind them, so `import()` and `import.meta` are served by the runtime there; modules keep their own. */
export function rewriteAwaits(body: Node[], text: MagicString, options: { cell: boolean }) {
  walk(body, node => {
    if (node.type === 'AwaitExpression') {
      text.appendRight((node.argument as Node).start, `${runtime}.wait(`).appendLeft(node.end, ')')
    } else if (node.type === 'ForOfStatement' && node.await === true) {
      const right = node.right as Node
      text.appendRight(right.start, `${runtime}.iterate(`).appendLeft(right.end, ')')
    } else if (options.cell && node.type === 'ImportExpression') {
      text.update(node.start, node.start + 6, `${runtime}.import`)
    } else if (options.cell && node.type === 'MetaProperty' && (node.meta as Node).name === 'import') {
      text.update(node.start, node.end, `${runtime}.meta`)
    }
  })
}
