// `hf:owner/name[@revision]`: the Hugging Face hub's protocol, in the cache layout that Python shares (blobs, refs, snapshots).
import { access, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import { dirname, join, relative } from 'node:path'
import { ModelError } from '../errors.js'
import { download, refusal, request, type Expected } from './download.js'
import type { FetchOptions } from './python-package.js'

const beside = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'sentence_bert_config.json', 'preprocessor_config.json', 'generation_config.json', 'vocab.json', 'source.spm', 'target.spm', 'adapter_config.json']

interface Hub { endpoint: string; headers: Record<string, string>; cache: string; offline: boolean }

function hubOf(env: NodeJS.ProcessEnv): Hub {
  const home = env['HF_HOME'] || join(env['XDG_CACHE_HOME'] || join(os.homedir(), '.cache'), 'huggingface')
  return {
    endpoint: (env['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, ''),
    headers: { 'user-agent': 'afinar', ...(env['HF_TOKEN'] && { authorization: `Bearer ${env['HF_TOKEN']}` }) },
    cache: env['HF_HUB_CACHE'] || join(home, 'hub'),
    offline: /^(1|true|yes|on)$/i.test(env['HF_HUB_OFFLINE'] ?? ''),
  }
}

/** Files worth having: weights in the safest form there is, and what lies beside them. `inside` asks for one weights file by name. */
function chosen(names: readonly string[], inside: string | undefined): string[] {
  const top = names.filter((name) => !name.includes('/'))
  const weights = inside !== undefined ? names.filter((name) => name === inside)
    : top.includes('model.safetensors') ? ['model.safetensors']
    : top.some((name) => name === 'model.safetensors.index.json') ? top.filter((name) => /^model.*\.safetensors(\.index\.json)?$/.test(name))
    : top.some((name) => name.endsWith('.safetensors')) ? top.filter((name) => name.endsWith('.safetensors'))
    : top.filter((name) => /^pytorch_model\.bin$|\.pth$|\.pt$/.test(name))
  return [...new Set([...weights, ...beside.filter((name) => top.includes(name))])]
}

const there = (path: string) => access(path).then(() => true, () => false)

/** Fetches one file into the blobs and links it into the snapshot. */
async function fetchFile(hub: Hub, repo: string, commit: string, name: string, folder: string, o: FetchOptions): Promise<void> {
  const pointer = join(folder, 'snapshots', commit, name)
  if (await there(pointer)) return
  const url = `${hub.endpoint}/${repo}/resolve/${commit}/${name.split('/').map(encodeURIComponent).join('/')}`, what = `hf:${repo} (${name})`
  const head = await request(url, { method: 'HEAD', headers: { ...hub.headers, 'accept-encoding': 'identity' }, redirect: 'manual' }, what, o)
  if (head.status >= 400) throw new ModelError(refusal(head.status, what))
  const etag = (head.headers.get('x-linked-etag') ?? head.headers.get('etag') ?? '').replace(/^W\//, '').replace(/^"|"$/g, '')
  if (!/^[\w-]{8,128}$/.test(etag)) throw new ModelError(`Cannot fetch ${what}: ${hub.endpoint} gives no ETag for it, so it cannot be checked. Check HF_ENDPOINT.`)
  const size = Number(head.headers.get('x-linked-size') ?? (head.status === 200 ? head.headers.get('content-length') : null))
  const expected: Expected = { ...(/^[0-9a-f]{64}$/.test(etag) && { sha256: etag }), ...(/^[0-9a-f]{40}$/.test(etag) && { git: etag }), ...(size > 0 && { bytes: size }) }
  const blob = join(folder, 'blobs', etag)
  await mkdir(dirname(blob), { recursive: true })
  if (!await there(blob)) await download(url, blob, expected, { ...o, headers: hub.headers, what })
  await mkdir(dirname(pointer), { recursive: true })
  await symlink(relative(dirname(pointer), blob), pointer).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'EEXIST') throw error })
}

