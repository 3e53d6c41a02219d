// `https://…`: one weights file from the web, kept in the cache. `#sha256=…` says what it must be.
import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'
import { ModelError } from '../errors.js'
import { cached, type CachedFolder } from './cache.js'
import { download } from './download.js'
import type { FetchOptions } from './python-package.js'

export async function fetchFromWeb(source: string, o: FetchOptions = {}): Promise<CachedFolder> {
  const url = URL.canParse(source) ? new URL(source) : undefined
  const near = url && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (!url || (url.protocol !== 'https:' && !near)) throw new ModelError(`Cannot fetch ${source}: only https: addresses are fetched, because http: can be changed on the way.`)
  const [, sum] = /^#sha256=([0-9a-f]{64})$/.exec(url.hash) ?? []
  if (url.hash && !sum) throw new ModelError(`Cannot fetch ${source}: after # only sha256=<64 hex digits> is understood.`)
  url.hash = ''
  const name = basename(decodeURIComponent(url.pathname)).replace(/[^\w.+-]/g, '_')
  if (!/\.(safetensors|pth|pt|bin)$/i.test(name)) throw new ModelError(`Cannot fetch ${source}: the address must end in .safetensors, .pth, .pt or .bin.`)
  return cached(source, ['https', createHash('sha256').update(`${url.href} ${sum ?? ''}`).digest('hex').slice(0, 32)], async (folder) => {
    await download(url.href, join(folder, name), sum ? { sha256: sum } : {}, o)
    return { files: [name] }
  }, o.env)
}
