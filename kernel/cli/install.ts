// `afinar install`: writes the kernelspec where Jupyter looks, for the user, a Python environment or any prefix.
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { writeKernelspec } from '../host/index.js'
import { installPapermillTranslator } from './papermill.js'
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
  const unknown = args.find((arg, index) => arg.startsWith('-') ? !/^--(user|sys-prefix|prefix|name|display-name|env)(=|$)/.test(arg) : !/^--(prefix|name|display-name|env)$/.test(args[index - 1] ?? ''))
  if (unknown) throw new Error(`Cannot install the kernelspec: "${unknown}" is no option. There are --user, --sys-prefix, --prefix FOLDER, --name NAME, --display-name TEXT and --env NAME=VALUE.`)
  const prefix = value('--prefix'), environment = findEnvironment()
  if (args.includes('--prefix') && !prefix) throw new Error('Cannot install the kernelspec: --prefix wants a folder behind it, such as --prefix .venv.')
  if (args.includes('--sys-prefix') && !environment) throw new Error('Cannot install the kernelspec: --sys-prefix means the .venv that holds JupyterLab, and there is none here or above. Run `npx afinar setup`, or use --user.')
  const data = prefix ? join(resolve(prefix), 'share/jupyter') : args.includes('--user') || !environment ? userDataFolder() : join(environment, 'share/jupyter')
  const name = value('--name') ?? 'afinar'
  if (!/^[\w.-]+$/.test(name)) throw new Error(`Cannot install the kernelspec: a kernel's name is made of letters, digits, ".", "_" and "-", and "${name}" is not.`)
  const folder = join(data, 'kernels', name), displayName = value('--display-name')
  writeKernelspec(folder, { env: environmentOf(args), ...(displayName ? { displayName } : {}) })
  process.stdout.write(`The kernel ${name} is installed in ${folder}\n`)
  const python = prefix ? resolve(prefix) : args.includes('--user') ? undefined : environment
  if (python && installPapermillTranslator(python)) process.stdout.write(`papermill in ${python} can set its parameters\n`)
  return 0
}

/** `--env NAME=VALUE`, as often as wanted: the environment of the kernel's processes. */
function environmentOf(args: string[]): Record<string, string> {
  const pairs = args.flatMap((arg, at) => arg === '--env' ? [args[at + 1] ?? ''] : arg.startsWith('--env=') ? [arg.slice(6)] : [])
  const wrong = pairs.find((pair) => !/^[A-Za-z_]\w*=/.test(pair))
  if (wrong !== undefined) throw new Error(`Cannot install the kernelspec: --env wants NAME=VALUE, such as --env TF_CPP_MIN_LOG_LEVEL=1, and got "${wrong}".`)
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
}
