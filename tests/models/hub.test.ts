// Fetching over HTTP against a local server that speaks the hub's protocol, well and badly.
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { fetchFromHub } from '../../lib/models/sources/hub.js'
import { fetchFromWeb } from '../../lib/models/sources/web.js'
import { temporary } from './support.js'

const commit = '0123456789abcdef0123456789abcdef01234567'
const files: Record<string, Buffer> = { 'model.safetensors': Buffer.alloc(300_000, 'weights'), 'config.json': Buffer.from('{"model_type":"bert"}'), 'tokenizer.json': Buffer.from('{}'), 'pytorch_model.bin': Buffer.from('no'), 'README.md': Buffer.from('no') }
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const git = (bytes: Buffer) => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')

let server: Server, endpoint: string, cache: string, env: NodeJS.ProcessEnv, log: string[]
/** Answers instead of the hub where it returns true. */
let misbehave: (request: IncomingMessage, response: ServerResponse) => boolean

function hub(request: IncomingMessage, response: ServerResponse): void {
  log.push(`${request.method} ${request.url} ${request.headers.range ?? ''}`.trim())
  if (misbehave(request, response)) return
  if (request.url === '/api/models/owner/name/revision/main') {
    response.end(JSON.stringify({ sha: commit, siblings: [...Object.keys(files), '../../evil.safetensors'].map((rfilename) => ({ rfilename })) }))
    return
  }
  const [, name] = /^\/(?:owner\/name\/resolve\/\w+|cdn)\/(.+)$/.exec(request.url!) ?? [], bytes = files[name ?? '']
  if (!bytes) return void response.writeHead(404).end()
  const large = bytes.length > 1000
  if (large && request.url!.startsWith('/owner')) {
    response.writeHead(302, { location: `/cdn/${name}`, 'x-linked-etag': `"${sha256(bytes)}"`, 'x-linked-size': bytes.length, 'x-repo-commit': commit }).end()
    return
  }
  const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
  response.writeHead(from > 0 ? 206 : 200, { etag: `"${git(bytes)}"`, 'content-length': bytes.length - from })
  response.end(request.method === 'HEAD' ? undefined : bytes.subarray(from))
}

beforeEach(async () => {
  misbehave = () => false
  log = []
  cache = join(temporary(), 'hub')
  server = createServer(hub)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  env = { HF_ENDPOINT: endpoint, HF_HUB_CACHE: cache, AFINAR_CACHE: temporary() }
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
})
const patience = 0.001

test('weights, configuration and tokenizer arrive in the layout that Python shares', async () => {
  const { folder, files: names } = await fetchFromHub('owner/name', undefined, { env })
  expect(names).toEqual(['model.safetensors', 'config.json', 'tokenizer.json'])
  const root = join(cache, 'models--owner--name')
  expect(folder).toBe(join(root, 'snapshots', commit))
  expect(readFileSync(join(root, 'refs/main'), 'utf8')).toBe(commit)
  expect(lstatSync(join(folder, 'model.safetensors')).isSymbolicLink()).toBe(true)
  expect(readlinkSync(join(folder, 'model.safetensors'))).toBe(`../../blobs/${sha256(files['model.safetensors']!)}`)
  expect(readFileSync(join(folder, 'model.safetensors')).equals(files['model.safetensors']!)).toBe(true)
  expect(readdirSync(join(root, 'blobs')).sort()).toEqual([sha256(files['model.safetensors']!), git(files['config.json']!), git(files['tokenizer.json']!)].sort())
  log = []
  await fetchFromHub('owner/name', undefined, { env })
  expect(log).toEqual(['GET /api/models/owner/name/revision/main']) // nothing is fetched twice
  log = []
  const offline = await fetchFromHub('owner/name', undefined, { env: { ...env, HF_HUB_OFFLINE: '1' } })
  expect([offline.folder, offline.files.sort(), log]).toEqual([folder, ['config.json', 'model.safetensors', 'tokenizer.json'], []])
  const unreachable = await fetchFromHub('owner/name', undefined, { env: { ...env, HF_ENDPOINT: 'http://127.0.0.1:9' }, patience })
  expect(unreachable.folder).toBe(folder)
})

test('the token goes to the hub', async () => {
  const seen: (string | undefined)[] = []
  misbehave = (request) => { seen.push(request.headers.authorization); return false }
  await fetchFromHub('owner/name', undefined, { env: { ...env, HF_TOKEN: 'secret' } })
  expect(seen[0]).toBe('Bearer secret')
})

