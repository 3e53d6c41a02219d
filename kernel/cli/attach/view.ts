// What a terminal shows of a kernel's journal: the latest training as it stands and the cells after it. Pure: no files, no time.
import { textOf } from '../run/notebook.js'
import { TRAIN_EVENT } from '../run/training.js'
import type { JournalCell } from '../../host/index.js'

/** Of a cell's printed text the last lines are shown. */
const LINES = 12

/** A training goes on after its cell has ended: its own last word tells. */
export const trains = (cell: JournalCell): boolean => eventsOf(cell).some((event) => event['end'] === undefined)

/** Whether anything goes on. A kernel that is gone has nothing going on, whatever its journal says. */
export const isBusy = (cells: readonly JournalCell[], alive = true): boolean => alive && cells.some((cell) => cell.running || trains(cell))

/** The present state: from the latest cell that trained on, or the latest cell alone, and whatever still runs. */
export function stateOf(cells: readonly JournalCell[], alive = true): string {
  const shown = cells.filter(({ code }) => code.trim() !== '')
  const training = shown.findLastIndex((cell) => eventsOf(cell).length > 0)
  const from = training >= 0 ? training : shown.length - 1
  const parts = shown.filter((cell, index) => index >= from || (cell.running && alive)).map((cell) => cellText(cell, alive))
  return parts.length > 0 ? parts.join('\n\n') : 'No cell has run yet.'
}

function cellText(cell: JournalCell, alive: boolean): string {
  const state = cell.running ? (alive ? 'running' : 'cut short: the kernel ended') : trains(cell) ? (alive ? 'training goes on' : 'training cut short: the kernel ended') : 'done'
  return [`[${cell.count}] ${state}  ${firstLine(cell.code)}`, ...cell.outputs.map(outputText).filter((text) => text !== '').map((text) => text.replace(/^/gm, '    '))].join('\n')
}

function outputText(output: Record<string, unknown>): string {
  if (output['output_type'] === 'stream') return lastLines(String(output['text']))
  if (output['output_type'] === 'error') return lastLines((output['traceback'] as string[]).join('\n') || `${String(output['ename'])}: ${String(output['evalue'])}`)
  const data = output['data'] as Record<string, string | string[]>
  return textOf(data['text/plain'] ?? data['text/markdown'] ?? `[${Object.keys(data).join(', ')}]`).trimEnd()
}

function lastLines(text: string): string {
  const lines = text.trimEnd().split('\n').map((line) => line.split('\r').filter((part) => part !== '').at(-1) ?? '')
  return lines.length <= LINES ? lines.join('\n') : [`… ${lines.length - LINES} lines`, ...lines.slice(-LINES)].join('\n')
}

const firstLine = (code: string): string => code.split('\n').map((line) => line.trim()).find((line) => line !== '') ?? ''

function eventsOf({ outputs }: JournalCell): Record<string, unknown>[] {
  return outputs.flatMap(({ data }) => {
    const event = (data as Record<string, unknown> | undefined)?.[TRAIN_EVENT]
    return typeof event === 'object' && event !== null ? [event as Record<string, unknown>] : []
  })
}