async function filesUnder(folder: string, inside = ''): Promise<string[]> {
  const entries = await readdir(join(folder, inside), { withFileTypes: true })
  return (await Promise.all(entries.map((entry) => entry.isDirectory() ? filesUnder(folder, join(inside, entry.name)) : [join(inside, entry.name)]))).flat()
}

/** What an earlier fetch (ours or Python's) left for this revision. */
async function fromCache(folder: string, revision: string): Promise<{ folder: string; files: string[] } | undefined> {
  const commit = (await readFile(join(folder, 'refs', revision), 'utf8').catch(() => revision)).trim(), snapshot = join(folder, 'snapshots', commit)
  if (!/^[\w.-]+$/.test(commit) || !await there(snapshot)) return undefined
  return { folder: snapshot, files: await filesUnder(snapshot) }
}

/** Fetches a model's files from the hub, or finds them in the cache: with HF_HUB_OFFLINE, and when the hub cannot be reached. */
export async function fetchFromHub(name: string, inside: string | undefined, o: FetchOptions = {}): Promise<{ folder: string; files: string[]; /** As its card says it; unknown offline. */ licence?: string }> {
  const [, repo, revision = 'main'] = /^([\w.-]+\/[\w.-]+|[\w.-]+)(?:@([\w./-]+))?$/.exec(name) ?? []
  if (!repo || repo.split('/').includes('..') || revision.split('/').includes('..')) throw new ModelError(`Cannot fetch hf:${name}: write hf:owner/name or hf:owner/name@revision.`)
  const hub = hubOf(o.env ?? process.env), folder = join(hub.cache, `models--${repo.replaceAll('/', '--')}`)
  const missing = (why: string): never => { throw new ModelError(`Cannot fetch hf:${name}: ${why}, and it is not in the cache ${hub.cache}. Fetch it once with a network, or give the path of downloaded files.`) }
  if (hub.offline) return await fromCache(folder, revision) ?? missing('HF_HUB_OFFLINE is set')
  let info: { sha?: unknown; siblings?: { rfilename?: unknown }[]; cardData?: { license?: unknown } | null }
  try {
    const response = await request(`${hub.endpoint}/api/models/${repo}/revision/${encodeURIComponent(revision)}`, { headers: hub.headers }, `hf:${name}`, o)
    if (!response.ok) throw new ModelError(refusal(response.status, `hf:${name}`))
    info = await response.json() as typeof info
  } catch (error) {
    if (o.signal?.aborted) throw error
    const kept = !(error instanceof ModelError) || /no answer|answers 5|answers 429/.test(error.message) ? await fromCache(folder, revision) : undefined
    if (kept) return kept
    if (error instanceof ModelError) throw error
    throw new ModelError(`Cannot fetch hf:${name}: ${hub.endpoint} does not answer as a hub does (${(error as Error).message}). Check HF_ENDPOINT.`, { cause: error })
  }
  const commit = info.sha
  if (typeof commit !== 'string' || !/^[0-9a-f]{7,64}$/.test(commit) || !Array.isArray(info.siblings)) throw new ModelError(`Cannot fetch hf:${name}: ${hub.endpoint} does not answer as a hub does. Check HF_ENDPOINT.`)
  const names = info.siblings.map(({ rfilename }) => rfilename).filter((file): file is string => typeof file === 'string' && !file.startsWith('/') && !file.split(/[/\\]/).includes('..'))
  const files = chosen(names, inside)
  for (const file of files) await fetchFile(hub, repo, commit, file, folder, o)
  await mkdir(dirname(join(folder, 'refs', revision)), { recursive: true })
  await writeFile(join(folder, 'refs', revision), commit)
  const licence = info.cardData?.license
  return { folder: join(folder, 'snapshots', commit), files, ...(typeof licence === 'string' && { licence }) }
}
