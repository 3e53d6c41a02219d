// `https://…`: a weights file from the web, or a TensorFlow.js model.json with its shards, kept in the cache. `#sha256=…` says what the file must be.
import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'
import { ModelError } from '../errors.js'
import { readModelJSON } from '../formats/tensorflow-js.js'
import { cached, type CachedFolder } from './cache.js'
import { download } from './download.js'
import type { FetchOptions } from './python-package.js'

/** The shards that a manifest names, which lie beside it. */
async function shardsOf(path: string, source: string): Promise<string[]> {
  const { weightsManifest: manifest } = await readModelJSON(path)
  if (!Array.isArray(manifest)) throw new ModelError(`Cannot fetch ${source}: it is not a TensorFlow.js model, it has no "weightsManifest". Give the address of the weights.`)
  const names = (manifest as { paths?: unknown }[]).flatMap((group) => Array.isArray(group?.paths) ? group.paths as unknown[] : [])
  const bad = names.find((name) => typeof name !== 'string' || basename(name) !== name || name === '..' || name.includes('\\'))
  if (bad !== undefined) throw new ModelError(`Cannot fetch ${source}: its shard ${JSON.stringify(bad)} is not the name of a file beside it.`)
  return names as string[]
}

export async function fetchFromWeb(source: string, o: FetchOptions = {}): Promise<CachedFolder> {
  const url = URL.canParse(source) ? new URL(source) : undefined
  const near = url && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (!url || (url.protocol !== 'https:' && !near)) throw new ModelError(`Cannot fetch ${source}: only https: addresses are fetched, because http: can be changed on the way.`)
  const [, sum] = /^#sha256=([0-9a-f]{64})$/.exec(url.hash) ?? []
  if (url.hash && !sum) throw new ModelError(`Cannot fetch ${source}: after # only sha256=<64 hex digits> is understood.`)
  url.hash = ''
  const name = basename(decodeURIComponent(url.pathname)).replace(/[^\w.+-]/g, '_')
  if (!/\.(safetensors|pth|pt|bin|keras|h5|json)$/i.test(name)) throw new ModelError(`Cannot fetch ${source}: the address must end in .safetensors, .pth, .pt, .bin, .keras, .h5 or, for TensorFlow.js, .json.`)
  return cached(source, ['https', createHash('sha256').update(`${url.href} ${sum ?? ''}`).digest('hex').slice(0, 32)], async (folder) => {
    await download(url.href, join(folder, name), sum ? { sha256: sum } : {}, o)
    const shards = /\.json$/i.test(name) ? await shardsOf(join(folder, name), source) : []
    for (const shard of shards) {
      const beside = new URL(encodeURIComponent(shard), url)
      beside.search = url.search // a signature, where there is one
      await download(beside.href, join(folder, shard), {}, { ...o, what: `${source} (${shard})` })
    }
    return { files: [name, ...shards] }
  }, o.env)
}
