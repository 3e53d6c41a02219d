// What Jupyter needs to know to start the kernel: kernel.json and its logos, written into a folder.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LOGO_PNG, LOGO_SVG } from './logo.js'

export interface KernelspecOptions {
  /** Shown in launchers. Default: "TypeScript (afinar)". */
  displayName?: string
  /** Environment of the kernel's processes. */
  env?: Record<string, string>
}

/** The content of kernel.json. */
export function kernelspec({ displayName = 'TypeScript (afinar)', env = {} }: KernelspecOptions = {}): Record<string, unknown> {
  return {
    // the host makes much short-lived text: a small nursery keeps its memory flat, and costs nothing measurable
    argv: [process.execPath, '--max-semi-space-size=2', fileURLToPath(new URL('./main.js', import.meta.url)), '{connection_file}'],
    display_name: displayName,
    language: 'typescript',
    interrupt_mode: 'message', // a signal would kill Node; the message stops just the cell
    env,
    metadata: { debugger: true },
  }
}

/** Writes kernel.json and the logos into `folder`, made if needed. */
export function writeKernelspec(folder: string, options: KernelspecOptions = {}): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'kernel.json'), `${JSON.stringify(kernelspec(options), null, 2)}\n`)
  writeFileSync(join(folder, 'logo-svg.svg'), LOGO_SVG)
  for (const width of [32, 64] as const) writeFileSync(join(folder, `logo-${width}x${width}.png`), Buffer.from(LOGO_PNG[width], 'base64'))
}
