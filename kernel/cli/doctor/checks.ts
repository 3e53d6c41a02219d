// What the doctor looks at outside the engine: Node, Python, JupyterLab, the kernelspec. Each answer carries its cure. Changes nothing.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findEnvironment, program } from '../places.js'

/** One line of the doctor's screen. `cure` is the command that mends what is missing. */
export interface Check {
  readonly name: string
  readonly state: 'ok' | 'missing' | 'note'
  readonly detail: string
  readonly cure?: string
}

/** The first line that a program answers, or undefined where it cannot be run. */
function answer(command: string, ...args: string[]): string | undefined {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000 })
  return status === 0 ? `${stdout}${stderr}`.trim().split('\n')[0] : undefined
}

export function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const recent = major > 20 || (major === 20 && minor >= 19)
  return { name: 'Node.js', state: recent ? 'ok' : 'missing', detail: `${process.version} (${process.execPath})`, ...(recent ? {} : { cure: 'install Node.js 20.19 or newer from https://nodejs.org' }) }
}

export function checkPython(): Check {
  const environment = findEnvironment()
  const python = environment ? program(environment, 'python') : 'python3'
  const version = answer(python, '--version')
  return version
    ? { name: 'Python', state: 'ok', detail: `${version.replace('Python ', '')} (${python})` }
    : { name: 'Python', state: 'missing', detail: 'none on the PATH; only JupyterLab needs it', cure: 'sudo apt-get install python3 python3-venv, then npx afinar setup' }
}

export function checkJupyter(): Check {
  const environment = findEnvironment()
  const version = environment && answer(program(environment, 'jupyter-lab'), '--version')
  return version
    ? { name: 'JupyterLab', state: 'ok', detail: `${version} (${environment})` }
    : { name: 'JupyterLab', state: 'missing', detail: 'no .venv holds it, here or in a folder above', cure: 'npx afinar setup' }
}

/** The kernelspecs that Jupyter would find, without starting Jupyter: the .venv's, then the user's. */
export function checkKernelspec(): Check {
  const environment = findEnvironment()
  const home = process.env.HOME ?? process.env.USERPROFILE ?? ''
  const user = process.platform === 'darwin' ? join(home, 'Library/Jupyter') : process.platform === 'win32' ? join(process.env.APPDATA ?? home, 'jupyter') : join(process.env.XDG_DATA_HOME ?? join(home, '.local/share'), 'jupyter')
  const file = [...(environment ? [join(environment, 'share/jupyter')] : []), user].map((folder) => join(folder, 'kernels/afinar/kernel.json')).find((path) => existsSync(path))
  if (!file) return { name: 'Kernelspec', state: 'missing', detail: 'Jupyter does not know the kernel yet', cure: environment ? `npx afinar install --prefix ${environment}` : 'npx afinar install --user' }
  const { argv = [] } = JSON.parse(readFileSync(file, 'utf8')) as { argv?: string[] }
  const lost = argv.filter((part) => part.startsWith('/') && !existsSync(part))
  return lost.length > 0
    ? { name: 'Kernelspec', state: 'missing', detail: `${file} names ${lost[0]}, which is gone`, cure: 'npx afinar install --user, or npm start in the clone' }
    : { name: 'Kernelspec', state: 'ok', detail: file }
}
