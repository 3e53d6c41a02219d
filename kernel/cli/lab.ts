// `afinar lab`: JupyterLab from the .venv, on the notebooks. Options pass through. `afinar setup` makes that .venv.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { findEnvironment, packageRoot, program } from './places.js'

/** Starts JupyterLab and stays until it ends; its exit code is the result. */
export async function lab(args: string[]): Promise<number> {
  const environment = findEnvironment()
  if (!environment) throw new Error('Cannot open JupyterLab: no .venv holds it, here or in a folder above. Run `npx afinar setup` to make one.')
  const notebooks = join(packageRoot, 'notebooks')
  const given = args.some((arg) => /root[_-]dir|notebook-dir/.test(arg) || /^[^-]/.test(arg))
  const options = [
    ...(given || !existsSync(notebooks) ? [] : [`--ServerApp.root_dir=${notebooks}`]),
    // Jupyter refuses root, who is the only user in many containers
    ...(process.getuid?.() === 0 && !args.includes('--allow-root') ? ['--allow-root'] : []),
    ...args,
  ]
  const child = spawn(program(environment, 'jupyter'), ['lab', ...options], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`Cannot open JupyterLab: ${error.message}. Run \`npx afinar setup\` to mend the .venv.`)))
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)))
  })
}

/** Python's side in this folder's .venv, by the same plain-JavaScript set-up that `npm start` runs. */
export async function setUpHere(): Promise<number> {
  const setUp = await import(pathToFileURL(join(packageRoot, 'kernel/cli/setup/python.mjs')).href) as { setUpPython(home: string): Promise<void> }
  await setUp.setUpPython(process.cwd())
  return 0
}
