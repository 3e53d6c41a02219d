// What a reader sees in JupyterLab and Notebook 7, step by step. Each test goes on where the one before it stopped.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cells, number } from './notebook.mjs'
import { NotebookPage, writeNotebook } from './page.mjs'

export function tests({ jupyter, browser, shots, app }) {
  const file = `${app}.ipynb`
  let notebook
  return [
    ['opens a notebook and gets a kernel', async () => {
      writeNotebook(join(jupyter.work, file), Object.values(cells))
      const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } })
      notebook = new NotebookPage(await context.newPage(), shots)
      await notebook.open(jupyter, file, app)
      await notebook.idle()
    }],
    ['runs a cell and shows its result', async () => {
      await notebook.run(number('result'))
      assert.equal((await notebook.outputs(number('result')).first().innerText()).trim(), '42')
    }],
    ['shows a figure, interactive', async () => {
      await notebook.run(number('figure'))
      const output = notebook.cell(number('figure'))
      await output.locator('.js-plotly-plot .main-svg').first().waitFor({ timeout: 30_000 })
      const box = await output.locator('.js-plotly-plot').boundingBox()
      assert.ok(box.height > 200, `the figure is ${box.height} pixels high`)
      await notebook.shot(`${app}-figure`)
    }],
    ['completes a name under the keys', async () => {
      const { page } = notebook
      await notebook.select(number('completion'))
      await notebook.cell(number('completion')).locator('.cm-content').click()
      await page.keyboard.press('Control+End')
      await page.keyboard.press('Tab')
      await page.waitForFunction(() => document.querySelector('.cm-content')?.ownerDocument.body.innerText.includes('photographs') && (document.querySelector('.jp-Completer') || [...document.querySelectorAll('.jp-Notebook .jp-Cell')].some((cell) => /photographs[\s\S]*photographs/.test(cell.querySelector('.cm-content')?.textContent ?? ''))), undefined, { timeout: 15_000 })
      await notebook.shot(`${app}-completion`)
      await page.keyboard.press('Enter')
      await page.keyboard.press('Escape')
      assert.match(await notebook.cell(number('completion')).locator('.cm-content').innerText(), /\n?photographs\s*$/)
    }],
    ['calls a function again when its slider is moved', async () => {
      const n = number('slider'), cell = notebook.cell(n), answer = cell.locator('.answer'), slider = cell.locator('input[type=range]')
      await notebook.run(n)
      await slider.waitFor({ timeout: 30_000 })
      await answer.getByText('square 100').waitFor()
      await slider.focus()
      for (let i = 0; i < 3; i++) await notebook.page.keyboard.press('ArrowRight')
      await answer.getByText('square 169').waitFor({ timeout: 10_000 })
      const { x, y, width, height } = await slider.boundingBox(), { mouse } = notebook.page
      await mouse.move(x + width * 0.65, y + height / 2)
      await mouse.down()
      for (let i = 1; i <= 10; i++) await mouse.move(x + width * (0.65 - 0.06 * i), y + height / 2)
      await mouse.move(x + 1, y + height / 2)
      await mouse.up()
      await answer.getByText('square 0', { exact: true }).waitFor({ timeout: 10_000 })
      await slider.fill('2')
      await answer.getByText('square 4', { exact: true }).waitFor({ timeout: 10_000 })
      await cell.locator('select').selectOption('power')
      await answer.getByText('power 4', { exact: true }).waitFor({ timeout: 10_000 })
      assert.equal(await answer.count(), 1, 'the answer is replaced in place')
      await notebook.shot(`${app}-slider`)
    }],
    ['takes buffers from the browser\'s model to the kernel\'s and back', async () => {
      const n = number('buffers')
      await notebook.run(n)
      await notebook.cell(n).getByText('got 3 bytes').waitFor({ timeout: 30_000 })
      await notebook.run(number('answered'))
      assert.match(await notebook.outputs(number('answered')).innerText(), /^'\[\[2,4,6\],\[\{"said":"sent"\},\[2,4,6\]\]\]'\s*$/)
      await notebook.run(number('setAgain'))
      assert.match(await notebook.outputs(number('setAgain')).innerText(), /\[\[200,0,14,18\],\{"n":5,"name":"power"\}\]/)
      await notebook.look(n)
      await notebook.cell(n).getByText('got 4 bytes').waitFor()
      await notebook.look(number('slider'))
      await notebook.cell(number('slider')).locator('.answer').getByText('power 25').waitFor()
      assert.equal(await notebook.cell(number('slider')).locator('input[type=range]').inputValue(), '5')
    }],
    ['shows a type error before the cell runs', async () => {
      await notebook.run(number('typeError'))
      assert.match(await notebook.outputs(number('typeError')).first().innerText(), /not assignable to type 'number'/)
      await notebook.shot(`${app}-type-error`)
    }],
    ['moves the curves in place while it trains, without a flicker', async () => {
      await notebook.select(number('training'))
      const seen = await notebook.watch(number('training'))
      await notebook.start(number('training'))
      await notebook.page.waitForTimeout(3500)
      await notebook.look(number('training'))
      await notebook.shot(`${app}-training`)
      await notebook.done(number('training'))
      await notebook.look(number('training'))
      const { curves, heights, outputs, gaps, frames } = await seen()
      const times = curves.slice(1).map(({ time }, i) => time - curves[i].time)
      process.stdout.write(`    ${frames} frames, ${curves.length} pictures, ${gaps} frames without one, median ${times.sort((a, b) => a - b)[times.length >> 1]?.toFixed(0)} ms between two\n`)
      assert.ok(curves.length >= 8, `the curve moved ${curves.length} times`)
      assert.ok(curves.at(-1).d.length > curves[0].d.length)
      assert.ok(Math.max(...heights) - Math.min(...heights) < 2, 'the picture keeps its height')
      assert.ok(outputs <= 3, `${outputs} outputs`)
      assert.equal(gaps, 0)
    }],
    ['ends with the interactive figure, the table and the verdict, at little cost', async () => {
      const cell = notebook.cell(number('training'))
      await cell.locator('.js-plotly-plot .main-svg').first().waitFor({ timeout: 30_000 })
      const text = await cell.locator('.jp-Cell-outputArea').innerText()
      assert.match(text, /Finished after 6 epochs/)
      assert.match(text, /overfitting since epoch 5/)
      assert.equal(await cell.locator('tbody tr').count(), 6)
      const share = Number((await notebook.outputs(number('training')).last().innerText()).trim())
      process.stdout.write(`    the view took ${(100 * share).toFixed(1)} % of the processor's time, the loop itself and its start included\n`)
      assert.ok(share < 0.08, `the view took ${share}`)
      await notebook.look(number('training'))
      await notebook.shot(`${app}-trained`)
      await notebook.command('apputils:change-theme', { theme: 'JupyterLab Dark' })
      await notebook.page.waitForTimeout(1500)
      await notebook.shot(`${app}-trained-dark`)
      await notebook.command('apputils:change-theme', { theme: 'JupyterLab Light' })
    }],
    ['stops in the middle, keeps what was best, and goes on', async () => {
      await notebook.start(number('stopped'))
      await notebook.cell(number('stopped')).locator('tbody tr').nth(1).waitFor({ timeout: 30_000 })
      const start = Date.now()
      await notebook.interrupt()
      await notebook.done(number('stopped'), 15_000)
      process.stdout.write(`    Stop → the cell's end: ${Date.now() - start} ms, the last figure included\n`)
      assert.match(await notebook.cell(number('stopped')).locator('.jp-Cell-outputArea').innerText(), /Stopped after \d+ epochs? of 40[\s\S]*stopped/)
      await notebook.run(number('after'))
      assert.match(await notebook.outputs(number('after')).first().innerText(), /42/)
    }],
    ['fine-tunes a real network, its curve moving, and keeps its best weights when stopped', async () => {
      const cell = notebook.cell(number('fineTune'))
      await notebook.select(number('fineTune'))
      const seen = await notebook.watch(number('fineTune'))
      await notebook.start(number('fineTune'))
      await cell.locator('tbody tr').nth(2).waitFor({ timeout: 180_000 })
      await notebook.look(number('fineTune'))
      await notebook.shot(`${app}-fine-tune`)
      const start = Date.now()
      await notebook.interrupt()
      await notebook.done(number('fineTune'), 60_000)
      const { curves, gaps } = await seen()
      process.stdout.write(`    ${curves.length} pictures; Stop → the cell's end: ${Date.now() - start} ms\n`)
      assert.ok(curves.length >= 3, `the curve moved ${curves.length} times`)
      assert.equal(gaps, 0)
      assert.match(await notebook.outputs(number('fineTune')).last().innerText(), /stopped \d+/)
      await notebook.run(number('evaluation'), 60_000)
      assert.match(await notebook.outputs(number('evaluation')).last().innerText(), /^0\.\d+/)
    }],
    ['halves the learning rate and stops by the buttons under the curves, which then go', async () => {
      const cell = notebook.cell(number('buttons'))
      await notebook.start(number('buttons'))
      await notebook.look(number('buttons'))
      await cell.locator('button[data-action="lower"]').click({ timeout: 60_000 })
      await cell.getByText('From here on the learning rate is').waitFor({ timeout: 60_000 })
      await cell.locator('tbody tr').first().waitFor({ timeout: 60_000 })
      const start = Date.now()
      await cell.locator('button[data-action="stop"]').click()
      await notebook.done(number('buttons'), 60_000)
      process.stdout.write(`    Stop → the cell's end: ${Date.now() - start} ms\n`)
      assert.match(await notebook.outputs(number('buttons')).last().innerText(), /stopped 0\.0002 0\.0001/)
      assert.equal(await cell.locator('button[data-action]').count(), 0)
    }],
    ['keeps its pictures in the saved file and shows them again without a kernel', async () => {
      await notebook.save()
      const saved = JSON.parse(readFileSync(join(jupyter.work, file), 'utf8'))
      const bundles = saved.cells.flatMap(({ outputs }) => outputs).map(({ data }) => data).filter(Boolean)
      assert.equal(bundles.filter((data) => data['application/vnd.plotly.v1+json'] && data['image/svg+xml']).length, 5)
      for (const { id } of await jupyter.api('sessions')) await jupyter.api(`sessions/${id}`, { method: 'DELETE' })
      jupyter.removeKernel()
      // nor may Lab choose another installation of the kernel by name or language
      saved.metadata.kernelspec = { name: 'gone', display_name: 'gone', language: 'gone' }
      saved.metadata.language_info = { name: 'gone' }
      writeFileSync(join(jupyter.work, file), JSON.stringify(saved))
      const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } })
      const again = new NotebookPage(await context.newPage(), shots)
      await again.open(jupyter, file, app)
      await again.page.locator('.jp-Dialog button').first().click({ timeout: 30_000 }) // "Select kernel", of which there is none
      await again.look(number('training'))
      const cell = again.cell(number('training'))
      // Lab's renderer keeps a PNG of what it drew and becomes interactive under the mouse
      const picture = cell.locator('.jp-RenderedPlotly img.plot-img, .jp-RenderedPlotly .main-svg').first()
      await picture.waitFor({ timeout: 30_000 })
      await again.shot(`${app}-reopened`)
      await cell.locator('.jp-RenderedPlotly').hover()
      await cell.locator('.js-plotly-plot .main-svg').first().waitFor({ timeout: 30_000 })
      assert.equal(await cell.locator('tbody tr').count(), 6)
      assert.equal(await again.page.evaluate(() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel ?? null), null)
      await context.close()
    }],
  ]
}
