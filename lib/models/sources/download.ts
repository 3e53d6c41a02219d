// One file over HTTP: resumed where it stopped, tried again when the server is busy, checked before it gets its name.
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { ModelError } from '../errors.js'
import type { FetchOptions } from './python-package.js'

/** What the file must be: `sha256` of its bytes, or `git`, the id that git gives it. */
export interface Expected { sha256?: string; git?: string; bytes?: number }

const tries = 4
const stall = 60_000

/** Sleeps, or throws when the signal aborts. */
const pause = (ms: number, signal?: AbortSignal) => new Promise<void>((done, fail) => {
  const stop = () => {
    clearTimeout(timer)
    fail(signal!.reason as Error)
  }
  const timer = setTimeout(() => {
    signal?.removeEventListener('abort', stop)
    done()
  }, ms)
  signal?.addEventListener('abort', stop, { once: true })
})

/** The sentence for a status that will not get better by waiting. */
export function refusal(status: number, what: string): string {
  if (status === 401 || status === 403) return `Cannot fetch ${what}: the server answers ${status}, not allowed. If it is private or gated, accept its terms there and set HF_TOKEN.`
  if (status === 404) return `Cannot fetch ${what}: the server answers 404, not found. Check the name, the revision and the file.`
  if (status === 429) return `Cannot fetch ${what}: the server answers 429, too many requests. Wait some minutes; what was fetched so far is kept.`
  return `Cannot fetch ${what}: the server answers ${status}. ${status >= 500 ? 'Try later; what was fetched so far is kept.' : 'Check the address.'}`
}

const mayPass = (status: number) => status === 429 || status >= 500

/** fetch, again after a pause when the server is busy or the connection breaks. */
export async function request(url: string, init: RequestInit, what: string, o: FetchOptions): Promise<Response> {
  const send = o.fetch ?? fetch
  for (let turn = 1; ; turn++) {
    let response: Response | undefined, failure: unknown
    try {
      response = await send(url, { ...init, signal: o.signal ? AbortSignal.any([o.signal, AbortSignal.timeout(stall)]) : AbortSignal.timeout(stall) })
    } catch (error) {
      if (o.signal?.aborted) throw error
      failure = error
    }
    if (response && !mayPass(response.status)) return response
    await response?.body?.cancel()
    if (turn === tries) throw new ModelError(response ? refusal(response.status, what) : `Cannot fetch ${what}: no answer from ${new URL(url).host} (${((failure as Error).cause as Error | undefined)?.message || (failure as Error).message}). Check the network; once fetched, weights are used from the cache.`, { cause: failure })
    const asked = Number(response?.headers.get('retry-after'))
    await pause(Math.min(asked > 0 ? asked * 1000 : 500 * 2 ** turn, 20_000) * (o.patience ?? 1), o.signal)
  }
}

async function hashPart(path: string, hashes: Hash[]): Promise<void> {
  for await (const chunk of createReadStream(path)) for (const hash of hashes) hash.update(chunk as Buffer)
}

/** Appends to `part` what is missing; returns the size of the whole as the server says it. */
async function fetchRest(url: string, part: string, headers: Record<string, string>, what: string, o: FetchOptions): Promise<void> {
  const have = (await stat(part).catch(() => undefined))?.size ?? 0
  const response = await request(url, { headers: { ...headers, ...(have > 0 && { range: `bytes=${have}-` }) } }, what, o)
  if (response.status === 416) return // nothing is missing, or the part is wrong: the check decides
  if (!response.ok || !response.body) throw new ModelError(refusal(response.status, what))
  if (/^text\/html/.test(response.headers.get('content-type') ?? '')) {
    await response.body.cancel()
    throw new ModelError(`Cannot fetch ${what}: ${url} is a web page, not a file. Give the address of the file itself.`)
  }
  const resumed = response.status === 206
  const length = Number(response.headers.get('content-length')), total = length > 0 ? length + (resumed ? have : 0) : undefined
  const file = await open(part, resumed ? 'a' : 'w')
  const reader = response.body.getReader()
  let done = resumed ? have : 0, timer: NodeJS.Timeout | undefined
  try {
    for (;;) {
      const silent = new Promise<never>((_, fail) => { timer = setTimeout(() => fail(new Error(`nothing came for ${stall / 1000} s`)), stall * (o.patience ?? 1)) })
      const chunk = await Promise.race([reader.read(), silent]).finally(() => clearTimeout(timer))
      if (chunk.done) break
      o.signal?.throwIfAborted()
      await file.writeFile(chunk.value)
      done += chunk.value.length
      o.onProgress?.({ stage: 'download', detail: what, done, ...(total !== undefined && { total }) })
    }
  } finally {
    await reader.cancel().catch(() => {})
    await file.close()
  }
  if (total !== undefined && done !== total) throw new Error(`it ended at byte ${done} of ${total}`)
}

/** Fetches `url` to `target`, which appears only when it is whole and what it should be. A broken download is resumed, also by a later call. */
export async function download(url: string, target: string, expected: Expected, o: FetchOptions & { headers?: Record<string, string>; what?: string }): Promise<void> {
  const part = `${target}.incomplete`, what = o.what ?? url
  for (let turn = 1; ; turn++) {
    try {
      await fetchRest(url, part, o.headers ?? {}, what, o)
      break
    } catch (error) {
      if (error instanceof ModelError || o.signal?.aborted) throw error
      if (turn === tries) throw new ModelError(`Cannot fetch ${what}: the connection broke ${tries} times (${(error as Error).message}). Try again: it goes on where it stopped.`, { cause: error })
    }
  }
  const { size } = await stat(part), sha256 = createHash('sha256'), git = createHash('sha1').update(`blob ${size}\0`)
  await hashPart(part, [sha256, git])
  const found = { bytes: size, sha256: sha256.digest('hex'), git: git.digest('hex') }
  for (const key of ['bytes', 'sha256', 'git'] as const) if (expected[key] !== undefined && expected[key] !== found[key]) {
    await rm(part, { force: true })
    throw new ModelError(`Cannot use ${what}: its ${key === 'bytes' ? 'size' : 'checksum'} is ${found[key]} and should be ${expected[key]}. It was removed; fetch it again, and if that does not help, the server's copy is wrong.`)
  }
  await rename(part, target)
}
