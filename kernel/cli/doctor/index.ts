// `afinar doctor`: one screen that says what is there, what is missing, and the command that mends it.
import { currentEngine, findTensorFlow, startEngine } from '../../../lib/engine/index.js'
import { checkJupyter, checkKernelspec, checkNode, checkPython, type Check } from './checks.js'

const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GB`

/** Loads TensorFlow to be sure that it works, and says which device will train. */
function checkEngine(): Check[] {
  const found = findTensorFlow()
  try {
    const engine = startEngine()
    const devices = engine.devices()
    const gpu = devices.find(({ type }) => type === 'GPU')
    const others = found.filter(({ folder }) => folder !== engine.library.folder)
    return [
      { name: 'TensorFlow', state: 'ok', detail: `${engine.tensorflowVersion} from ${engine.library.source} (${engine.libraryPath}), loaded in ${(engine.milliseconds / 1000).toFixed(1)} s` },
      ...others.map(({ source, folder, version }): Check => ({ name: '', state: 'note', detail: `also there: ${version ?? 'a version'} from ${source} (${folder}); AFINAR_TENSORFLOW=${folder} would choose it` })),
      ...devices.map(({ name, memoryBytes }): Check => ({ name: 'Device', state: 'ok', detail: `${name}, ${gigabytes(memoryBytes)}` })),
      { name: 'Training', state: 'ok', detail: gpu ? `on ${gpu.name}: the fastest device here` : 'on the CPU: TensorFlow sees no GPU here' },
    ]
  } catch (error) {
    return [{ name: 'TensorFlow', state: 'missing', detail: (error as Error).message.split('\n')[0]!, cure: 'npx afinar setup' }]
  }
}

/**
 * Prints the screen, or the same as JSON with `--json`.
 *
 * @returns 0 when everything that training needs is there, 1 otherwise
 */
export async function doctor(args: string[]): Promise<number> {
  const checks = [checkNode(), checkPython(), checkJupyter(), checkKernelspec(), ...checkEngine()]
  const missing = checks.filter(({ state }) => state === 'missing')
  if (args.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ checks, engine: currentEngine() ? 'tensorflow' : null }, null, 2)}\n`)
  } else {
    const mark = { ok: '✓', missing: '✕', note: ' ' }
    for (const { name, state, detail, cure } of checks) {
      process.stdout.write(`${mark[state]} ${name.padEnd(11)} ${detail}\n${cure ? `  ${''.padEnd(11)} → ${cure}\n` : ''}`)
    }
    process.stdout.write(missing.length === 0 ? '\nEverything is in place.\n' : `\n${missing.length} missing: run what stands behind each arrow, then this again.\n`)
  }
  return missing.length === 0 ? 0 : 1
}
