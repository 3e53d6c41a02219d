// A Jupyter server with the kernel `afinar`, in a home of its own: nothing outside of `home` is read or written, but the cache of fetched weights.
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = resolve(import.meta.dirname, '../..')

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => done(port)) })
  })
}

/** Starts `app` ('lab' or 'notebook') on the folder home/work; resolves when it answers. */
export async function startJupyter(home, app = 'lab') {
  const folder = (name) => { const path = join(home, name); mkdirSync(path, { recursive: true }); return path }
  const { writeKernelspec } = await import(pathToFileURL(join(root, 'dist/kernel/host/kernelspec.js')).href)
  writeKernelspec(folder('share/kernels/afinar'))
  // nobody is there to answer what Lab asks at its first start
  writeFileSync(join(folder('settings/@jupyterlab/apputils-extension'), 'notification.jupyterlab-settings'), '{ "fetchNews": "false", "checkForUpdates": false }')
  const port = await freePort(), token = 'test', work = folder('work')
  const env = {
    ...process.env, HOME: folder('home'), JUPYTER_PATH: folder('share'), JUPYTER_CONFIG_DIR: folder('config'), JUPYTER_RUNTIME_DIR: folder('runtime'), JUPYTER_DATA_DIR: folder('data'),
    JUPYTERLAB_SETTINGS_DIR: folder('settings'), JUPYTERLAB_WORKSPACES_DIR: folder('workspaces'), NODE_PATH: join(root, 'node_modules'), AFINAR_CACHE: process.env.AFINAR_CACHE ?? join(homedir(), '.cache/afinar'),
  }
  const child = spawn(join(root, '.venv/bin/jupyter'), [app, '--no-browser', '--allow-root', `--ServerApp.root_dir=${work}`, '--ServerApp.ip=127.0.0.1', `--ServerApp.port=${port}`, '--ServerApp.port_retries=0',
    `--IdentityProvider.token=${token}`, '--LabApp.expose_app_in_browser=True', '--JupyterNotebookApp.expose_app_in_browser=True'], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { log += text })
  const ended = new Promise((done) => { child.once('exit', done) })
  const url = `http://127.0.0.1:${port}`
  for (const start = Date.now(); ; await new Promise((done) => { setTimeout(done, 200) })) {
    if (child.exitCode !== null || Date.now() - start > 60_000) throw new Error(`Jupyter did not start:\n${log}`)
    if (await fetch(`${url}/api/status?token=${token}`).then(({ ok }) => ok, () => false)) break
  }
  return {
    url, token, work, log: () => log,
    removeKernel: () => rmSync(folder('share/kernels'), { recursive: true, force: true }),
    async api(path, options) { const answer = await fetch(`${url}/api/${path}?token=${token}`, options); return answer.status === 204 ? undefined : answer.json() },
    async stop() {
      try { process.kill(-child.pid, 'SIGTERM') } catch { /* gone already */ }
      await Promise.race([ended, new Promise((done) => { setTimeout(done, 5000).unref() })])
      try { process.kill(-child.pid, 'SIGKILL') } catch { /* gone already */ }
    },
  }
}
