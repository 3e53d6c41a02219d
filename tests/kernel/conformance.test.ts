// Runs the Python scripts beside this file with Jupyter's own client against the built kernel; each of their tests counts as one here.
// Not here: the tests themselves (conformance.py, forgery.py, fronts.py, debugger.py, and protocol.py with jupyter_kernel_test).
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

interface Line { name: string; ok: boolean; why: string }

const here = join(process.cwd(), 'tests/kernel')
const python = join(process.cwd(), '.venv/bin/python')
const folder = mkdtempSync(join(tmpdir(), 'afinar-kernel-'))
const env = { ...process.env, JUPYTER_PATH: folder, JUPYTER_RUNTIME_DIR: join(folder, 'runtime'), XDG_DATA_HOME: join(folder, 'data'), AFINAR_LOG: join(folder, 'log') }

beforeAll(() => {
  if (!existsSync('dist/kernel/host/main.js')) throw new Error('Cannot test the kernel: it is not built. Run `npm run build`.')
  const host = pathToFileURL(join(process.cwd(), 'dist/kernel/host/index.js')).href
  const made = spawnSync(process.execPath, ['-e', `import(${JSON.stringify(host)}).then(m => m.writeKernelspec(${JSON.stringify(join(folder, 'kernels/afinar'))}))`], { encoding: 'utf8' })
  if (made.status !== 0) throw new Error(made.stderr)
})

afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))

/** Starts a script once; its lines arrive as its tests end. */
function runScript(script: string): (name: string) => Promise<Line> {
  const lines: Line[] = []
  let ended = false, errors = '', wake = (): void => {}
  let started = false
  const start = (): void => {
    started = true
    const child = spawn(python, [join(here, script)], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let rest = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n')
      rest = parts.pop()!
      lines.push(...parts.filter((part) => part.startsWith('{')).map((part) => JSON.parse(part) as Line))
      wake()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => { errors = (errors + text).slice(-2000) })
    child.on('close', () => { ended = true; wake() })
  }
  return async (name) => {
    if (!started) start()
    for (;;) {
      const found = lines.filter((line) => line.name === name)
      const failed = found.find(({ ok }) => !ok)
      if (failed ?? found[0]) return failed ?? found[0]!
      if (ended) return { name, ok: false, why: `the script ended without it: ${errors}` }
      await new Promise<void>((resolve) => { wake = resolve })
    }
  }
}

const named = (script: string): string[] => [...readFileSync(join(here, script), 'utf8').matchAll(/^def (test_\w+)/gm)].map(([, name]) => name!)
const protocol = ['test_clear_output', 'test_completion', 'test_display_data', 'test_error', 'test_execute_result', 'test_execute_stderr', 'test_execute_stdout',
  'test_history', 'test_inspect', 'test_is_complete', 'test_kernel_info', 'test_pager', 'test_recv_iopub_welcome_msg']

for (const [script, names] of [['conformance.py', named('conformance.py')], ['forgery.py', named('forgery.py')], ['fronts.py', named('fronts.py')], ['debugger.py', named('debugger.py')], ['protocol.py', protocol]] as const) {
  describe(script, () => {
    const result = runScript(script)
    for (const name of names) {
      test(name.slice(5).replaceAll('_', ' '), async () => {
        const { ok, why } = await result(name)
        if (!ok) throw new Error(why)
        expect(ok).toBe(true)
      }, 150_000)
    }
  })
}
