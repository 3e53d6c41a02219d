// A notebook in the browser, as a reader and a typist know it: cells by number, what stands below them, keys.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium'
export const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

/** Writes a notebook of code cells for our kernel. */
export function writeNotebook(path, cells, metadata = {}) {
  writeFileSync(path, JSON.stringify({
    nbformat: 4, nbformat_minor: 5, metadata: { kernelspec: { name: 'afinar', display_name: 'TypeScript (afinar)', language: 'typescript' }, language_info: { name: 'typescript' }, ...metadata },
    cells: cells.map((source, i) => ({ id: `cell-${i + 1}`, cell_type: 'code', metadata: {}, source, outputs: [], execution_count: null })),
  }))
}

export class NotebookPage {
  constructor(page, shots) { this.page = page; this.shots = shots }

  async open(jupyter, name, app = 'lab') {
    const path = app === 'lab' ? `lab/workspaces/auto-${Date.now()}/tree/${name}` : `notebooks/${name}`
    await this.page.goto(`${jupyter.url}/${path}?token=${jupyter.token}`)
    await this.page.waitForSelector('.jp-Notebook .jp-CodeCell .cm-content', { timeout: 60_000 })
  }

  /** Resolves when the kernel is there and idle. */
  async idle(timeout = 60_000) {
    await this.page.waitForFunction(() => {
      const app = window.jupyterapp, widget = app?.shell.currentWidget
      return widget?.sessionContext?.session?.kernel?.status === 'idle'
    }, undefined, { timeout })
  }

  async kernelStatus() { return this.page.evaluate(() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status) }

  cell(number) { return this.page.locator('.jp-Notebook .jp-Cell').nth(number - 1) }
  outputs(number) { return this.cell(number).locator('.jp-OutputArea-output') }

  async select(number) {
    await this.page.evaluate((index) => {
      const notebook = window.jupyterapp.shell.currentWidget.content
      notebook.activeCellIndex = index
      notebook.deselectAll()
      return notebook.scrollToItem?.(index, 'smart')
    }, number - 1)
  }

  /** Brings a cell's outputs into sight: Lab attaches what is far away only when it comes near. */
  async look(number) {
    await this.select(number)
    await this.cell(number).locator('.jp-Cell-outputArea').evaluate((area) => { area.scrollIntoView({ block: 'start' }) })
  }

  /** The active cell's number. */
  async active() { return this.page.evaluate(() => window.jupyterapp.shell.currentWidget.content.activeCellIndex + 1) }

  /** Gives the keyboard to the notebook, outside of any editor. */
  async focus() {
    await this.page.evaluate(() => {
      const notebook = window.jupyterapp.shell.currentWidget.content
      notebook.mode = 'command'
      notebook.node.focus()
      notebook.activate()
    })
  }

  /** Shift+Enter: runs the active cell and goes on to the next. */
  async press() { await this.page.keyboard.press('Shift+Enter') }

  /** What the notebook keeps below a cell, as it would be saved: also where it is out of sight. */
  async kept(number) {
    return this.page.evaluate((index) => window.jupyterapp.shell.currentWidget.content.widgets[index].model.outputs.toJSON(), number - 1)
  }

  /** Starts a cell and doesn't wait for its end. */
  async start(number) {
    await this.select(number)
    await this.page.evaluate(() => { void window.jupyterapp.commands.execute('notebook:run-cell') })
  }

  /** Runs a cell to its end. */
  async run(number, timeout = 60_000) {
    await this.start(number)
    await this.done(number, timeout)
  }

  /** Waits until the cell has its execution count: the prompt shows [*] before. */
  async done(number, timeout = 60_000) {
    await this.page.waitForFunction((index) => /\[\d+\]/.test(document.querySelectorAll('.jp-Notebook .jp-Cell')[index]?.querySelector('.jp-InputPrompt')?.textContent ?? ''), number - 1, { timeout })
  }

  async interrupt() { await this.command('notebook:interrupt-kernel') }
  async save() { await this.command('docmanager:save') }
  async command(name, args = {}) { return this.page.evaluate(([id, given]) => window.jupyterapp.commands.execute(id, given).then(() => {}), [name, args]) }

  async shot(name) { await this.page.screenshot({ path: join(this.shots, `${name}.png`) }) }

  /** Watches a cell's outputs frame by frame from now on; call the result for what was seen. */
  async watch(number) {
    await this.page.evaluate((index) => {
      const cell = document.querySelectorAll('.jp-Notebook .jp-Cell')[index]
      const seen = { frames: 0, curves: [], heights: [], outputs: 0, gaps: 0 }
      let missing = 0
      window.watched = seen
      const look = () => {
        if (window.watched !== seen) return
        const svg = cell.querySelector('.jp-OutputArea-output svg[role=img]')
        const d = svg?.querySelector('path[stroke-opacity="0.5"]')?.getAttribute('d') ?? ''
        seen.frames++
        seen.outputs = Math.max(seen.outputs, cell.querySelectorAll('.jp-OutputArea-output').length)
        if (d && d !== seen.curves.at(-1)?.d) seen.curves.push({ d, time: performance.now() })
        // a gap is a frame without a picture before another one with it: at the end the figure takes its place for good
        if (svg) { seen.gaps += missing; missing = 0; seen.heights.push(svg.getBoundingClientRect().height) } else if (seen.curves.length) missing++
        requestAnimationFrame(look)
      }
      look()
    }, number - 1)
    return () => this.page.evaluate(() => { const seen = window.watched; window.watched = undefined; return seen })
  }
}
