// The notebook in a real browser: Chromium against JupyterLab (and Notebook 7 where it is installed).
//   node tests/browser/run.mjs [lab | notebook] [features | tutorial | debugger]      AFINAR_SHOTS=folder keeps the screenshots there
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chromium as driver } from 'playwright-core'
import { startJupyter } from './jupyter.mjs'
import { chromium, flags } from './page.mjs'
import { tests } from './lab.test.mjs'
import { tests as tutorial } from './tutorial.test.mjs'
import { tests as debugging } from './debugger.test.mjs'

const root = resolve(import.meta.dirname, '../..')
const missing = [[chromium, 'Chromium (apt-get install chromium, or CHROMIUM=path)'], [join(root, '.venv/bin/jupyter-lab'), 'JupyterLab in .venv (npm run setup)'], [join(root, 'dist/kernel/host/main.js'), 'the build (npm run build)']].filter(([path]) => !existsSync(path))
if (missing.length) {
  process.stdout.write(`skipped, missing here: ${missing.map(([, what]) => what).join('; ')}\n0 passed, 0 failed\n`)
  process.exit(0)
}

const home = mkdtempSync(join(tmpdir(), 'afinar-browser-'))
const shots = process.env.AFINAR_SHOTS ?? join(home, 'shots')
mkdirSync(shots, { recursive: true })
const words = process.argv.slice(2)
const chosen = (...names) => names.filter((name) => words.includes(name) || !words.some((word) => names.includes(word)))
const apps = chosen('lab', 'notebook').filter((app) => existsSync(join(root, `.venv/bin/jupyter-${app}`)))
const courses = { features: { tests, apps: ['lab', 'notebook'] }, tutorial: { tests: tutorial, apps: ['lab'] }, debugger: { tests: debugging, apps: ['lab'] } }
let passed = 0, failed = 0
for (const app of apps) {
  const jupyter = await startJupyter(join(home, app), app)
  const browser = await driver.launch({ executablePath: chromium, args: flags })
  let broken = false
  const steps = chosen(...Object.keys(courses)).filter((course) => courses[course].apps.includes(app)).flatMap((course) => courses[course].tests({ jupyter, browser, shots, app }))
  for (const [name, test] of steps) {
    if (broken && failed > 3) { failed++; process.stdout.write(`  ✗ ${app}: ${name} (not tried)\n`); continue }
    const start = Date.now()
    try {
      await test()
      passed++
      process.stdout.write(`  ✓ ${app}: ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)\n`)
    } catch (error) {
      broken = true
      failed++
      process.stdout.write(`  ✗ ${app}: ${name}\n${String(error?.stack ?? error).replace(/^/gm, '      ')}\n`)
      const page = browser.contexts().at(-1)?.pages().at(-1)
      await page?.screenshot({ path: join(shots, `${app}-failed-${failed}.png`) }).catch(() => {})
    }
  }
  await browser.close()
  await jupyter.stop()
}
if (!process.env.AFINAR_SHOTS && !failed) rmSync(home, { recursive: true, force: true })
else process.stdout.write(`screenshots: ${shots}\n`)
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exit(failed ? 1 : 0)
