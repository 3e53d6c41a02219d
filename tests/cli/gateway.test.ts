// `afinar gateway` before a gateway played by hand with its own key, `afinar recipe`, and `afinar install`.
import { afterAll, expect, test } from '@jest/globals'
import { spawn, spawnSync } from 'node:child_process'
import { constants, createDecipheriv, generateKeyPairSync, privateDecrypt } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gatewayOptions } from '../../kernel/cli/gateway.js'

const folder = mkdtempSync(join(tmpdir(), 'afinar-gateway-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const cli = (...args: string[]) => spawnSync(process.execPath, ['dist/kernel/cli/index.js', ...args], { encoding: 'utf8' })

test('the gateway learns where the kernel listens, asks whether it lives, and ends it', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  let answered = (_text: string) => {}
  const answer = new Promise<string>((resolve) => { answered = resolve })
  const server = createServer((socket) => {
    let text = ''
    socket.setEncoding('utf8').on('data', (part: string) => { text += part }).on('end', () => answered(text))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const child = spawn(process.execPath, ['dist/kernel/cli/index.js', 'gateway', '--RemoteProcessProxy.kernel-id', 'k-1', '--RemoteProcessProxy.port-range', '41000..45000',
    '--RemoteProcessProxy.response-address', `127.0.0.1:${(server.address() as AddressInfo).port}`, '--RemoteProcessProxy.public-key', publicKey.export({ format: 'der', type: 'spki' }).toString('base64')], { stdio: 'ignore' })
  try {
    const payload = JSON.parse(Buffer.from(await answer, 'base64').toString()) as { version: number; key: string; conn_info: string }
    // Node decrypts PKCS #1 v1.5 no more; the padding is 0, 2, bytes other than 0, and 0
    const padded = privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, Buffer.from(payload.key, 'base64'))
    expect([...padded.subarray(0, 2), padded.indexOf(0, 2)]).toEqual([0, 2, padded.length - 17])
    const key = padded.subarray(-16), decipher = createDecipheriv('aes-128-ecb', key, null)
    const info = JSON.parse(decipher.update(payload.conn_info, 'base64', 'utf8') + decipher.final('utf8')) as Record<string, number | string>
    expect(payload.version).toBe(1)
    expect(info).toMatchObject({ kernel_id: 'k-1', transport: 'tcp', signature_scheme: 'hmac-sha256', pid: expect.any(Number) })
    const ports = ['shell_port', 'iopub_port', 'stdin_port', 'control_port', 'hb_port', 'comm_port'].map((name) => Number(info[name]))
    expect(new Set(ports).size).toBe(6)
    for (const port of ports) { expect(port).toBeGreaterThanOrEqual(41000); expect(port).toBeLessThanOrEqual(45000) }
    const ask = (request: unknown) => new Promise((resolve) => { const socket = connect(Number(info['comm_port']), '127.0.0.1', () => socket.end(typeof request === 'string' ? request : JSON.stringify(request))); socket.once('close', resolve) })
    await ask({ signum: 0 })
    await ask('nonsense')
    await new Promise((resolve) => { setTimeout(resolve, 300) })
    expect(child.exitCode).toBe(null)
    const ended = new Promise((resolve) => child.once('exit', resolve))
    await ask({ shutdown: 1 })
    expect(await ended).toBe(0)
    expect(() => process.kill(Number(info['pid']), 0)).toThrow()
  } finally {
    child.kill('SIGKILL')
    server.close()
  }
}, 60_000)

test('what the gateway forgets or garbles is named', () => {
  expect(gatewayOptions([], { KERNEL_ID: 'a', EG_PUBLIC_KEY: 'k', RESPONSE_ADDRESS: '10.0.0.1:80', EG_PORT_RANGE: '1..9' })).toEqual({ kernelId: 'a', publicKey: 'k', host: '10.0.0.1', port: 80, from: 1, to: 9 })
  const given = ['--kernel-id', 'a', '--public-key', 'k', '--response-address']
  expect(() => gatewayOptions([], {})).toThrow('--kernel-id, --public-key, --response-address must be given')
  expect(() => gatewayOptions([...given, 'nowhere'], {})).toThrow('must be host:port, got "nowhere"')
  expect(() => gatewayOptions([...given, 'h:1', '--port-range', '9..1'], {})).toThrow('got "9..1"')
})

test('the recipe prints a kernelspec and a Dockerfile, alone or with what to do', () => {
  const spec = JSON.parse(cli('recipe', '--kernelspec', '--image', 'mine/afinar:1').stdout) as { argv: string[]; interrupt_mode: string; metadata: unknown }
  expect(spec).toMatchObject({ language: 'typescript', interrupt_mode: 'message', metadata: { process_proxy: { config: { image_name: 'mine/afinar:1' } } } })
  for (const name of ['kernel_id', 'port_range', 'response_address', 'public_key']) expect(spec.argv).toContain(`{${name}}`)
  expect(cli('recipe', '--dockerfile').stdout).toMatch(/^# Dockerfile[\s\S]*\nCMD .*"gateway"\]\n$/)
  expect(cli('recipe').stdout).toMatch(/1\. The image[\s\S]*2\. The kernelspec[\s\S]*3\. In JupyterLab/)
  expect(cli('recipe', '--nope').stderr).toBe('Cannot print the recipe: "--nope" is no option. There are --kernelspec, --dockerfile and --image NAME.\n')
})

test('an installation holds the kernelspec with logos and environment, and papermill\'s translator where Python is', () => {
  const packages = join(folder, 'lib/python3.11/site-packages')
  mkdirSync(packages, { recursive: true })
  expect(cli('install', '--prefix', folder, '--name', 'mine', '--display-name', 'My own', '--env', 'A=b=c', '--env=B=').stdout).toContain(join(folder, 'share/jupyter/kernels/mine'))
  const kernel = join(folder, 'share/jupyter/kernels/mine')
  expect(JSON.parse(readFileSync(join(kernel, 'kernel.json'), 'utf8'))).toMatchObject({ display_name: 'My own', interrupt_mode: 'message', language: 'typescript', env: { A: 'b=c', B: '' } })
  for (const logo of ['logo-svg.svg', 'logo-32x32.png', 'logo-64x64.png']) expect(statSync(join(kernel, logo)).size).toBeGreaterThan(200)
  expect(readFileSync(join(packages, 'afinar_papermill.py'), 'utf8')).toContain('class TypeScriptTranslator')
  cli('install', '--prefix', join(folder, 'bare'))
  expect(existsSync(join(folder, 'bare/share/jupyter/kernels/afinar/kernel.json'))).toBe(true)
  expect(cli('install', '--prefix', folder, '--env', 'nonsense').stderr).toMatch(/^Cannot install the kernelspec: --env wants NAME=VALUE/)
})
