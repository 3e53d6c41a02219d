// Where things lie: the package, the folder with the .venv, the programs in it. Looks, installs nothing.
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The package's folder: the clone, or `node_modules/afinar` where somebody depends on it. */
export const packageRoot = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')

const bin = process.platform === 'win32' ? 'Scripts' : 'bin'
const suffix = process.platform === 'win32' ? '.exe' : ''

/** The nearest folder from here upwards that holds a .venv with JupyterLab, then the package's own; undefined where there is none. */
export function findEnvironment(from = process.cwd()): string | undefined {
  const upwards: string[] = []
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    upwards.push(folder)
    if (folder === dirname(folder)) break
  }
  return [...upwards, packageRoot].map((folder) => join(folder, '.venv')).find((folder) => existsSync(program(folder, 'jupyter')))
}

/** The path of a program in a Python environment. */
export const program = (environment: string, name: string): string => join(environment, bin, name + suffix)
