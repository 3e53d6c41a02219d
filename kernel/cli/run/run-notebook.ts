// Executes a notebook, cell by cell, and says what happens in one stream of events. Not here: how that looks in a
// terminal (terminal.ts) or on a page (page.ts).
import { dirname, extname, resolve } from 'node:path'
import { writeFileSync } from 'node:fs'
import { chooseKernel } from './kernelspec.js'
import { Kernel } from './launch.js'
import { readNotebook, tagsOf, textOf, writeNotebook, type Cell, type MimeData, type Notebook, type Output } from './notebook.js'
import { Outputs } from './outputs.js'
import { injectParameters } from './parameters.js'

export interface RunOptions {
  notebook: string
  /** Where the notebook with its outputs goes. Default: over the notebook itself. */
  out?: string
  /** An HTML page as well: true for one beside the written notebook, or its path. */
  html?: boolean | string
  /** Values for the cell tagged `parameters`. */
  parameters?: Readonly<Record<string, unknown>>
  /** Name of a kernelspec. Default: this package's kernel, or the notebook's own where it is not TypeScript. */
  kernel?: string
  /** The kernel's folder. Default: the notebook's. */
  cwd?: string
  /** Go on after a cell that fails. */
  allowErrors?: boolean
  /** Longest time for one cell, in seconds. Default: none. */
  timeout?: number
  /** Told everything that happens, in order. */
  report?(event: RunEvent): void
  /** First abort: the running cell is stopped and the run ends after it. The outputs so far are written. */
  signal?: AbortSignal
  /** Ends the kernel at once. */
  killSignal?: AbortSignal
}

export type RunEvent =
  | { type: 'start'; notebook: string; kernel: string; cells: number }
  | { type: 'warning'; text: string }
  | { type: 'cell'; index: number; number: number; source: string }
  | { type: 'output'; index: number; data?: MimeData; text?: string; stream?: 'stdout' | 'stderr' }
  | { type: 'cell done'; index: number; number: number; seconds: number; status: CellStatus; source: string }
  | { type: 'written'; file: string }

export type CellStatus = 'ok' | 'error' | 'interrupted'

export interface RunResult {
  status: CellStatus
  notebook: Notebook
  file: string
  page?: string
  seconds: number
  cells: { index: number; seconds: number; status: CellStatus }[]
  /** The cell that ended the run; `number` counts code cells from 1. */
  failed?: { index: number; number: number; source: string; name: string; value: string; traceback: string[] }
}

/** A finished cell is written at the latest after so long (ms), so that a crash of the machine loses little. */
const WRITE_EVERY = 10_000

/**
 * Runs a notebook and writes its outputs.
 *
 * @throws Error when there is no such notebook or kernel. A cell that fails is no exception but `status: 'error'`.
 * @example const { status } = await runNotebook({ notebook: 'a.ipynb', out: 'b.ipynb', parameters: { quick: true } })
 */
