// JupyterLab's debugger on a cell of TypeScript: a breakpoint in the gutter, variables in the panel, a step, and on.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { NotebookPage, writeNotebook } from './page.mjs'

const cells = [
  'interface Shape { width: number; height: number }\n\nfunction area(shape: Shape): number {\n  const product = shape.width * shape.height\n  return product\n}',
  'const shapes: Shape[] = [{ width: 2, height: 3 }, { width: 4, height: 5 }]\nconst areas = shapes.map(area)\nareas.join()',
]

export function tests({ jupyter, browser, shots }) {
  let notebook
  const panel = () => notebook.page.locator('#jp-debugger-sidebar, .jp-DebuggerSidebar').first()
  const paused = () => notebook.page.locator('.jp-Notebook .jp-DebuggerEditor-highlight')
  return [
    ['turns the debugger on', async () => {
      writeNotebook(join(jupyter.work, 'debugger.ipynb'), cells)
      const context = await browser.newContext({ viewport: { width: 1400, height: 900 } })
      notebook = new NotebookPage(await context.newPage(), shots)
      await notebook.open(jupyter, 'debugger.ipynb')
      await notebook.idle()
      await notebook.run(1)
      const bug = notebook.page.locator('.jp-DebuggerBugButton').first()
      await bug.waitFor({ timeout: 20_000 })
      await notebook.page.waitForFunction(() => document.querySelector('.jp-DebuggerBugButton')?.getAttribute('aria-disabled') !== 'true', undefined, { timeout: 30_000 })
      await bug.click()
      await notebook.page.locator('.jp-DebuggerBugButton[aria-pressed=true]').first().waitFor({ timeout: 30_000 })
      await notebook.page.locator('.jp-Notebook .cm-breakpoint-gutter').first().waitFor({ timeout: 20_000 })
    }],
    ['stops at a breakpoint in a function of an earlier cell, and shows its variables', async () => {
      // Lab drops a click that comes before it has settled
      const placed = panel().getByText(/afinar_\d+.*\.ts/).first()
      for (let tries = 0; tries < 6 && !await placed.isVisible(); tries++) {
        await notebook.cell(1).locator('.cm-breakpoint-gutter .cm-gutterElement').nth(5).click() // the first is a spacer
        await placed.waitFor({ timeout: 4000 }).catch(() => {})
      }
      await notebook.start(2)
      await paused().first().waitFor({ timeout: 20_000 })
      assert.match(await paused().first().innerText(), /return product/)
      await panel().getByText('product').first().waitFor({ timeout: 20_000 })
      assert.match(await panel().innerText(), /product:?\s*6/)
      assert.match(await panel().innerText(), /area/)
      await notebook.shot('debugger')
    }],
    ['steps, goes on to the next stop, and to the end', async () => {
      await panel().locator('[title^="Continue"]').first().click()
      await notebook.page.waitForFunction(() => /product:?\s*20/.test((document.querySelector('#jp-debugger-sidebar') ?? document.querySelector('.jp-DebuggerSidebar')).innerText), undefined, { timeout: 20_000 })
      await panel().locator('[title^="Next"], [title^="Step Over"]').first().click()
      await notebook.page.waitForTimeout(500)
      await panel().locator('[title^="Continue"]').first().click()
      await notebook.done(2)
      assert.match(await notebook.outputs(2).first().innerText(), /'6,20'/)
    }],
    ['stops no more once it is turned off', async () => {
      await notebook.page.locator('.jp-DebuggerBugButton').first().click()
      await notebook.page.locator('.jp-DebuggerBugButton[aria-pressed=false]').first().waitFor({ timeout: 20_000 })
      await notebook.run(2)
      assert.match(await notebook.outputs(2).first().innerText(), /'6,20'/)
    }],
  ]
}
