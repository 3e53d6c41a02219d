// Unpacks chosen files of a .tgz to a folder. Names that leave it, links and archives that swell are refused, before anything is written.
import { createReadStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { posix } from 'node:path'
import { extract, Parser, type ReadEntry } from 'tar'
import { ModelError } from '../errors.js'

const refuse = (path: string, why: string) => new ModelError(`Cannot unpack ${path}: ${why}. It is damaged or unsafe; fetch it again.`)

/** The name without the package's one top folder; undefined where it would leave that. */
function insideName(name: string): string | undefined {
  if (name.startsWith('/') || name.split('/').includes('..') || /[\\\0]|^[A-Za-z]:/.test(name)) return undefined
  const inner = posix.normalize(name).split('/').slice(1).join('/')
  return inner === '' || posix.isAbsolute(inner) ? undefined : inner
}

/** Reads the whole archive once: its files' names, or what speaks against it. */
async function contents(path: string, archiveBytes: number, signal?: AbortSignal): Promise<string[]> {
  const names: string[] = []
  let total = 0, failure: Error | undefined, ended = false
  const parser = new Parser({
    strict: true,
    onReadEntry(entry: ReadEntry) {
      const name = insideName(entry.path)
      total += entry.size ?? 0
      if (entry.type !== 'Directory' && name === undefined) failure ??= refuse(path, `it holds "${entry.path}", which would leave the folder`)
      if (total > 256 * 2 ** 20 && total > 200 * archiveBytes) failure ??= refuse(path, `its ${archiveBytes} bytes would swell to more than ${total}`)
      if (name !== undefined && (entry.type === 'File' || entry.type === 'OldFile')) names.push(name) // links are never followed
      entry.resume()
    },
  })
  const events = parser as unknown as { on(event: string, listener: (error: Error) => void): void }
  for (const event of ['error', 'abort']) events.on(event, (error) => { failure ??= refuse(path, error.message) })
  events.on('end', () => { ended = true })
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    signal?.throwIfAborted()
    parser.write(chunk)
    if (failure) throw failure
  }
  parser.end()
  for (let wait = 0; wait < 200 && !ended && !failure; wait++) await new Promise((done) => setTimeout(done, wait < 10 ? 0 : 10))
  if (failure) throw failure
  if (!ended) throw refuse(path, 'it ends in the middle')
  return names
}

/** Unpacks the files that `wanted` accepts under `folder`, without the archive's top folder, and returns their names. An archive that swells more than 200-fold beyond 256 MB is refused as a bomb. */
export async function unpackTar(path: string, folder: string, wanted: (name: string) => boolean, archiveBytes: number, signal?: AbortSignal): Promise<string[]> {
  try {
    const names = [...new Set(await contents(path, archiveBytes, signal))].filter(wanted), chosen = new Set(names)
    await mkdir(folder, { recursive: true })
    await extract({ file: path, cwd: folder, strip: 1, strict: true, filter: (name, entry) => 'type' in entry && (entry.type === 'File' || entry.type === 'OldFile') && chosen.has(insideName(name) ?? '') })
    return names
  } catch (error) {
    if (error instanceof ModelError || signal?.aborted) throw error
    throw refuse(path, (error as Error).message)
  }
}