test.each([[401, 'set HF_TOKEN'], [403, 'set HF_TOKEN'], [404, 'Check the name'], [429, 'too many requests'], [500, 'Try later']])('an answer of %i', async (status, message) => {
  misbehave = (_, response) => { response.writeHead(status).end(); return true }
  await expect(fetchFromHub('owner/name', undefined, { env, patience })).rejects.toThrow(new RegExp(`Cannot fetch hf:owner/name: the server answers ${status}.*${message}`))
  expect(log.length).toBe(status === 429 || status === 500 ? 4 : 1)
})

test('a server that is busy at first is asked again', async () => {
  let busy = 2
  misbehave = (_, response) => busy-- > 0 && Boolean(response.writeHead(503, { 'retry-after': '1' }).end())
  expect((await fetchFromHub('owner/name', undefined, { env, patience })).files.length).toBe(3)
})

test('a broken download goes on where it stopped', async () => {
  let first = true
  misbehave = (request, response) => {
    if (!first || request.url !== '/cdn/model.safetensors' || request.method !== 'GET') return false
    first = false
    response.writeHead(200, { 'content-length': 300_000 })
    response.write(files['model.safetensors']!.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 50))
    return true
  }
  const { folder } = await fetchFromHub('owner/name', undefined, { env, patience: 1 })
  expect(readFileSync(join(folder, 'model.safetensors')).equals(files['model.safetensors']!)).toBe(true)
  const resumed = log.filter((line) => /^GET \/cdn\/model\.safetensors bytes=\d+-$/.test(line))
  expect(resumed.length).toBe(1)
})

test('wrong bytes are removed, and said', async () => {
  misbehave = (request, response) => request.url === '/cdn/model.safetensors' && Boolean(response.writeHead(200, { 'content-length': 300_000 }).end(Buffer.alloc(300_000, 'WEIGHTS')))
  await expect(fetchFromHub('owner/name', undefined, { env })).rejects.toThrow(/its checksum is \w+ and should be/)
  expect(readdirSync(join(cache, 'models--owner--name/blobs'))).toEqual([])
  expect(existsSync(join(cache, 'models--owner--name/refs'))).toBe(false)
})

test('a server that stalls, a page that is not a hub, and a stop', async () => {
  misbehave = (request, response) => request.url === '/cdn/model.safetensors' && (response.writeHead(200, { 'content-length': 300_000 }), response.write('x'), true)
  await expect(fetchFromHub('owner/name', undefined, { env, patience: 0.0005 })).rejects.toThrow(/nothing came|broke 4 times/)
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 100)
  await expect(fetchFromHub('owner/name', undefined, { env, signal: stop.signal })).rejects.toThrow(/abort/i)
  misbehave = (_, response) => Boolean(response.end('<html>'))
  await expect(fetchFromHub('owner/name', undefined, { env })).rejects.toThrow('does not answer as a hub does')
  await expect(fetchFromHub('../..', undefined, { env })).rejects.toThrow('write hf:owner/name')
  await expect(fetchFromHub('none', undefined, { env: { ...env, HF_HUB_OFFLINE: '1' } })).rejects.toThrow('HF_HUB_OFFLINE is set, and it is not in the cache')
})

test('a file from the web, with and without its checksum', async () => {
  const url = `${endpoint}/cdn/model.safetensors`, right = sha256(files['model.safetensors']!)
  const { folder, files: [file] } = await fetchFromWeb(url, { env })
  expect(file).toMatchObject({ name: 'model.safetensors', bytes: 300_000, sha256: right })
  log = []
  expect((await fetchFromWeb(url, { env })).folder).toBe(folder)
  expect(log).toEqual([])
  expect((await fetchFromWeb(`${url}#sha256=${right}`, { env })).files.length).toBe(1)
  await expect(fetchFromWeb(`${url}#sha256=${'0'.repeat(64)}`, { env })).rejects.toThrow('should be 000')
  writeFileSync(join(folder, 'model.safetensors'), 'changed')
  await fetchFromWeb(url, { env })
  expect(readFileSync(join(folder, 'model.safetensors')).length).toBe(300_000)
  misbehave = (_, response) => Boolean(response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'))
  await expect(fetchFromWeb(`${endpoint}/cdn/other.pth`, { env })).rejects.toThrow('is a web page')
  await expect(fetchFromWeb('http://example.com/a.pth', { env })).rejects.toThrow('only https:')
  await expect(fetchFromWeb(`${endpoint}/page`, { env })).rejects.toThrow('must end in')
})
