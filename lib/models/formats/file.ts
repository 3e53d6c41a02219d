// Reading byte ranges of a file, with errors that name the file. Nothing is read before it is asked for.
import { open, type FileHandle } from 'node:fs/promises'
import { ModelError } from '../errors.js'

export class RandomAccessFile {
  private constructor(readonly path: string, readonly size: number, private readonly handle: FileHandle) {}

  static async open(path: string): Promise<RandomAccessFile> {
    let handle
    try {
      handle = await open(path, 'r')
    } catch (error) {
      throw new ModelError(`Cannot open ${path}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file. Check the path' : (error as Error).message}.`, { cause: error })
    }
    const stat = await handle.stat()
    if (!stat.isFile()) {
      await handle.close()
      throw new ModelError(`Cannot read ${path} as weights: it is not a file. Give the path of the file, or of a folder with a config.json.`)
    }
    return new RandomAccessFile(path, stat.size, handle)
  }

  /** Exactly `length` bytes from `start`: on `scratch` where that is large enough, else on memory of their own. */
  async read(start: number, length: number, scratch?: Uint8Array): Promise<Uint8Array> {
    if (start < 0 || length < 0 || start + length > this.size) throw new ModelError(`Cannot read ${this.path}: it ends at byte ${this.size}, before byte ${start + length} that its own table of contents asks for. The file is truncated or damaged; fetch it again.`)
    const bytes = scratch && scratch.length >= length ? scratch.subarray(0, length) : new Uint8Array(length)
    for (let done = 0; done < length;) {
      const { bytesRead } = await this.handle.read(bytes, done, Math.min(length - done, 1 << 28), start + done)
      if (bytesRead === 0) throw new ModelError(`Cannot read ${this.path}: it became shorter while it was read. Fetch it again.`)
      done += bytesRead
    }
    return bytes
  }

  close(): Promise<void> { return this.handle.close() }
}
