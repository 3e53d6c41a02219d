// HDF5 files, read by the HDF Group's own library in WebAssembly, on a thread of its own: a damaged file may stop or hang that library, and then only the thread ends.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'

export interface HDF5Dataset { path: string; shape: number[]; /** Python's struct code, such as '<f'. */ dtype: string }
export interface HDF5Contents {
  datasets: HDF5Dataset[]
  /** Attributes that are texts, by the object's path ('' for the file) and name. */
  texts: Record<string, Record<string, string>>
}
interface Request { id: number; what: 'open' | 'read' | 'close'; path: string; limits?: { mostObjects: number; deepest: number } }
type Answer = { id: number; error?: string; value?: unknown }

/** The library's module: its package can only be imported, and what a thread imports must be an address. */
function library(): string {
  const found = createRequire(import.meta.url).resolve.paths('h5wasm')!.map((folder) => join(folder, 'h5wasm', 'dist', 'node', 'hdf5_hl.js')).find((path) => existsSync(path))
  if (found === undefined) throw new Error('the package h5wasm is not installed')
  return pathToFileURL(found).href
}

/** Runs on the thread; it sees nothing of this file but its own text. */
async function onThread(): Promise<void> {
  const { parentPort, workerData } = (process as unknown as { getBuiltinModule?(name: string): unknown }).getBuiltinModule?.('node:worker_threads') as typeof import('node:worker_threads') ?? await import('node:worker_threads')
  const { url } = workerData as { url: string }
  const { ready, File } = await import(url) as typeof import('h5wasm/node')
  const module = await ready as unknown as { activate_throwing_error_handler?(): unknown }
  module.activate_throwing_error_handler?.() // else the library writes what it finds to the terminal
  let file: InstanceType<typeof File> | undefined
  const open = (path: string, { mostObjects, deepest }: { mostObjects: number; deepest: number }): unknown => {
    file = new File(path, 'r')
    if (!(file.file_id > 0n)) throw new Error('it is not an HDF5 file')
    const datasets: unknown[] = [], texts: Record<string, Record<string, string>> = {}
    let objects = 0
    const visit = (group: InstanceType<typeof File>, at: string, depth: number): void => {
      if (depth > deepest) throw new Error(`its groups are nested more than ${deepest} deep`)
      for (const [name, attribute] of Object.entries(group.attrs)) if (typeof attribute.value === 'string') (texts[at] ??= {})[name] = attribute.value
      for (const key of group.keys()) {
        if (++objects > mostObjects) throw new Error(`it has more than ${mostObjects} objects`)
        const child = group.get(key) as unknown as { keys?: unknown; shape?: number[]; dtype?: unknown }, where = at === '' ? key : `${at}/${key}`
        if (typeof child?.keys === 'function') visit(child as InstanceType<typeof File>, where, depth + 1)
        else if (Array.isArray(child?.shape) && typeof child.dtype === 'string') datasets.push({ path: where, shape: child.shape, dtype: child.dtype })
      }
    }
    visit(file, '', 0)
    return { datasets, texts }
  }
  const read = (path: string): ArrayBufferView => {
    const value = (file!.get(path) as unknown as { value: unknown }).value
    if (typeof value === 'number') return Float32Array.of(value)
    if (!ArrayBuffer.isView(value)) throw new Error('it holds no numbers')
    return value
  }
  parentPort!.on('message', ({ id, what, path, limits }: Request) => {
    try {
      const value = what === 'open' ? open(path, limits!) : what === 'read' ? read(path) : file?.close()
      parentPort!.postMessage({ id, value }, ArrayBuffer.isView(value) ? [value.buffer as ArrayBuffer] : [])
    } catch (error) {
      const told = String((error as Error)?.message ?? error), reasons = [...told.matchAll(/ in \w+\(\): (.+)/g)]
      parentPort!.postMessage({ id, error: reasons.at(-1)?.[1] ?? told.split('\n')[0] })
    }
  })
}

/** A thread whose last file was read without a fault, for the next. */
let spare: HDF5File | undefined

/** An HDF5 file on its thread. Errors are plain: the caller says what file it was. */
export class HDF5File {
  #next = 0
  #failure: Error | undefined
  readonly #waiting = new Map<number, { done(value: unknown): void; fail(error: Error): void; timer: NodeJS.Timeout }>()
  private constructor(readonly worker: Worker) {
    const end = (error: Error) => {
      this.#failure ??= error
      for (const { fail, timer } of this.#waiting.values()) { clearTimeout(timer); fail(error) }
      this.#waiting.clear()
    }
    worker.on('message', ({ id, error, value }: Answer) => {
      const one = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (!one) return
      clearTimeout(one.timer)
      if (error === undefined) one.done(value)
      else one.fail(this.#failure ??= new Error(error)) // a library that failed once is not asked again
    })
    worker.on('error', end)
    worker.on('exit', () => end(new Error('its reader stopped')))
    worker.stdout.resume() // what the library says of damaged files is said in our errors
    worker.stderr.resume()
  }

  /** @param patience longest wait for the table of contents, in ms */
  static async open(path: string, { mostObjects = 200_000, deepest = 32, patience = 15_000 } = {}): Promise<{ file: HDF5File; contents: HDF5Contents }> {
    const file = spare ?? new HDF5File(new Worker(`(${onThread.toString()})()`, { eval: true, stdout: true, stderr: true, workerData: { url: library() }, execArgv: [] }))
    spare = undefined
    try {
      return { file, contents: await file.#ask('open', path, patience, { mostObjects, deepest }) as HDF5Contents }
    } catch (error) {
      await file.worker.terminate()
      throw error
    }
  }

  read(dataset: string): Promise<ArrayBufferView> { return this.#ask('read', dataset, 120_000) as Promise<ArrayBufferView> }

  async close(): Promise<void> {
    if (!this.#failure) await this.#ask('close', '', 15_000).catch((error: Error) => { this.#failure = error })
    if (this.#failure || spare) return void await this.worker.terminate()
    spare = this
    // Not for long: it would keep the process from ending.
    setTimeout(() => {
      if (spare !== this) return
      spare = undefined
      void this.worker.terminate()
    }, 500)
  }

  #ask(what: Request['what'], path: string, patience: number, limits?: Request['limits']): Promise<unknown> {
    if (this.#failure) return Promise.reject(this.#failure)
    const id = this.#next++
    return new Promise((done, fail) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        this.#failure = new Error(`nothing came for ${patience / 1000} s`)
        fail(this.#failure)
        void this.worker.terminate()
      }, patience)
      this.#waiting.set(id, { done, fail, timer })
      this.worker.postMessage({ id, what, path, ...(limits && { limits }) } satisfies Request)
    })
  }
}
