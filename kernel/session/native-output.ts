// Before the user's code hands fd 1 or 2 to somebody else (fs.writeSync, a child process), what was printed until then goes out.
// Not here: the output of native code, which asks nobody.
import children, { ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { Object, Reflect } from './intrinsics.js'
import { flush } from './output.js'

type Call = (...args: unknown[]) => unknown

export function followNativeOutput() {
  for (const name of ['writeSync', 'writevSync', 'write', 'writev']) before(fs, name, descriptor => descriptor === 1 || descriptor === 2)
  for (const name of ['spawnSync', 'execSync', 'execFileSync']) before(children, name, () => true)
  before(ChildProcess.prototype, 'spawn', () => true)
  syncBuiltinESMExports()
}

function before(owner: object, name: string, concerns: (first: unknown) => boolean) {
  const original = (owner as Record<string, Call>)[name]!
  const followed = function (this: unknown, ...args: unknown[]) {
    if (concerns(args[0])) flush()
    return Reflect.apply(original, this, args) as unknown
  }
  Object.defineProperties(followed, Object.getOwnPropertyDescriptors(original)) // its name, and util.promisify's own version of it
  Object.defineProperty(owner, name, { value: followed, configurable: true, writable: true, enumerable: true })
}
