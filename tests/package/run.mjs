// The published package as a stranger gets it: packed, installed into an empty folder with install scripts on, typed, imported, run.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve('.')
const folder = mkdtempSync(join(tmpdir(), 'afinar-package-'))
const library = join(root, '.venv/share/afinar/tensorflow')
const env = { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(?!execpath)/i.test(name))), ...(existsSync(library) ? { AFINAR_TENSORFLOW: library } : {}) }
const npm = (...args) => process.env.npm_execpath ? [process.execPath, process.env.npm_execpath, ...args] : ['npm', ...args]
const run = ([command, ...args], cwd = folder) => {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: 300_000 })
  return { ok: status === 0, printed: stdout ?? '', text: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}` }
}

let passed = 0, failed = 0
/** One promise of the package. `work` returns what went wrong, or nothing. */
function check(promise, work) {
  const start = performance.now(), wrong = work()
  console.log(`  ${wrong ? '✕' : '✓'} ${promise} (${((performance.now() - start) / 1000).toFixed(1)} s)${wrong ? `\n${wrong}` : ''}`)
  wrong ? failed++ : passed++
}
const expectRun = (command, pattern, cwd) => {
  const { ok, text } = run(command, cwd)
  return ok && pattern.test(text) ? '' : text.slice(-3000)
}

let tarball = ''
check('packs', () => {
  const { ok, printed, text } = run([process.execPath, 'kernel/cli/pack.mjs', folder], root)
  tarball = printed.trim().split('\n').at(-1)
  return ok && existsSync(tarball) ? '' : text
})
check('installs into an empty folder with install scripts on', () => {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'stranger', private: true, type: 'module' }))
  return expectRun(npm('install', '--ignore-scripts=false', '--no-audit', '--no-fund', tarball), /added \d+ packages/)
})
check('has the command', () => expectRun(npm('exec', '--', 'afinar', '--version'), new RegExp(JSON.parse(readFileSync('package.json', 'utf8')).version)))
check('the doctor finds an engine, and says how to get the JupyterLab that is missing here', () => {
  const { text } = run(npm('exec', '--', 'afinar', 'doctor'))
  return /TensorFlow +2\.\d+/.test(text) && /npx afinar setup/.test(text) ? '' : text
})
check('trains a step', () => {
  writeFileSync(join(folder, 'train.mjs'), `
    import { startEngine, tf } from 'afinar'
    startEngine()
    const w = tf.variable(tf.scalar(0)), optimizer = tf.train.sgd(0.25)
    for (let i = 0; i < 40; i++) optimizer.minimize(() => w.sub(3).square())
    console.log(tf.getBackend(), Math.abs(w.dataSync()[0] - 3) < 1e-4)`)
  return expectRun([process.execPath, 'train.mjs'], /tensorflow true/)
})
check('has types', () => {
  writeFileSync(join(folder, 'typed.ts'), `import { fineTune, loadModel, images } from 'afinar'
    const photos = await images.fromFolder('x'), model = await loadModel('file:m', { classes: photos.classes })
    const result = await fineTune(model, photos, { epochs: 2 })
    const n: number = result.history.length
    // @ts-expect-error a misspelt option is an error
    fineTune(model, photos, { epoch: 2 })
    export { n }`)
  return expectRun([process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023', 'typed.ts'], /^\s*$/)
})
check('runs a notebook', () => {
  const cell = (source) => ({ cell_type: 'code', execution_count: null, id: Math.random().toString(36).slice(2, 10), metadata: {}, outputs: [], source })
  writeFileSync(join(folder, 'hello.ipynb'), JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec: { name: 'afinar', display_name: 'TypeScript (afinar)', language: 'typescript' } },
    cells: [cell("import { tf } from 'afinar'\nconst greeting: string = 'hello'"), cell('greeting.toUpperCase()')] }))
  return expectRun(npm('exec', '--', 'afinar', 'run', 'hello.ipynb', '--out', 'done.ipynb'), /./) || (/'?HELLO'?/.test(readFileSync(join(folder, 'done.ipynb'), 'utf8')) ? '' : readFileSync(join(folder, 'done.ipynb'), 'utf8'))
})
rmSync(folder, { recursive: true, force: true })
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed ? 1 : 0
