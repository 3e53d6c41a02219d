// One cache for both: what we fetch, Python's huggingface_hub finds, and the other way round. Against a hub of our own on this machine; skipped by name where there is no such Python.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { realpathSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { fetchFromHub } from '../../lib/models/sources/hub.js'
import { hubPython } from './python-peers.js'
import { temporary } from './support.js'

const executable = hubPython()
const commit = '0123456789abcdef0123456789abcdef01234567'
const files: Record<string, Buffer> = { 'model.safetensors': Buffer.alloc(70_000, 'w'), 'config.json': Buffer.from('{"model_type":"bert"}'), 'tokenizer.json': Buffer.from('{}') }

const python = (script: string, env: NodeJS.ProcessEnv) => new Promise<string>((done, fail) => {
  const child = spawn(executable!, ['-c', script], { env: { ...process.env, ...env, HF_HUB_DISABLE_TELEMETRY: '1', HF_HUB_DISABLE_XET: '1' } })
  let out = '', told = ''
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { told += chunk.toString() })
  child.on('close', (code) => code === 0 ? done(out.trim()) : fail(new Error(told.slice(-2000))))
})

;(executable ? test : test.skip)('the cache is shared with Python’s huggingface_hub, in both directions and offline', async () => {
  let asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    if (/^\/api\/models\/owner\/name(\/revision\/\w+)?$/.test(request.url!.split('?')[0]!)) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ id: 'owner/name', sha: commit, siblings: Object.keys(files).map((rfilename) => ({ rfilename })) }))
      return
    }
    if (request.url!.startsWith('/api/models/owner/name/tree/')) {
      const sha1 = (bytes: Buffer) => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(Object.entries(files).map(([path, bytes]) => ({ type: 'file', path, size: bytes.length, oid: sha1(bytes), ...(bytes.length > 1000 && { lfs: { oid: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, pointerSize: 130 } }) }))))
      return
    }
    const bytes = files[/^\/owner\/name\/resolve\/\w+\/(.+)$/.exec(request.url!)?.[1] ?? '']
    if (!bytes) return void response.writeHead(404).end()
    const etag = bytes.length > 1000 ? createHash('sha256').update(bytes).digest('hex') : createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
    response.writeHead(200, { etag: `"${etag}"`, 'content-length': bytes.length, 'x-repo-commit': commit, 'content-type': 'application/octet-stream' }).end(request.method === 'HEAD' ? undefined : bytes)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    const ours = { HF_ENDPOINT: endpoint, HF_HUB_CACHE: join(temporary(), 'hub') }, fetched = await fetchFromHub('owner/name', undefined, { env: ours })
    const found = await python('from huggingface_hub import snapshot_download; print(snapshot_download("owner/name", local_files_only=True))', { ...ours, HF_HUB_OFFLINE: '1' })
    expect(realpathSync(found)).toBe(realpathSync(fetched.folder))
    asked = []
    await python('from huggingface_hub import hf_hub_download as get\nfor f in ("model.safetensors", "config.json"): open(get("owner/name", f), "rb").read()', ours)
    expect(asked.filter((line) => line.startsWith('GET /owner'))).toEqual([]) // nothing is fetched twice

    const theirs = { HF_ENDPOINT: endpoint, HF_HUB_CACHE: join(temporary(), 'hub') }
    const folder = await python('from huggingface_hub import snapshot_download; print(snapshot_download("owner/name"))', theirs)
    asked = []
    const again = await fetchFromHub('owner/name', undefined, { env: theirs })
    expect(realpathSync(again.folder)).toBe(realpathSync(folder))
    expect(asked.filter((line) => line.includes('/resolve/'))).toEqual([])
    expect(realpathSync((await fetchFromHub('owner/name', undefined, { env: { ...theirs, HF_HUB_OFFLINE: '1' } })).folder)).toBe(realpathSync(folder))
  } finally {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
}, 600_000)
