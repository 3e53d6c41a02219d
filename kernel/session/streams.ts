// console and process.stdout/stderr of the user's code: every write goes to the cell that caused it. Native writes to fd 1 and 2 are
// the host's, which reads the pipes.
import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { cause } from './cell.js'
import { Buffer, Object, process } from './intrinsics.js'
import { print, send } from './output.js'
import { mapPlaces, withoutScopes } from './places.js'

/** TensorFlow.js in Node recommends, at its first tensor, a package that does not install here; `afinar` brings the engine. */
const advertisement = /^\s*=+\nHi, looks like you are running TensorFlow\.js in Node\.js\..*\n=+\s*$/

type Written = (error: Error | null | undefined) => void

/**
 * Takes the place of Node's own stream, which must not even be opened: that would make fd 1 and 2 non-blocking, also for child
 * processes, and those lose output then.
 */
class Captured extends Writable {
  readonly #decoder = new TextDecoder()
  readonly fd: number
  constructor(readonly name: 'stdout' | 'stderr') {
    super({ decodeStrings: false })
    this.fd = name === 'stdout' ? 1 : 2
  }

  override write(chunk: unknown, encoding?: BufferEncoding | Written, callback?: Written): boolean {
    const text = typeof chunk !== 'string' ? this.#decoder.decode(chunk as Uint8Array, { stream: true })
      : typeof encoding === 'string' && !/^utf-?8$/i.test(encoding) ? Buffer.from(chunk, encoding).toString() : chunk
    if (!(this.name === 'stderr' && advertisement.test(text))) print(cause().id, this.name, withoutScopes(mapPlaces(text)))
    const done = typeof encoding === 'function' ? encoding : callback
    if (done) process.nextTick(done, null)
    return true
  }

  override end(): this { return this }
  override destroy(): this { return this }
}

export function captureStreams() {
  for (const name of ['stdout', 'stderr'] as const) {
    Object.defineProperty(process, name, { value: new Captured(name), configurable: true, enumerable: true, writable: false })
  }
  // Node's own console also hands every call to the inspector, which keeps the arguments
  const console = new Console({ stdout: process.stdout, stderr: process.stderr })
  console.clear = () => send({ type: 'clear-output', cell: cause().id, wait: false })
  Object.defineProperty(globalThis, 'console', { value: console, configurable: true, writable: true, enumerable: false })
}
