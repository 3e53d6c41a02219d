// Which program runs a notebook: this package's own kernel, or one that Jupyter knows by name. Starts nothing.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findEnvironment, program } from '../places.js'
import type { Notebook } from './notebook.js'

export interface Kernelspec {
  name: string
  displayName: string
  language: string
  /** `{connection_file}` stands for the file's path. */
  argv: string[]
  env: Record<string, string>
  interruptMode: 'signal' | 'message'
}

/** The kernel to use: the one asked for; else our own for TypeScript and JavaScript, and for others what the notebook names. */
export function chooseKernel(notebook: Notebook, asked: string | undefined, cwd: string): Kernelspec {
  const named = notebook.metadata.kernelspec
  const language = named?.language ?? notebook.metadata.language_info?.name
  const name = asked ?? (named === undefined || language === undefined || /^(?:typescript|javascript)$/i.test(String(language)) ? 'afinar' : named.name)
  return name === 'afinar' ? ownKernel() : findKernel(name, cwd)
}

function ownKernel(): Kernelspec {
  let root = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(root, 'package.json'))) root = dirname(root)
  const main = join(root, 'dist/kernel/host/main.js')
  if (!existsSync(main)) throw new Error(`Cannot start the kernel: ${main} is not there. Run \`npm run build\` in ${root}.`)
  return { name: 'afinar', displayName: 'TypeScript (afinar)', language: 'typescript', argv: [process.execPath, main, '{connection_file}'], env: {}, interruptMode: 'message' }
}

/** Looks where Jupyter looks. Throws with the names that there are. */
export function findKernel(name: string, cwd: string): Kernelspec {
  const environment = findEnvironment(cwd)
  const folders = dataFolders(environment).map(folder => join(folder, 'kernels'))
  for (const folder of folders) {
    const file = join(folder, name, 'kernel.json')
    if (!existsSync(file)) continue
    const spec = JSON.parse(readFileSync(file, 'utf8')) as { argv: string[]; display_name?: string; language?: string; env?: Record<string, string>; interrupt_mode?: string }
    const [first = '', ...rest] = spec.argv
    // Jupyter runs `python` with the Python that the kernelspec was installed for.
    const python = program(resolve(folder, '../../..'), 'python')
    return {
      name, displayName: spec.display_name ?? name, language: spec.language ?? '', env: spec.env ?? {},
      argv: [/^python[\d.]*$/.test(first) && existsSync(python) ? python : first, ...rest.map(each => each.replaceAll('{resource_dir}', join(folder, name)))],
      interruptMode: spec.interrupt_mode === 'message' ? 'message' : 'signal',
    }
  }
  const known = [...new Set(folders.flatMap(folder => existsSync(folder) ? readdirSync(folder) : []))]
  throw new Error(`Cannot run with the kernel '${name}': Jupyter does not know it. It knows: ${['afinar', ...known.filter(each => each !== 'afinar')].join(', ')}.`)
}

function dataFolders(environment: string | undefined): string[] {
  const { JUPYTER_PATH = '', JUPYTER_DATA_DIR, APPDATA, XDG_DATA_HOME, PROGRAMDATA } = process.env
  const user = process.platform === 'darwin' ? join(homedir(), 'Library/Jupyter')
    : process.platform === 'win32' ? join(APPDATA ?? homedir(), 'jupyter') : join(XDG_DATA_HOME ?? join(homedir(), '.local/share'), 'jupyter')
  const system = process.platform === 'win32' ? [join(PROGRAMDATA ?? 'C:\\ProgramData', 'jupyter')] : ['/usr/local/share/jupyter', '/usr/share/jupyter']
  return [...JUPYTER_PATH.split(delimiter).filter(Boolean), ...(environment === undefined ? [] : [join(environment, 'share/jupyter')]), JUPYTER_DATA_DIR ?? user, ...system]
}
