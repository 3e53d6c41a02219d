// What the machine must have before anything starts. Says what is missing and how to get it; changes nothing.
import { existsSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { root, SetupError } from './step.mjs'

const GB = 1e9

/** Node's version, and room on the disk for what is not there yet. Throws a SetupError that names the cure. */
export function checkMachine() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new SetupError(`Cannot set up: afinar needs Node.js 20.19 or newer and this is ${process.version}. Install the current LTS from https://nodejs.org, then run the same command again.`)
  }
  const needed = (existsSync(join(root, 'node_modules/.afinar-setup')) ? 0 : 1.3 * GB) + (existsSync(join(root, '.venv/.afinar-tensorflow')) ? 0 : 1.6 * GB)
  const { bavail, bsize } = statfsSync(root)
  if (needed > bavail * bsize) {
    throw new SetupError(`Cannot set up: the packages need ${(needed / GB).toFixed(1)} GB and ${(bavail * bsize / GB).toFixed(1)} GB are free where ${root} lies. Free some space, or clone onto a larger disk.`)
  }
}
