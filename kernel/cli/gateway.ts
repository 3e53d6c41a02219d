// `afinar gateway`: starts the kernel inside a container for Jupyter Enterprise Gateway. It tells the gateway, encrypted with the
// gateway's public key, where the kernel listens, and then does what the gateway asks: signals, shutdown. The gateway's side, its
// kernelspec and the image are what `afinar recipe` prints.
import { spawn, type ChildProcess } from 'node:child_process'
import { constants, createCipheriv, createPublicKey, publicEncrypt, randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { kernelspec } from '../host/index.js'

interface GatewayOptions { kernelId: string; publicKey: string; host: string; port: number; from: number; to: number }

/** Version of the payload that gateways since 3.0 read. */
const PAYLOAD = 1
/** Ports tried in the gateway's range before giving up, as often as its own launchers do per port. */
const TRIES = 50

/** Options as the gateway's launchers take them, each also from the environment that its container start-up sets. */
export function gatewayOptions(args: string[], env: NodeJS.ProcessEnv = process.env): GatewayOptions {
  const plain = args.map((arg) => arg.replace(/^--RemoteProcessProxy\./, '--'))
  const { values } = parseArgs({ args: plain, strict: false, options: { 'kernel-id': { type: 'string' }, 'public-key': { type: 'string' }, 'response-address': { type: 'string' }, 'port-range': { type: 'string' } } })
  const value = (option: string, ...names: string[]): string => String(values[option] ?? names.map((name) => env[name]).find(Boolean) ?? '')
  const kernelId = value('kernel-id', 'KERNEL_ID'), publicKey = value('public-key', 'PUBLIC_KEY', 'EG_PUBLIC_KEY')
  const address = value('response-address', 'RESPONSE_ADDRESS', 'EG_RESPONSE_ADDRESS'), range = value('port-range', 'PORT_RANGE', 'EG_PORT_RANGE') || '0..0'
  const missing = [['--kernel-id', kernelId], ['--public-key', publicKey], ['--response-address', address]].filter(([, given]) => given === '').map(([name]) => name)
  if (missing.length > 0) throw new Error(`Cannot start for a gateway: ${missing.join(', ')} must be given; the gateway does so by itself. On your own machine use \`afinar lab\`.`)
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(address) ?? []
  if (host === '') throw new Error(`Cannot start for a gateway: --response-address must be host:port, got "${address}".`)
  const [, from = '', to = ''] = /^(\d+)\.\.(\d+)$/.exec(range) ?? []
  if (from === '' || Number(from) > Number(to) || Number(to) > 65535) throw new Error(`Cannot start for a gateway: --port-range must be from..to, such as 40000..50000, got "${range}".`)
  return { kernelId, publicKey, host, port: Number(port), from: Number(from), to: Number(to) }
}

/** What the gateway expects: the connection's facts by AES, its key by the gateway's RSA key, all of it in base64. */
export function payloadFor(info: Record<string, unknown>, publicKey: string): string {
  const key = randomBytes(16), cipher = createCipheriv('aes-128-ecb', key, null)
  const facts = Buffer.concat([cipher.update(JSON.stringify(info), 'utf8'), cipher.final()])
  let rsa
  try { rsa = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' }) } catch (cause) {
    throw new Error('Cannot start for a gateway: --public-key must be the RSA key that the gateway gives, in base64.', { cause })
  }
  const encrypted = publicEncrypt({ key: rsa, padding: constants.RSA_PKCS1_PADDING }, key)
  return Buffer.from(JSON.stringify({ version: PAYLOAD, key: encrypted.toString('base64'), conn_info: facts.toString('base64') })).toString('base64')
}

/** Stays until the kernel ends; its exit code is the result. */
export async function startForGateway(args: string[]): Promise<number> {
  const options = gatewayOptions(args)
  const servers: Server[] = []
  for (let i = 0; i < 6; i++) servers.push(await listen(options))
  const [control, ...taken] = servers as [Server, ...Server[]]
  const ports = taken.map((server) => (server.address() as AddressInfo).port)
  const folder = mkdtempSync(join(tmpdir(), 'afinar-kernel-')), file = join(folder, `kernel-${options.kernelId}.json`)
  const info = {
    ...Object.fromEntries(['shell_port', 'iopub_port', 'stdin_port', 'control_port', 'hb_port'].map((name, i) => [name, ports[i]])),
    ip: '0.0.0.0', transport: 'tcp', signature_scheme: 'hmac-sha256', key: randomUUID(), kernel_name: 'afinar',
  }
  writeFileSync(file, JSON.stringify(info), { mode: 0o600 })
  await Promise.all(taken.map((server) => new Promise((done) => { server.close(done) })))

  const [program = process.execPath, ...rest] = kernelspec()['argv'] as string[]
  const kernel = spawn(program, rest.map((arg) => arg === '{connection_file}' ? file : arg), { stdio: 'inherit', env: { ...process.env, JPY_PARENT_PID: String(process.pid) } }) // it ends with us
  const ended = new Promise<number>((resolve) => {
    kernel.once('error', () => resolve(1))
    kernel.once('exit', (code, signal) => resolve(code ?? (signal ? 128 : 1)))
  })
  let asked = false // the gateway's wish, however early it comes
  control.on('connection', (socket) => {
    let text = ''
    socket.setEncoding('utf8').on('data', (part: string) => { text += part }).on('end', () => { asked = obey(text, kernel) || asked }).on('error', () => {})
  })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => kernel.kill('SIGTERM'))
  try {
    await answer(options, payloadFor({ ...info, pid: kernel.pid, pgid: kernel.pid, comm_port: (control.address() as AddressInfo).port, kernel_id: options.kernelId }, options.publicKey))
    const code = await ended
    return asked ? 0 : code
  } finally {
    kernel.kill('SIGTERM')
    control.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A request of the gateway: `{ signum }` (0 asks whether the kernel lives, 2 is Stop, which comes as a message) or `{ shutdown }`. True where the kernel is to end. */
function obey(text: string, kernel: ChildProcess): boolean {
  let request: { signum?: unknown; shutdown?: unknown }
  try { request = JSON.parse(text) as typeof request } catch { return false }
  const signal = Number(request.signum ?? 0)
  const ends = Boolean(request.shutdown) || signal === 15 || signal === 9
  if (ends) kernel.kill(signal === 9 ? 'SIGKILL' : 'SIGTERM')
  return ends
}

/** A server on a free port of the range. */
async function listen({ from, to }: GatewayOptions): Promise<Server> {
  for (let i = 0; i < TRIES; i++) {
    const port = from === 0 ? 0 : from + Math.floor(Math.random() * (to - from + 1))
    const server = createServer()
    const bound = await new Promise<boolean>((done) => { server.once('error', () => done(false)).listen(port, '0.0.0.0', () => done(true)) })
    if (bound) return server
  }
  throw new Error(`Cannot start for a gateway: no free port found in ${from}..${to} after ${TRIES} tries. Give a wider --port-range.`)
}

function answer({ host, port }: GatewayOptions, payload: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => socket.end(payload))
    socket.once('close', () => resolve())
    socket.once('error', (cause) => reject(new Error(`Cannot start for a gateway: ${host}:${port} does not take the answer (${cause.message}).`, { cause })))
  })
}
