// console and process.stdout/stderr of the user's code: every write goes to the cell that caused it. Native writes to fd 1 and 2 are
// the host's, which reads the pipes.
import { Console } from 'node:console'
import { cause } from './cell.js'
import { Buffer, Object, process } from './intrinsics.js'
import { print, send } from './output.js'
import { mapPlaces, withoutScopes } from './places.js'

export function captureStreams() {
  for (const name of ['stdout', 'stderr'] as const) {
    const decoder = new TextDecoder()
    Object.defineProperty(process[name], 'write', {
      configurable: true, writable: true,
      value(chunk: string | Uint8Array, encoding?: BufferEncoding | (() => void), callback?: () => void) {
        const text = typeof chunk === 'string'
          ? typeof encoding === 'string' && !/^utf-?8$/i.test(encoding) ? Buffer.from(chunk, encoding).toString() : chunk
          : decoder.decode(chunk, { stream: true })
        print(cause().id, name, withoutScopes(mapPlaces(text)))
        const done = typeof encoding === 'function' ? encoding : callback
        if (done) process.nextTick(done)
        return true
      },
    })
  }
  // Node's own console also hands every call to the inspector, which keeps the arguments
  const console = new Console({ stdout: process.stdout, stderr: process.stderr })
  console.clear = () => send({ type: 'clear-output', cell: cause().id, wait: false })
  Object.defineProperty(globalThis, 'console', { value: console, configurable: true, writable: true, enumerable: false })
}
