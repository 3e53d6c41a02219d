// Buttons under the live view: stop, lower the rate. They speak to the kernel by a comm that the page opens itself, so JupyterLab and Notebook need no
// extension for them; where there is no Jupyter server behind the page (an exported page, VS Code) they do not appear.
import { randomUUID } from 'node:crypto'
import { liveDisplay, session, type LiveDisplay } from '../display/index.js'

const target = 'afinar.run'

export interface RunActions { stop(): void; lowerRate(): void }

const runs = new Map<string, RunActions>()
const listening = new WeakSet<object>()

export interface RunButtons { close(): Promise<void> }

/** Shows the buttons in the cell that runs now; undefined where nothing can hear them. */
export function runButtons(actions: RunActions): RunButtons | undefined {
  const here = session()
  if (!here?.registerTarget) return undefined
  if (!listening.has(here)) {
    here.registerTarget(target, (_comm, data) => {
      const { run, action } = (data ?? {}) as { run?: string; action?: string }
      const asked = runs.get(String(run))
      if (action === 'stop') asked?.stop()
      if (action === 'lower') asked?.lowerRate()
    })
    listening.add(here)
  }
  const id = randomUUID(), display: LiveDisplay = liveDisplay()
  runs.set(id, actions)
  display.update({ 'text/html': buttonsHTML(id), 'text/plain': 'run.stop() ends the run after its step; run.lowerRate() halves the learning rate.' })
  return {
    async close() {
      runs.delete(id)
      await display.close({ 'text/html': '', 'text/plain': '' })
    },
  }
}

/** The page's own address tells it where its server is; every kernel of that server is asked, and the one that knows the run answers by doing it. */
function buttonsHTML(run: string): string {
  const style = 'font:inherit;font-size:13px;margin-right:8px;padding:2px 10px;border:1px solid rgba(128,128,128,0.5);border-radius:4px;background:transparent;color:inherit;cursor:pointer'
  return `<div id="afinar-${run}" style="display:none"><button type="button" data-action="stop" style="${style}" title="Ends after the step under way; the best weights are kept">■ Stop</button><button type="button" data-action="lower" style="${style}" title="Halves the learning rate of all further steps">Halve the learning rate</button></div>
<script>(${page.toString()})(${JSON.stringify(run)}, ${JSON.stringify(target)})</script>`
}

/** Runs in the page. */
function page(run: string, target: string): void {
  const box = document.getElementById(`afinar-${run}`), config = document.getElementById('jupyter-config-data')
  if (!box || !config) return
  const { baseUrl = '/', token = '' } = JSON.parse(config.textContent ?? '{}') as { baseUrl?: string; token?: string }
  const base = new URL(baseUrl, location.href).href
  const query = token ? `?token=${encodeURIComponent(token)}` : ''
  box.style.display = 'block'
  const ask = (kernel: string, action: string) => {
    const session = Math.random().toString(36).slice(2), socket = new WebSocket(`${base.replace(/^http/, 'ws')}api/kernels/${kernel}/channels${query}`)
    socket.onopen = () => {
      socket.send(JSON.stringify({
        channel: 'shell', header: { msg_id: `${session}-1`, msg_type: 'comm_open', session, username: '', version: '5.3', date: new Date().toISOString() },
        parent_header: {}, metadata: {}, content: { comm_id: `${session}-2`, target_name: target, data: { run, action } }, buffers: [],
      }))
      setTimeout(() => { socket.close() }, 3000)
    }
  }
  box.onclick = (event) => {
    const button = event.target as HTMLButtonElement, { action } = button.dataset
    if (!action) return
    if (action === 'stop') button.disabled = true
    void fetch(`${base}api/kernels${query}`, { credentials: 'same-origin' }).then((answer) => answer.json()).then((kernels: { id: string }[]) => { for (const { id } of kernels) ask(id, action) })
  }
}
