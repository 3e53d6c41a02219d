// The benchmark's record as the table that ends a notebook. `npm run bench -- finetune --seeds 3 --json` makes the record, results.jsonl, again.
import { readFileSync } from 'node:fs'

interface Line { name: string; value: number; unit: string; seed: number }

const escape = (text: string) => text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]!)
const format = (value: number, unit: string) => unit === 's' ? value.toFixed(value < 10 ? 1 : 0) : unit === 'BLEU' || unit === 'chrF' ? value.toFixed(1) : value.toFixed(3)

/**
 * What the benchmark recorded of `task`, a row for each system and measure: the mean over the seeds, and each seed's.
 * `python`: the figure that PyTorch, transformers or scikit-learn reach on the same rows, by "system, measure". `only`: the systems whose names hold it.
 */
export function results(task: string, python: Record<string, number> = {}, { only = '', file = 'data/results.jsonl' }: { only?: string | RegExp; file?: string } = {}) {
  const rows = new Map<string, { system: string; unit: string; values: number[] }>()
  for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean).map((text) => JSON.parse(text) as Line)) {
    if (!line.name.startsWith(`${task}: `) || line.name.endsWith(', wall')) continue
    const system = line.name.slice(task.length + 2)
    if (system.search(only) < 0) continue
    const key = `${system}, ${line.unit}`
    rows.set(key, { system, unit: line.unit, values: [...(rows.get(key)?.values ?? []), line.value] })
  }
  if (rows.size === 0) throw new Error(`Cannot show results of "${task}": ${file} holds none. Make them: npm run bench -- finetune --only ${task} --seeds 3 --json`)
  const unknown = Object.keys(python).filter((key) => !rows.has(key))
  if (unknown.length > 0) throw new Error(`Cannot compare "${unknown[0]}": the record has ${[...rows.keys()].join('; ')}`)
  const head = ['', 'measure', 'mean', 'each seed', ...(Object.keys(python).length > 0 ? ['Python'] : [])]
  const body = [...rows].map(([key, { system, unit, values }]) => [
    system, unit, format(values.reduce((a, b) => a + b, 0) / values.length, unit), values.map((value) => format(value, unit)).join('  '), ...(head.length > 4 ? [key in python ? format(python[key]!, unit) : ''] : []),
  ])
  const widths = head.map((_, i) => Math.max(...[head, ...body].map((row) => row[i]!.length)))
  const line = (row: string[]) => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ').trimEnd()
  const cells = (row: string[], tag: string) => `<tr>${row.map((cell, i) => `<${tag} style="text-align:${i < 2 ? 'left' : 'right'}">${escape(cell)}</${tag}>`).join('')}</tr>`
  const bundle = { 'text/html': `<table><thead>${cells(head, 'th')}</thead><tbody>${body.map((row) => cells(row, 'td')).join('')}</tbody></table>`, 'text/plain': [head, ...body].map(line).join('\n') }
  return { [Symbol.for('Jupyter.display')]: () => bundle, toString: () => bundle['text/plain'] }
}
