// `afinar install`: writes the kernelspec where Jupyter looks, for the user, a Python environment or any prefix.
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { writeKernelspec } from '../host/index.js'
import { findEnvironment } from './places.js'

/** Jupyter's data folder of the user, by platform. */
export function userDataFolder(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  if (env['JUPYTER_DATA_DIR']) return env['JUPYTER_DATA_DIR']
  if (platform === 'darwin') return join(homedir(), 'Library/Jupyter')
  if (platform === 'win32') return join(env['APPDATA'] ?? homedir(), 'jupyter')
  return join(env['XDG_DATA_HOME'] ?? join(homedir(), '.local/share'), 'jupyter')
}

/** Writes the kernelspec and says where. Without a choice: into the .venv found from here, else for the user. */
export async function install(args: string[]): Promise<number> {
  const value = (name: string): string | undefined => {
    const at = args.findIndex((arg) => arg === name || arg.startsWith(`${name}=`))
    return at < 0 ? undefined : args[at]!.includes('=') ? args[at]!.split('=').slice(1).join('=') : args[at + 1]
  }
  const unknown = args.find((arg, index) => arg.startsWith('-') ? !/^--(user|sys-prefix|prefix|name|display-name)(=|$)/.test(arg) : !/^--(prefix|name|display-name)$/.test(args[index - 1] ?? ''))
  if (unknown) throw new Error(`Cannot install the kernelspec: "${unknown}" is no option. There are --user, --sys-prefix, --prefix FOLDER, --name NAME and --display-name TEXT.`)
  const prefix = value('--prefix'), environment = findEnvironment()
  if (args.includes('--prefix') && !prefix) throw new Error('Cannot install the kernelspec: --prefix wants a folder behind it, such as --prefix .venv.')
  if (args.includes('--sys-prefix') && !environment) throw new Error('Cannot install the kernelspec: --sys-prefix means the .venv that holds JupyterLab, and there is none here or above. Run `npx afinar setup`, or use --user.')
  const data = prefix ? join(resolve(prefix), 'share/jupyter') : args.includes('--user') || !environment ? userDataFolder() : join(environment, 'share/jupyter')
  const name = value('--name') ?? 'afinar'
  if (!/^[\w.-]+$/.test(name)) throw new Error(`Cannot install the kernelspec: a kernel's name is made of letters, digits, ".", "_" and "-", and "${name}" is not.`)
  const folder = join(data, 'kernels', name), displayName = value('--display-name')
  writeKernelspec(folder, displayName ? { displayName } : {})
  process.stdout.write(`The kernel ${name} is installed in ${folder}\n`)
  return 0
}
