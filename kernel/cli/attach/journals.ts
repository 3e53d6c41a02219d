// Which kernels left a journal here, and whether they still live. Not here: what a journal says (kernel/host) or how it looks (view.ts).
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { homedir } from 'node:os'
import { basename, join, resolve } from 'node:path'

export interface KernelJournal {
  /** What Jupyter calls the kernel: its connection file's name without "kernel-" and ".json". */
  id: string
  connectionFile: string
  /** When the kernel last said something. */
  changed: Date
}

const JOURNAL = '.journal.jsonl'

/** Jupyter's folder for connection files. */
export function runtimeFolder(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  if (env['JUPYTER_RUNTIME_DIR']) return env['JUPYTER_RUNTIME_DIR']
  if (env['JUPYTER_DATA_DIR']) return join(env['JUPYTER_DATA_DIR'], 'runtime')
  if (platform === 'darwin') return join(homedir(), 'Library/Jupyter/runtime')
  if (platform === 'win32') return join(env['APPDATA'] ?? homedir(), 'jupyter/runtime')
  return join(env['XDG_DATA_HOME'] ?? join(homedir(), '.local/share'), 'jupyter/runtime')
}

/** The journals of a folder, the one that changed last first. */
export function journalsIn(folder: string): KernelJournal[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder).filter((name) => name.endsWith(JOURNAL)).map((name) => {
    const bare = name.slice(0, -JOURNAL.length)
    return { id: bare.replace(/^kernel-/, ''), connectionFile: join(folder, `${bare}.json`), changed: statSync(join(folder, name)).mtime }
  }).sort((a, b) => b.changed.getTime() - a.changed.getTime())
}

/**
 * The journal that was asked for: by the beginning of its id, or by the path of its connection file; without a wish the last one.
 *
 * @throws Error naming those that there are
 */
export function chooseJournal(wish: string | undefined, folder = runtimeFolder()): KernelJournal {
  const there = wish !== undefined && /[\\/]|\.json$/.test(wish) ? journalsIn(resolve(wish, '..')).filter(({ connectionFile }) => basename(connectionFile) === basename(wish)) : journalsIn(folder)
  const found = wish === undefined || /[\\/]|\.json$/.test(wish) ? there : there.filter(({ id }) => id.startsWith(wish))
  if (found[0]) return found[0]
  const known = journalsIn(folder).map(({ id }) => id.slice(0, 8))
  throw new Error(wish === undefined || known.length === 0
    ? `Cannot attach: no kernel of afinar has run here since the last clean end (looked in ${folder}). Start one, for instance by \`afinar lab\`; JUPYTER_RUNTIME_DIR names another folder.`
    : `Cannot attach to '${wish}': no kernel's id begins so. There are: ${known.join(', ')}.`)
}

/** Whether the kernel answers: its heartbeat's port takes a connection. */
export function isAlive(connectionFile: string): Promise<boolean> {
  let info: { ip?: string; hb_port?: number; transport?: string }
  try { info = JSON.parse(readFileSync(connectionFile, 'utf8')) as typeof info } catch { return Promise.resolve(false) }
  const { ip = '127.0.0.1', hb_port: port, transport = 'tcp' } = info
  if (transport !== 'tcp' || !port) return Promise.resolve(existsSync(connectionFile))
  return new Promise((done) => {
    const socket = connect(port, ip)
    const end = (alive: boolean) => { socket.destroy(); done(alive) }
    socket.setTimeout(1000, () => end(false)).once('connect', () => end(true)).once('error', () => end(false))
  })
}
