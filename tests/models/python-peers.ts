// Pythons to judge by, with packages that are too big for everybody: the one that a variable names, or in the full tests one of its own, made once in the cache.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cacheFolder } from '../../lib/models/index.js'
import { findPython } from '../../lib/models/sources/python-package.js'

const run = (command: string, args: string[], input?: string) => spawnSync(command, args, { input: input ?? '', encoding: 'utf8', maxBuffer: 1 << 28, timeout: 1_500_000, env: { ...process.env, HF_HUB_OFFLINE: '1', HF_HOME: join(cacheFolder(), 'python-peers', 'hf'), TOKENIZERS_PARALLELISM: 'false', CUDA_VISIBLE_DEVICES: '', USE_TF: '0' } })
/** Its path, or undefined where there is none and this is not a full test. */
function peer(variable: string, name: string, imports: string, packages: string[]): string | undefined {
  const works = (python: string | undefined) => python !== undefined && existsSync(python) && run(python, ['-c', `import ${imports}`]).status === 0
  const named = process.env[variable], folder = join(cacheFolder(), 'python-peers', name), own = join(folder, 'bin', 'python')
  for (const python of [named, own]) if (works(python)) return python
  if (!process.env['AFINAR_FULL']) return undefined
  mkdirSync(dirname(folder), { recursive: true })
  for (const [command, args] of [[findPython()!, ['-m', 'venv', folder]], [own, ['-m', 'pip', 'install', '-q', ...packages]]] as const) {
    const { status, stderr } = run(command, [...args])
    if (status !== 0) throw new Error(stderr)
  }
  return own
}

export const torchPython = () => peer('AFINAR_TORCH_PYTHON', 'torch', 'torch, transformers, peft', ['torch', 'transformers', 'peft', 'safetensors'])
export const hubPython = () => peer('AFINAR_TORCH_PYTHON', 'hub', 'huggingface_hub', ['huggingface_hub'])
export const tensorflowPython = () => peer('AFINAR_TENSORFLOW_PYTHON', 'tensorflow', 'tensorflow', ['tensorflow-cpu'])

/** Runs a script of this folder with JSON in and out. */
export function python<T>(executable: string, script: string, input: unknown): T {
  const { status, stdout, stderr } = run(executable, [join('tests/models', script)], JSON.stringify(input))
  if (status !== 0) throw new Error(stderr.slice(-4000))
  return JSON.parse(stdout) as T
}
