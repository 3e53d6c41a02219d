// The tutorial as a reader walks through it: Shift+Enter from cell to cell, the curves while it trains, Stop in the middle, save and reopen.
import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { NotebookPage } from './page.mjs'

const name = '01-fine-tune-images.ipynb'
const notebooks = resolve(import.meta.dirname, '../../notebooks')

export function tests({ jupyter, browser, shots, app }) {
  const folder = join(jupyter.work, 'notebooks'), file = join(folder, name)
  let notebook, cells
  /** The number of the only code cell whose source matches. */
  const number = (source) => {
    const found = cells.flatMap(({ cell_type, source: lines }, i) => cell_type === 'code' && source.test([lines].flat().join('')) ? [i + 1] : [])
    assert.equal(found.length, 1, `${source} is in cells ${found}`)
    return found[0]
  }
  const text = async (n) => (await notebook.kept(n)).map(({ text, data, traceback }) => [text ?? traceback ?? [data['text/plain'], data['text/html']]].flat(2).join('\n')).join('\n')
  /** Nothing red: no error, and nothing on standard error that would frighten a beginner. */
  const fine = async (n) => {
    const bad = (await notebook.kept(n)).filter(({ output_type, name }) => output_type === 'error' || name === 'stderr')
    assert.deepEqual(bad, [], `cell ${n}`)
  }
  /** Shift+Enter from the active cell up to and with `last`; each must end well before the next is touched. */
  const walk = async (last) => {
    for (let at = await notebook.active(); at <= last; at++) {
      assert.equal(await notebook.active(), at, 'Shift+Enter goes on to the next cell')
      await notebook.press()
      if (cells[at - 1].cell_type !== 'code') continue
      await notebook.done(at, 240_000)
      await fine(at)
    }
  }

  return [
    ['opens the tutorial, cleared, with its parameters set to quick', async () => {
      cpSync(notebooks, folder, { recursive: true, filter: (path) => !/notebooks[\\/](models|runs)|checkpoints/.test(path) })
      const copy = JSON.parse(readFileSync(file, 'utf8'))
      cells = copy.cells
      for (const cell of cells) if (cell.cell_type === 'code') Object.assign(cell, { outputs: [], execution_count: null })
      const parameters = cells.find(({ metadata }) => metadata.tags?.includes('parameters'))
      parameters.source = [parameters.source].flat().join('').replace('quick = false', 'quick = true')
      assert.match(parameters.source, /quick = true/)
      writeFileSync(file, JSON.stringify(copy))
      const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } })
      notebook = new NotebookPage(await context.newPage(), shots)
      await notebook.open(jupyter, `notebooks/${name}`, app)
      await notebook.idle()
      await notebook.select(1)
      await notebook.focus()
    }],
    ['goes from cell to cell up to the training', async () => {
      await walk(number(/const learningRate =/))
      assert.match(await text(number(/^const pictograms/)), /animal[\s\S]*food[\s\S]*place/)
      assert.match(await text(number(/findLearningRate\(/)), /\S/)
      await walk(number(/^const run = fineTune/) - 1)
    }],
    ['moves the curve while it trains, and Stop in the middle keeps the best weights', async () => {
      const shown = number(/^const run = fineTune/), awaited = number(/^const result = await run/)
      const seen = await notebook.watch(shown)
      await notebook.press()
      await notebook.done(shown)
      await notebook.press()
      await notebook.look(shown)
      await notebook.cell(shown).locator('tbody tr').first().waitFor({ timeout: 240_000 })
      // the head alone is trained within a moment; it is the whole network whose curve is watched
      await notebook.page.waitForFunction(() => window.watched.curves.length >= 4, undefined, { timeout: 120_000 })
      await notebook.shot(`${app}-tutorial-training`)
      assert.equal(await notebook.kernelStatus(), 'busy')
      const start = Date.now()
      await notebook.interrupt()
      await notebook.done(awaited, 60_000)
      const { curves, gaps } = await seen()
      process.stdout.write(`    ${curves.length} pictures; Stop → the cell's end: ${Date.now() - start} ms\n`)
      assert.ok(curves.length >= 4, `the curve moved ${curves.length} times`)
      assert.equal(gaps, 0)
      await fine(awaited)
      assert.match(await text(shown), /Stopped after [12] epochs? of/)
      await notebook.shot(`${app}-tutorial-stopped`)
    }],
    ['goes on with what was best', async () => {
      await notebook.select(number(/^const onNoto = /))
      await walk(number(/^const adapting = /) - 1)
      assert.match(await text(number(/^const onTwemoji = /)), /Noto \d+\.\d %/)
    }],
    ['stops a training whose cell has ended already', async () => {
      const adapting = number(/^const adapting = /)
      await notebook.press()
      await notebook.done(adapting)
      await notebook.look(adapting)
      await notebook.cell(adapting).locator('svg[role=img] path[stroke-opacity="0.5"]').first().waitFor({ timeout: 60_000 })
      assert.equal(await notebook.kernelStatus(), 'idle')
      await notebook.interrupt()
      await notebook.cell(adapting).getByText(/Stopped after/).first().waitFor({ timeout: 30_000 })
      await notebook.select(adapting + 1)
      await walk(cells.length)
      assert.match(await text(number(/^await adapted\.save/)), /Loaded again: \d+\.\d %/)
    }],
    ['shows everything again when it is saved and reopened', async () => {
      await notebook.save()
      const saved = JSON.parse(readFileSync(file, 'utf8'))
      const committed = JSON.parse(readFileSync(join(notebooks, name), 'utf8'))
      const figures = ({ cells }) => cells.flatMap(({ outputs = [] }) => outputs).filter(({ data }) => data?.['application/vnd.plotly.v1+json'] && data['image/svg+xml']).length
      // the training that was stopped within its first epoch has no curve to be interactive
      assert.ok(figures(saved) >= figures(committed) - 1, `${figures(saved)} figures of ${figures(committed)}`)
      for (const { id } of await jupyter.api('sessions')) await jupyter.api(`sessions/${id}`, { method: 'DELETE' })
      const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } })
      notebook = new NotebookPage(await context.newPage(), shots)
      await notebook.open(jupyter, `notebooks/${name}`, app)
      for (const n of [number(/^const run = fineTune/), number(/^const bar = /)]) {
        await notebook.look(n)
        await notebook.cell(n).locator('.jp-RenderedPlotly img.plot-img, .jp-RenderedPlotly .main-svg').first().waitFor({ timeout: 30_000 })
      }
      await notebook.shot(`${app}-tutorial-reopened`)
      await context.close()
    }],
  ]
}
