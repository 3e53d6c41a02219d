// The kernel before Jupyter's own judges: jupyter_client drives it, jupyter_kernel_test examines it. The checks are the .py files beside this.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'

interface Verdict { name: string; ok: boolean; skipped: boolean; detail: string }

const folder = mkdtempSync(join(tmpdir(), 'afinar-kernel-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
spawnSync(process.execPath, ['dist/kernel/cli/index.js', 'install', '--prefix', folder])

function judge(file: string): Verdict[] {
  const { stdout, stderr } = spawnSync(resolve('.venv/bin/python'), ['tests/kernel/judge.py', `tests/kernel/${file}`], {
    encoding: 'utf8', timeout: 300_000, maxBuffer: 1 << 28, env: { ...process.env, JUPYTER_PATH: join(folder, 'share/jupyter'), XDG_DATA_HOME: join(folder, 'data') },
  })
  const verdicts = stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Verdict)
  return verdicts.length > 0 ? verdicts : [{ name: `${file} runs`, ok: false, skipped: false, detail: stdout + stderr }]
}

describe.each([['Jupyter\'s client', 'conformance.py'], ['jupyter_kernel_test', 'jupyter_suite.py']])('%s', (_, file) => {
  for (const { name, ok, skipped, detail } of judge(file)) test(skipped ? `${name} (skipped: ${detail})` : name, () => { if (!ok) throw new Error(detail); expect(ok).toBe(true) })
})