export async function runNotebook(options: RunOptions): Promise<RunResult> {
  const began = performance.now()
  const report = options.report ?? (() => {})
  const source = resolve(options.notebook)
  const file = resolve(options.out ?? options.notebook)
  const cwd = resolve(options.cwd ?? dirname(source))
  const notebook = readNotebook(source)
  const spec = chooseKernel(notebook, options.kernel, cwd)
  const unknown = injectParameters(notebook, options.parameters ?? {}, spec.language)
  if (unknown.length > 0) report({ type: 'warning', text: `no cell tagged 'parameters' mentions ${unknown.join(', ')}` })
  const code = notebook.cells.map((cell, index) => ({ cell, index })).filter(({ cell }) => cell.cell_type === 'code' && textOf(cell.source).trim() !== '' && !tagsOf(cell).includes('skip-execution'))
  for (const cell of notebook.cells) {
    if (cell.cell_type !== 'code') continue
    cell.outputs = []
    cell.execution_count = null
  }
  report({ type: 'start', notebook: source, kernel: spec.displayName, cells: code.length })

  const result: RunResult = { status: 'ok', notebook, file, seconds: 0, cells: [] }
  const kernel = await Kernel.start(spec, cwd)
  notebook.metadata.kernelspec = { display_name: spec.displayName, language: spec.language, name: spec.name, ...(options.kernel === undefined ? notebook.metadata.kernelspec : {}) }
  if (typeof kernel.info.language_info === 'object' && kernel.info.language_info !== null) notebook.metadata.language_info = kernel.info.language_info as Record<string, unknown>
  const isStopped = (): boolean => options.signal?.aborted === true
  const interrupt = (): void => void kernel.interrupt().catch(() => {})
  const kill = (): void => kernel.kill()
  options.signal?.addEventListener('abort', interrupt)
  options.killSignal?.addEventListener('abort', kill)
  const outputs = new Outputs()
  let written = performance.now()
  try {
    for (const [position, { cell, index }] of code.entries()) {
      if (isStopped()) break
      const failure = await runCell(kernel, cell, index, position + 1, outputs, options, result)
      if (performance.now() - written > WRITE_EVERY) {
        writeNotebook(file, notebook)
        written = performance.now()
      }
      if (failure === undefined) continue
      result.failed = failure
      result.status = 'error'
      break
    }
    if (isStopped()) result.status = 'interrupted'
  } finally {
    options.signal?.removeEventListener('abort', interrupt)
    outputs.close()
    // Stopped before anything ran: what the file holds is worth more than nothing.
    if (result.cells.length > 0 || code.length === 0) {
      writeNotebook(file, notebook)
      report({ type: 'written', file })
    }
    await kernel.stop()
    options.killSignal?.removeEventListener('abort', kill)
  }
  if (options.html !== undefined && options.html !== false) {
    result.page = resolve(options.html === true ? `${file.slice(0, file.length - extname(file).length)}.html` : options.html)
    const { notebookPage } = await import('./page.js')
    writeFileSync(result.page, await notebookPage(notebook, { title: source }))
    report({ type: 'written', file: result.page })
  }
  result.seconds = (performance.now() - began) / 1000
  return result
}

/** Runs one cell; what it returns ends the run. */
async function runCell(kernel: Kernel, cell: Cell, index: number, number: number, outputs: Outputs, options: RunOptions, result: RunResult): Promise<RunResult['failed']> {
  const report = options.report ?? (() => {})
  const source = textOf(cell.source)
  const began = performance.now()
  const done = (status: CellStatus): void => {
    const seconds = (performance.now() - began) / 1000
    result.cells.push({ index, seconds, status })
    report({ type: 'cell done', index, number, seconds, status, source })
  }
  report({ type: 'cell', index, number, source })
  let tooLong = false
  const timer = options.timeout === undefined ? undefined : setTimeout(() => {
    tooLong = true
    void kernel.interrupt().catch(() => {})
  }, options.timeout * 1000)
  try {
    const tolerant = options.allowErrors === true || tagsOf(cell).includes('raises-exception')
    const reply = await kernel.client.execute(source, message => {
      if (!outputs.take(cell, message)) return
      const { data, text, name } = message.content as { data?: MimeData; text?: string; name?: 'stdout' | 'stderr' }
      report({ type: 'output', index, ...(data === undefined ? {} : { data }), ...(text === undefined ? {} : { text }), ...(name === undefined ? {} : { stream: name }) })
    }, !tolerant)
    if (reply.status === 'ok' && !tooLong) {
      done('ok')
      return undefined
    }
    const interrupted = options.signal?.aborted === true
    const error = cell.outputs?.find((output): output is Extract<Output, { output_type: 'error' }> => output.output_type === 'error')
    done(interrupted ? 'interrupted' : 'error')
    if (tolerant && !interrupted && !tooLong) return undefined
    return {
      index, number, source, name: tooLong ? 'Timeout' : reply.ename ?? error?.ename ?? reply.status,
      value: tooLong ? `the cell ran longer than ${options.timeout} s` : reply.evalue ?? error?.evalue ?? '', traceback: error?.traceback ?? reply.traceback ?? [],
    }
  } catch (error) {
    done(options.killSignal?.aborted === true ? 'interrupted' : 'error')
    const value = (error as Error).message
    cell.outputs?.push({ output_type: 'error', ename: 'KernelDied', evalue: value, traceback: [value] })
    return { index, number, source, name: 'KernelDied', value, traceback: [value] }
  } finally {
    clearTimeout(timer)
  }
}
